"""Fingerprints: texts of all that results depend on, which caches know them by."""

import inspect
import os
import uuid
from pathlib import Path

import joblib

import skw2c
from skw2c.metrics import available_java_scores
from skw2c.weights import sha256_of

# How an estimator works on this machine, which says nothing of its results.
_LOCAL = {
    "device",
    "devices",
    "n_jobs",
    "memory",
    "verbose",
    "on_error",
    "checkpoint_dir",
    "checkpoint_interval",
    "checkpoints",
    "resume",
}
# Keys on disk spell out values of parameters, and messages, as they first were.
_FIRST_CALLED = {
    "Wav2CLIPTransformer": {("output", "embedding"): "clip"},
    "AudioCLIPTransformer": {("output", "embedding"): "clip"},
}
# Parameters that there were not at first, and what they were then.
_NOT_AT_FIRST = {"Wav2CLIPTransformer": {"precision": "float32"}}

_FIRST_WORDED = {
    "Caption metrics that need Java needs": "Scores of captions by Java needs",
    "METEOR and SPICE need Java, but the program 'java' is not in the PATH: install it, for "
    "example by a": "METEOR and SPICE run in Java, and there is no program 'java' in the PATH: "
    "install one, such as a",
}


def fingerprint_of(encoder):
    """All that the vectors of a fitted encoder depend on, as text."""
    parameters = _parameters_of(encoder) if hasattr(encoder, "get_params") else {}
    weights = getattr(encoder, "weights_", None)
    if weights is not None:
        # They tell of the seed too, where they are random.
        parameters |= {"weights": weights.fingerprint}
        parameters |= dict.fromkeys(["model", "pretrained", "random_state"])
    ignored = _LOCAL | {"batch_size"}
    described = sorted((k, repr(v)) for k, v in parameters.items() if k not in ignored)
    return f"{type(encoder).__qualname__} {described} {_fingerprint_kind(encoder)}"


def fingerprint_recipe(estimator):
    """All that an estimator will be once it is fitted, but for the data, as text."""
    parameters = sorted(
        (name, _fingerprint_value(value))
        for name, value in _parameters_of(estimator).items()
        if name not in _LOCAL
    )
    return f"{type(estimator).__qualname__} {parameters} {_fingerprint_kind(estimator)}"


def _parameters_of(estimator):
    kind = type(estimator).__qualname__
    first_called, not_at_first = _FIRST_CALLED.get(kind, {}), _NOT_AT_FIRST.get(kind, {})
    return {
        name: first_called.get((name, value), value) if isinstance(value, str) else value
        for name, value in estimator.get_params(deep=False).items()
        if name not in not_at_first or value != not_at_first[name]
    }


def fingerprint_java_scores():
    """Which scores by Java are missing, and why."""
    return {
        name: reason and _as_first_worded(reason)
        for name, reason in available_java_scores().items()
    }


def _as_first_worded(reason):
    for worded, first_worded in _FIRST_WORDED.items():
        reason = reason.replace(worded, first_worded)
    return reason


def _fingerprint_value(value):
    if hasattr(value, "get_params"):
        return fingerprint_recipe(value)
    if isinstance(value, list | tuple):
        return repr([_fingerprint_value(item) for item in value])
    if isinstance(value, str | os.PathLike) and Path(value).is_file():
        return f"{Path(value).name} {sha256_of(value)}"
    return repr(value)


def _fingerprint_kind(encoder):
    """Version of our own estimators and scikit-learn's; source and state of others."""
    kind = type(encoder)
    if kind.__module__.split(".")[0] in ("skw2c", "sklearn"):
        return skw2c.__version__
    try:
        source = sha256_of(inspect.getsourcefile(kind))
        state = "" if hasattr(encoder, "get_params") else joblib.hash(vars(encoder))
    except Exception:  # it is what nobody has seen before
        return uuid.uuid4().hex
    return f"{source} {state}"
