"""What the docstrings of the estimators that are trained have in common."""

from ..validation._input_parameters import COLUMNS, SAMPLING_RATE

TRAINED = {
    "max_epochs": ("int", "Maximum number of epochs."),
    "clip_length": (
        "float",
        """Seconds of sound in each example. A random piece of each clip is drawn in each epoch; a
        shorter clip is repeated until it has this length. Predictions are of whole clips.""",
    ),
    "early_stopping_patience": (
        "int or None",
        """Epochs without a lower validation loss after which training ends. The weights of the
        best epoch are kept in any case. None never stops early.""",
    ),
    "precision": (
        '{"auto", "32-true", "bf16-mixed", "16-mixed"}',
        """``"auto"`` is bfloat16 on a GPU that has it, else float32. ``"16-mixed"`` needs the
        extra ``train``.""",
    ),
    "devices": (
        '{"auto", "cpu"} or int',
        """``"auto"`` is a GPU where there is one, else the CPU; in a program that ``torchrun``
        started, it is as many as that started. A number above 1 counts GPUs, or processes of the
        CPU where there is no GPU, and needs the extra ``train``: the program is then started that
        many times, so it must be a script (not a notebook, a console or ``python -c``), and do
        nothing else that one process should do. Each process decodes all clips for itself; for
        many, take shards.""",
    ),
    "num_nodes": ("int", "Number of machines, each with as many devices."),
    "compile": ("bool", "Whether to compile the model with `torch.compile`."),
    "checkpoint_dir": (
        "str, Path or None",
        """Folder in which to keep where the run stands, after each epoch and every
        ``checkpoint_interval`` seconds. Each run needs a folder of its own.""",
    ),
    "checkpoint_interval": ("float", "In seconds."),
    "resume": (
        "bool",
        """Whether to go on from the checkpoint in ``checkpoint_dir``, where there is one of the
        same data and parameters; one of others is refused. False begins again, and keeps what is
        there under another name, such as ``checkpoint-1.pt``. Where the loss became NaN, the best
        epoch is kept: see the notes of :class:`~skw2c.Distiller`.""",
    ),
    **SAMPLING_RATE,
    "n_jobs": (
        "int or None",
        "Threads that prefetch clips. None is one, -1 as many as there are processors.",
    ),
    "on_error": (
        '{"raise", "nan"}',
        """What becomes of a clip that cannot be read. ``"raise"`` stops with an error that names
        the row. ``"nan"`` leaves it out of the training with one
        :class:`~skw2c.exceptions.LeftOutWarning`; in predictions its label is missing (None, or
        NaN among numbers), and its probabilities are NaN.""",
    ),
    "verbose": ("bool or int", "Whether to show progress."),
    "best_epoch_": ("int", "Epoch, from 1, whose weights were kept."),
    "n_iter_": ("int", "Number of epochs."),
    **COLUMNS,
}
"""Of all that are trained."""
