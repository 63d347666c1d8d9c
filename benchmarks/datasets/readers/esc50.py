"""ESC-50, and folders in its layout with fewer classes, such as ESC-10."""

from benchmarks.datasets.dataset import AudioDataset
from skw2c import prettify_label

from ._layout import Reader, keep_present
from ._tables import read_table


def load(root):
    """Read ``meta/esc50.csv`` and ``audio/``; classes are in the order of their numbers."""
    listing = root / "meta" / "esc50.csv"
    table = read_table(listing, ["filename", "fold", "target", "category"])
    table.refuse_duplicates("filename")
    classes = table.order_classes("category", "target")
    _compare_with_names(table)
    family = "ESC" if len(classes) in (10, 50) else "ESC layout, classes"
    dataset = AudioDataset(
        f"{family}-{len(classes)}",
        clips=[str(root / "audio" / name) for name in table.rows["filename"]],
        classes=classes,
        prompts=[prettify_label(label) for label in classes],
        target=table.text("category"),
        fold=table.integers("fold"),
        group=table.text("src_file") if "src_file" in table.rows else None,
    )
    return keep_present(dataset, listing)


def _compare_with_names(table):
    """Official names, such as 1-100032-A-0.wav, say the fold and the class once more."""
    said = table.rows["filename"].str.extract(r"^(\d+)-\d+-[A-Z]-(\d+)\.\w+$")
    for number, column in ((0, "fold"), (1, "target")):
        odd = said[number].notna() & (said[number] != table.rows[column])
        table.refuse(odd, f"{{filename}} has another {column} in its name than {{{column}}}")


READER = Reader(
    name="esc50",
    title="ESC-50",
    load=load,
    url="https://github.com/karolpiczak/ESC-50, as archive/master.zip",
    licence="CC BY-NC 3.0",
    folders=("*ESC-50*", "*ESC50*", "*ESC-10*", "*ESC10*"),
    inside=("audio", "meta"),
    markers=("meta/esc50.csv",),
)
