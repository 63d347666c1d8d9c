"""What was found, as Markdown."""

from benchmarks.speed.training import format_table


def format_page(result):
    """The page: the machine, a table for each part, and what went wrong."""
    lines = ["# GPU", ", ".join(f"{name} {value}" for name, value in result["machine"].items())]
    if result["dry_run"]:
        lines.append("A dry run on the CPU with small sizes: the figures say nothing of a GPU.")
    for name, part in result["parts"].items():
        lines += [f"## {name.capitalize()}", *format_part(part)]
    return "\n\n".join(lines) + "\n"


def format_part(part):
    """Table, notes and failures of a part."""
    if part["rows"]:
        yield format_table(part["rows"])
    yield from (note for note in part["notes"] if isinstance(note, str))
    yield from (f"**Failed:** {failure}" for failure in part["failures"])
    if "seconds" in part:
        yield f"({part['seconds']} s)"
