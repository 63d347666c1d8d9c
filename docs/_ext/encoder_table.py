"""The directive ``encoder-table``: the registered encoders, as they describe themselves."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

HEADINGS = {
    "encoder": "name",
    "rate": "rate, Hz",
    "numbers": "dimension",
    "parameters": "parameters",
    "words": "words",
    "images": "images",
    "licence": "licence of the weights",
}


class EncoderTable(SphinxDirective):
    """Write a row for each encoder."""

    def run(self):
        from skw2c import list_encoders

        rows = [[write(name, row[name]) for name in HEADINGS] for row in list_encoders()]
        return [make_table([list(HEADINGS.values()), *rows])]


def write(name, value):
    """A cell of the table."""
    if value is None:
        return ""
    if name == "parameters":
        return f"{value / 1e6:.1f} million"
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(value)


def make_table(lines):
    """A table whose first line holds the headings."""
    table, group = nodes.table(classes=["encoders"]), nodes.tgroup(cols=len(lines[0]))
    group += [nodes.colspec(colwidth=1) for _ in lines[0]]
    head, body = nodes.thead(), nodes.tbody()
    head += make_row(lines[0])
    body += [make_row(line) for line in lines[1:]]
    group += [head, body]
    table += group
    return table


def make_row(cells):
    """A row of plain texts."""
    row = nodes.row()
    for cell in cells:
        entry = nodes.entry()
        entry += nodes.paragraph(text=cell)
        row += entry
    return row


def setup(app):
    """Add the directive."""
    app.add_directive("encoder-table", EncoderTable)
    return {"parallel_read_safe": True}
