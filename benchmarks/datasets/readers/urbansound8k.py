"""UrbanSound8K."""

from benchmarks.datasets.dataset import AudioDataset
from skw2c import prettify_label

from ._layout import Reader, keep_present
from ._tables import read_table


def load(root):
    """Read ``metadata/UrbanSound8K.csv`` and ``audio/fold1`` to ``fold10``."""
    listing = root / "metadata" / "UrbanSound8K.csv"
    table = read_table(listing, ["slice_file_name", "fsID", "fold", "classID", "class"])
    table.refuse_duplicates("slice_file_name")
    classes = table.order_classes("class", "classID")
    _compare_with_names(table)
    fold = table.integers("fold")
    names = table.rows["slice_file_name"]
    dataset = AudioDataset(
        "UrbanSound8K",
        clips=[
            str(root / "audio" / f"fold{number}" / name)
            for number, name in zip(fold, names, strict=True)
        ],
        classes=classes,
        prompts=[prettify_label(label) for label in classes],
        target=table.text("class"),
        fold=fold,
        group=table.text("fsID"),
    )
    return keep_present(dataset, listing)


def _compare_with_names(table):
    """Official names, such as 100032-3-0-0.wav, say the recording and the class once more."""
    said = table.rows["slice_file_name"].str.extract(r"^(\d+)-(\d+)-\d+-\d+\.\w+$")
    for number, column in ((0, "fsID"), (1, "classID")):
        odd = said[number].notna() & (said[number] != table.rows[column])
        table.refuse(odd, f"{{slice_file_name}} has another {column} in its name than {{{column}}}")


READER = Reader(
    name="urbansound8k",
    title="UrbanSound8K",
    load=load,
    url="https://zenodo.org/records/1203745",
    licence="CC BY-NC 3.0",
    folders=("*UrbanSound8K*", "*US8K*"),
    inside=("audio", "metadata"),
    markers=("metadata/UrbanSound8K.csv",),
)
