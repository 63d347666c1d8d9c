"""What docstrings say of X, once: its columns, and the rate of its clips."""

COLUMNS = {
    "n_features_in_": ("int", "Number of columns of X, where X was a table."),
    "feature_names_in_": (
        "ndarray of shape ``(n_features_in_,)``",
        "Names of the columns of X, where X was a DataFrame with names that are strings.",
    ),
}
SAMPLING_RATE = {
    "sampling_rate": (
        "int",
        "Rate in Hz of clips that are arrays or tensors. Files state their own.",
    ),
}
