"""The classes of the points of a map."""


def name_labels(cell):
    """The class of each point by name, also where the cell gives its number."""
    classes = cell.details.get("classes") or []
    return [
        str(classes[label] if isinstance(label, int) and classes else label)
        for label in cell.details["labels"]
    ]
