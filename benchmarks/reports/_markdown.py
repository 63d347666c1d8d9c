"""The report as a page of Markdown, with images as files beside it."""

import html
import re

from benchmarks.reports import _blocks as blocks

_WIDTHS = {250: "32%", 290: "48%", 295: "48%"}


def render_markdown(title, sections, folder):
    """The page and its images.

    Parameters
    ----------
    title : str
    sections : list of Section
    folder : str
        Where the images will be, as the page sees it.

    Returns
    -------
    page : str
    files : dict of str to bytes
        By the name of the file in ``folder``.
    """
    writer = _Writer(folder)
    parts = [f"# {escape(title)}"]
    for section in sections:
        parts.append(f"## {escape(section.title)}")
        parts += writer.write_all(section.blocks)
    return "\n\n".join(parts) + "\n", writer.files


def escape(text):
    """Text that Markdown and its HTML leave as it is, in one line."""
    text = html.escape(" ".join(str(text).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)


class _Writer:
    """Turns blocks into paragraphs, and collects files of images."""

    def __init__(self, folder):
        self._folder = folder
        self.files = {}

    def write_all(self, items):
        return [part for item in items for part in _WRITE[type(item)](self, item)]

    def text(self, block):
        yield html.escape(block.text, quote=False) if block.markup else escape(block.text)

    def bullets(self, block):
        yield "\n".join(f"- {escape(item)}" for item in block.items)

    def code(self, block):
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
        yield f"{fence}text\n{block.text}\n{fence}"

    def folded(self, block):
        anchor = f'<a id="{block.anchor}"></a>' if block.anchor else ""
        title = html.escape(" ".join(block.title.split()))
        yield f"<details>{anchor}<summary>{title}</summary>"
        yield from self.write_all(block.blocks)
        yield "</details>"

    def table(self, table):
        yield f"*{escape(table.caption)}*"
        rule = [
            "---",
            *("---" if _is_prose(table, k) else "---:" for k in range(len(table.columns))),
        ]
        rows = [_line([escape(table.corner), *map(_head, table.columns)]), _line(rule)]
        rows += [_line([_head(head), *map(_entry, entries)]) for head, entries in table.rows]
        yield "\n".join(rows)
        if table.notes:
            yield "<br>\n".join(
                f"<sup>{blocks.letter(k)}</sup> {escape(note)}"
                for k, note in enumerate(table.notes, 1)
            )

    def figures(self, block):
        yield f"*{escape(block.caption)}*"
        panels = [*block.panels, *([block.legend_panel] if block.legend_panel else [])]
        width = _WIDTHS.get(block.width, "80%")
        yield "\n".join(
            self._image(
                f"{panel.name}.png",
                panel.png,
                panel.alternative,
                "80%" if panel is block.legend_panel else width,
            )
            for panel in panels
        )
        if block.legend and not block.legend_panel:
            yield ", ".join(f"{escape(key.text)}: {key.colour}" for key in block.legend)
        yield from (f"[{escape(page.title)}]({page.name})" for page in block.pages)

    def sheet(self, block):
        yield f"*{escape(block.caption)}*"
        longest = max((len(query.found) for query in block.queries), default=0)
        head = ["query", *(str(rank) for rank in range(1, longest + 1))]
        rows = [_line(head), _line(["---"] * len(head))]
        for number, query in enumerate(block.queries, 1):
            name = f"{block.name}-{number}"
            items = [self._item(name, query.text, query.image)]
            for rank, found in enumerate(query.found, 1):
                sign = {True: "✓ ", False: "✗ "}.get(found.right, "")
                items.append(self._item(f"{name}-{rank}", sign + found.label, found.image))
            rows.append(_line(items + [""] * (len(head) - len(items))))
        yield "\n".join(rows)

    def _item(self, name, text, image):
        if image is None:
            return escape(text)
        return self._image(f"{name}.png", image, text, "96") + "<br>" + escape(text)

    def _image(self, name, content, alternative, width):
        self.files[name] = content
        alternative = html.escape(" ".join(alternative.split())).replace("|", "&#124;")
        return f'<img src="{self._folder}/{name}" alt="{alternative}" width="{width}">'


def _line(places):
    return f"| {' | '.join(places)} |"


def _is_prose(table, column):
    return any(entries[column].kind == "prose" for _, entries in table.rows)


def _head(heading):
    names = [heading.group, heading.text]
    text = ": ".join(escape(name) for name in names if name)
    badges = [f"**[{escape(badge)}]**" for badge in heading.badges]
    return "<br>".join([" ".join([text, *badges]).strip(), *map(escape, heading.lines)])


def _entry(entry):
    text = escape(entry.text) or ("" if entry.kind == "prose" else "\N{EN DASH}")
    if entry.link:
        text = f"[{text}](#{entry.link})"
    if entry.strong:
        text = f"**{text}**"
    marks = _marks(entry.marks)
    words = [text + marks if not entry.spread else f"{text} {escape(entry.spread)}{marks}"]
    words += [f"[{escape(badge)}]" for badge in entry.badges]
    lines = [" ".join(words), escape(entry.published) + _marks(entry.published_marks)]
    return "<br>".join(line for line in [*lines, *map(escape, entry.lines)] if line)


def _marks(marks):
    return f"<sup>{','.join(map(blocks.letter, marks))}</sup>" if marks else ""


_WRITE = {
    blocks.Text: _Writer.text,
    blocks.Bullets: _Writer.bullets,
    blocks.Code: _Writer.code,
    blocks.Folded: _Writer.folded,
    blocks.Table: _Writer.table,
    blocks.Figures: _Writer.figures,
    blocks.Sheet: _Writer.sheet,
}
