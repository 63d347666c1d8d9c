"""The report of the benchmarks: tables, images and numbers, from cells and facts."""

from pathlib import Path

from benchmarks.reports._csv import make_csv
from benchmarks.reports._html import render_html
from benchmarks.reports._markdown import render_markdown
from benchmarks.reports._results import Results
from benchmarks.reports._sections import find_pages, make_sections
from benchmarks.reports._texts import as_plain
from skw2c.system._atomic import write_atomically
from skw2c.system._spreadsheets import disarm_table

__all__ = ["as_plain", "write_report"]

TITLE = "Benchmarks of skw2c"


def write_report(cells, facts, out, colours=None):
    """Write the report into a folder; the same cells and facts give the same bytes.

    Parameters
    ----------
    cells : list of Cell
        In the order in which systems are to stand.
    facts : dict
        What the numbers were made with. Known, and all optional: ``introduction`` (paragraphs),
        ``command``, ``versions``, ``weights``, ``seeds``, ``environment``, ``minutes``,
        ``peak memory``, ``history`` (learning curves) and ``data`` (what was found); others are
        listed too.
    colours : dict of str to str, or None
        Of systems that have one of their own, by their titles.
    out : str or Path
        Gets ``report.html``, which needs nothing beside it, ``report.md`` with its images in
        ``pictures``, CSV files of all numbers, in which no spreadsheet takes a name for a formula,
        and in ``maps`` pages on which the clips of a map can be heard.

    Returns
    -------
    Path
        Of ``report.html``.
    """
    out = Path(out)
    folder = out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    results, facts = Results(cells), as_plain(facts)
    for name, table in make_csv(results, facts).items():
        write_atomically(out / name, disarm_table(table).to_csv(index=False).encode())
    sections = make_sections(results, facts, colours or {})
    for own in find_pages(sections):
        (out / own.name).parent.mkdir(exist_ok=True)
        write_atomically(out / own.name, own.content)
    page, files = render_markdown(TITLE, sections, folder.name)
    for name, content in files.items():
        write_atomically(folder / name, content)
    write_atomically(out / "report.md", page.encode())
    write_atomically(out / "report.html", render_html(TITLE, sections).encode())
    return out / "report.html"
