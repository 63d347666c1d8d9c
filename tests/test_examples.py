"""Whatever is public has an example that runs. pytest runs them as doctests."""

import doctest
import inspect

import pytest

import skw2c

# Methods with the contract of scikit-learn: the example of the class shows those that it needs.
OF_SCIKIT_LEARN = {
    "fit",
    "transform",
    "fit_transform",
    "predict",
    "predict_proba",
    "decision_function",
    "score",
    "get_feature_names_out",
}
# Methods that the package calls to save and restore encoders, and to split clips; users do not.
OF_THE_PACKAGE = {
    "adopt_weights",
    "describe_weights",
    "partner_parameters",
    "refer_to_described",
    "split_fingerprint",
}

ROOMS = ("datasets", "exceptions", "metrics", "search", "weights")


def find_public_objects():
    """Classes and functions by name, without those that are public in two places."""
    found = {}
    rooms = (getattr(skw2c, name) for name in ROOMS)
    for module in (skw2c, *rooms):
        for name in module.__all__:
            public = inspect.unwrap(getattr(module, name))
            if inspect.isclass(public) or inspect.isfunction(public):
                found[f"{module.__name__}.{name}"] = public
    return found


def find_own_methods():
    """Methods of the public estimators and readers that scikit-learn does not know, by name."""
    for name in skw2c.__all__:
        kind = getattr(skw2c, name)
        if not inspect.isclass(kind):
            continue
        for method, function in inspect.getmembers(kind, callable):
            owner = next(base for base in kind.__mro__ if method in vars(base) or base is object)
            ours = owner.__module__.startswith("skw2c")
            exempt = method in OF_SCIKIT_LEARN | OF_THE_PACKAGE or method.endswith("_request")
            if ours and not method.startswith("_") and not exempt:
                yield f"{name}.{method}", kind, function


def runnable_lines(public):
    """The source of the examples in a docstring, without those that are skipped."""
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(public) or "")
    return [each.source for each in examples if not each.options.get(doctest.SKIP)]


PUBLIC = find_public_objects()


@pytest.mark.parametrize("name", PUBLIC)
def test_public_objects_have_an_example(name):
    used = [
        line for line in runnable_lines(PUBLIC[name]) if not line.startswith(("import", "from"))
    ]
    assert used, f"{name} needs a section Examples with lines that run"


@pytest.mark.parametrize(
    ("kind", "function"),
    [pytest.param(kind, function, id=name) for name, kind, function in find_own_methods()],
)
def test_own_methods_have_an_example(kind, function):
    """In their own docstring, or in that of their class."""
    lines = [*runnable_lines(kind), *runnable_lines(function)]
    assert any(f".{function.__name__}(" in line for line in lines)
