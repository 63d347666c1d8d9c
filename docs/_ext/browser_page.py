"""The page "Try it in the browser" gets its scripts, and the files that they load."""

from pathlib import Path

PAGE = "guide/browser"


def add_scripts(app, name, template, context, doctree):
    """Load scripts and style on this page alone."""
    if name == PAGE:
        app.add_css_file("browser/style.css")
        app.add_js_file("browser/start.js", loading_method="defer")


def write_files(app, exception):
    """Write the encoder, the words and the examples beside the scripts."""
    if exception is None and app.builder.format == "html":
        from browser_files import write_browser_files

        write_browser_files(Path(app.outdir) / "_static" / "browser" / "model")


def setup(app):
    """Listen for the page, and for the end of the build."""
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True}
