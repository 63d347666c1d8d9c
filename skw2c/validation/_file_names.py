"""Names of files as a column of a DataFrame."""


def column_of_names(names: list):
    """Make a Series; names of files may not be valid text, which Arrow refuses."""
    import pandas as pd

    try:
        return pd.Series(names)
    except UnicodeEncodeError:
        return pd.Series(names, dtype=object)
