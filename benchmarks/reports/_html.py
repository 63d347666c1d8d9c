"""The report as one page of HTML that needs nothing beside it."""

import base64
import html
import re
from itertools import groupby
from pathlib import Path

from benchmarks.reports import _blocks as blocks

_STYLE = Path(__file__).with_name("report.css")


class Markup(str):
    """HTML; every other text is escaped on its way into the page."""


def tag(name, *children, **attributes):
    """An element; ``None`` among children and attributes is left out.

    Parameters
    ----------
    name : str
    *children : str, Markup or None
    **attributes : str or None
        ``class_`` stands for ``class``.

    Returns
    -------
    Markup
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value not in (None, "")
    )
    content = join(*children)
    return Markup(f"<{name}{written}>{content}</{name}>")


def join(*children):
    """Children side by side."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else html.escape(child)
            for child in children
            if child is not None
        )
    )


def render_html(title, sections):
    """The page.

    Parameters
    ----------
    title : str
    sections : list of Section

    Returns
    -------
    str
    """
    entries = [tag("li", tag("a", s.title, href=f"#{s.anchor}")) for s in sections]
    contents = tag("nav", tag("h2", "Contents"), tag("ol", *entries), aria_label="Contents")
    main = tag("main", tag("h1", title), *map(_render_section, sections))
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        tag("title", title),
        tag("style", Markup(_STYLE.read_text("utf-8"))),
    )
    body = tag("body", contents, main)
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _render_section(section):
    return tag("section", tag("h2", section.title), *_render_all(section.blocks), id=section.anchor)


def _render_all(items):
    return [_RENDER[type(item)](item) for item in items]


def _render_text(block):
    return tag("p", read_markup(block.text) if block.markup else block.text)


def read_markup(text):
    """Escaped text with ``**strong**`` and code between backticks."""
    text = html.escape(text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text))


def _render_bullets(block):
    return tag("ul", *(tag("li", item) for item in block.items))


def _render_code(block):
    return tag("pre", tag("code", block.text), tabindex="0")


def _render_folded(block):
    inner = _render_all(block.blocks)
    return tag("details", tag("summary", block.title), *inner, id=block.anchor)


def _render_table(table):
    prefix = f"{table.anchor}-note"
    head = tag("thead", *_render_head(table))
    body = tag(
        "tbody",
        *(
            tag("tr", _render_heading(heading, "row"), *(_render_entry(e, prefix) for e in entries))
            for heading, entries in table.rows
        ),
    )
    whole = tag("table", tag("caption", table.caption), head, body)
    notes = [tag("li", note, id=f"{prefix}-{k}") for k, note in enumerate(table.notes, 1)]
    scroll = tag(
        "div", whole, class_="scroll", tabindex="0", role="region", aria_label=table.caption
    )
    return join(scroll, tag("ol", *notes, class_="notes") if notes else None)


def _render_head(table):
    groups = [(name, list(own)) for name, own in groupby(table.columns, lambda c: c.group)]
    has_groups = any(name for name, _ in groups)
    corner = tag("th", table.corner, scope="col", rowspan="2" if has_groups else None)
    columns = [
        _render_heading(column, "col", _is_prose(table, k))
        for k, column in enumerate(table.columns)
    ]
    if not has_groups:
        return [tag("tr", corner, *columns)]
    over = [
        tag(
            "th", _dot(own[0].colour), name, scope="colgroup", colspan=str(len(own)), class_="group"
        )
        for name, own in groups
    ]
    return [tag("tr", corner, *over), tag("tr", *columns)]


def _is_prose(table, column):
    return any(entries[column].kind == "prose" for _, entries in table.rows)


def _render_heading(heading, scope, is_prose=False):
    return tag(
        "th",
        None if heading.group else _dot(heading.colour),
        heading.text,
        *map(_render_badge, heading.badges),
        *(tag("small", line) for line in heading.lines),
        scope=scope,
        class_="prose" if is_prose else None,
    )


def _dot(colour):
    return tag("span", "", class_="dot", style=f"background:{colour}") if colour else None


def _render_badge(name):
    return join(" ", tag("span", name, class_="badge"))


def _render_entry(entry, prefix):
    text = entry.text or ("" if entry.kind == "prose" else "\N{EN DASH}")
    if entry.link:
        text = tag("a", text, href=f"#{entry.link}")
    return tag(
        "td",
        tag("strong", text) if entry.strong else text,
        tag("span", f" {entry.spread}", class_="spread") if entry.spread else None,
        *_render_marks(entry.marks, prefix),
        *map(_render_badge, entry.badges),
        tag("small", entry.published, *_render_marks(entry.published_marks, prefix))
        if entry.published
        else None,
        *(tag("small", line) for line in entry.lines),
        class_=entry.kind,
    )


def _render_marks(marks, prefix):
    return [tag("sup", tag("a", blocks.letter(mark), href=f"#{prefix}-{mark}")) for mark in marks]


def _render_figures(block):
    panels = [
        tag("div", Markup(panel.svg), class_="panel", role="img", aria_label=panel.alternative)
        for panel in block.panels
    ]
    keys = [
        tag("li", tag("span", key.sign, style=f"color:{key.colour}", aria_hidden="true"), key.text)
        for key in block.legend
    ]
    return tag(
        "figure",
        tag("figcaption", block.caption),
        tag("div", *panels, class_="panels", style=f"--least:{block.width}px"),
        tag("ul", *keys, class_="legend") if keys else None,
        *(tag("p", tag("a", page.title, href=page.name)) for page in block.pages),
    )


def _render_sheet(block):
    queries = [
        tag(
            "li",
            _render_item(query.text, query.image, "query"),
            tag(
                "ol",
                *(
                    tag("li", _render_item(found.label, found.image, _judge(found)))
                    for found in query.found
                ),
                class_="found",
            ),
        )
        for query in block.queries
    ]
    return tag("figure", tag("figcaption", block.caption), tag("ul", *queries, class_="sheet"))


_JUDGED = {True: "right", False: "wrong", None: "unknown"}
_SIGN = {"right": "✓ ", "wrong": "✗ "}


def _judge(found):
    return _JUDGED[None if found.right is None else bool(found.right)]


def _render_item(text, image, kind):
    source = image and f"data:image/png;base64,{base64.b64encode(image).decode()}"
    sign = tag("span", _SIGN[kind], title=kind) if kind in _SIGN else None
    return tag(
        "div",
        Markup(f'<img src="{source}" alt="" loading="lazy">') if source else None,
        tag("span", sign, text),
        class_=f"item {kind}",
    )


_RENDER = {
    blocks.Text: _render_text,
    blocks.Bullets: _render_bullets,
    blocks.Code: _render_code,
    blocks.Folded: _render_folded,
    blocks.Table: _render_table,
    blocks.Figures: _render_figures,
    blocks.Sheet: _render_sheet,
}
