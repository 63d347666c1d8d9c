"""References in docstrings that were inherited from scikit-learn lead to its own pages."""

from docutils import nodes

PAGES = {
    "ref": "https://scikit-learn.org/stable/modules/model_evaluation.html#{}",
    "term": "https://scikit-learn.org/stable/glossary.html#term-{}",
}


def resolve(app, env, node, content):
    """Link a label that only scikit-learn's documentation has, on generated pages alone."""
    page = PAGES.get(node.get("reftype"))
    if page is None or not node["refdoc"].startswith("generated/"):
        return None
    address = page.format(node["reftarget"].replace("_", "-"))
    return nodes.reference("", content.astext(), refuri=address, internal=False)


def setup(app):
    """Listen for what cannot be resolved."""
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True}
