"""What a report consists of, whatever it is written as."""

from dataclasses import dataclass, field


@dataclass
class Text:
    """A paragraph; with ``markup``, ``**strong**`` and code between backticks are read."""

    text: str
    markup: bool = False


@dataclass
class Bullets:
    """Short points."""

    items: list


@dataclass
class Code:
    """Text as it is, line by line."""

    text: str


@dataclass
class Entry:
    """What stands in one place of a table.

    Attributes
    ----------
    text : str
        The main line.
    spread : str
        What follows it in small print.
    strong : bool
        Whether it is the best of its kind.
    published : str
        What a paper says, below the main line.
    lines : list of str
        Smaller lines below that.
    badges : list of str
        Names of badges.
    marks, published_marks : list of int
        Numbers of the table's notes, on the main line and on what a paper says.
    link : str
        Anchor of what explains it.
    kind : {"", "problem", "empty", "prose"}
    """

    text: str = ""
    spread: str = ""
    strong: bool = False
    published: str = ""
    lines: list = field(default_factory=list)
    badges: list = field(default_factory=list)
    marks: list = field(default_factory=list)
    published_marks: list = field(default_factory=list)
    link: str = ""
    kind: str = ""


def letter(number):
    """The sign of a note, from 1: a digit would read as one more of the number before it."""
    return (letter((number - 1) // 26) if number > 26 else "") + chr(97 + (number - 1) % 26)


@dataclass
class Heading:
    """Head of a column or row; ``colour`` is that of its system in images."""

    text: str
    group: str = ""
    lines: list = field(default_factory=list)
    badges: list = field(default_factory=list)
    colour: str = ""


@dataclass
class Table:
    """A table; ``rows`` are pairs of a Heading and one Entry for each column."""

    caption: str
    corner: str
    columns: list
    rows: list
    notes: list = field(default_factory=list)
    anchor: str = ""


@dataclass
class Panel:
    """One image.

    Attributes
    ----------
    name : str
        Name of its file, without the end.
    alternative : str
        What it shows, for who cannot see it.
    svg : str
        To be put into a page; takes over the page's colour of text.
    png : bytes
        To be put beside a page; on white.
    """

    name: str
    alternative: str
    svg: str
    png: bytes


@dataclass
class Key:
    """What a colour and sign in images mean."""

    text: str
    colour: str
    sign: str = "●"


@dataclass
class Page:
    """A page of its own beside the report; ``title`` is the text of the link to it."""

    name: str
    title: str
    content: bytes


@dataclass
class Figures:
    """Panels side by side under one caption.

    Attributes
    ----------
    caption : str
    panels : list of Panel
    legend : list of Key
    legend_panel : Panel or None
        The legend as a image, for pages that have no colours.
    width : int
        Pixels that a panel needs at least.
    pages : list of Page
        What shows the same in another way.
    """

    caption: str
    panels: list
    legend: list = field(default_factory=list)
    legend_panel: Panel | None = None
    width: int = 300
    pages: list = field(default_factory=list)


@dataclass
class Found:
    """One thing that was found; ``right`` is None where nobody can say."""

    label: str
    right: bool | None = None
    image: bytes | None = None


@dataclass
class Query:
    """A query and what was found for it, best first."""

    text: str
    image: bytes | None
    found: list


@dataclass
class Sheet:
    """Queries below each other; ``name`` begins the names of image files."""

    caption: str
    name: str
    queries: list


@dataclass
class Folded:
    """Blocks that are shown on demand."""

    title: str
    blocks: list
    anchor: str = ""


@dataclass
class Section:
    """A part of the report with a title."""

    title: str
    blocks: list
    anchor: str = ""
