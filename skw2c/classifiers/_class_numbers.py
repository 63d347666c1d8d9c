"""Numbers in place of classes: told apart from labels that are numbers themselves."""

from __future__ import annotations

import numpy as np

_META = "Meta-estimators such as VotingClassifier, StackingClassifier and cross_val_predict"


def number_classes(classes: list, y) -> list:
    """Name classes as y names them: as they are, or by their numbers.

    Many meta-estimators of scikit-learn hand y on as numbers, which are the positions of its
    classes in sorted order.

    Parameters
    ----------
    classes : list
        Labels that the user named, in their order.
    y : array-like
        A target, in which nothing but whole numbers is looked at.

    Returns
    -------
    list
        ``classes``, or the numbers of the same.

    Raises
    ------
    ValueError
        If y has numbers that ``classes`` does not have, and it is not certain which classes
        they stand for.
    """
    found = _whole_numbers(y)
    positions = set(range(len(classes)))
    if not found:
        return classes
    if found <= set(classes):
        if set(classes) == positions:
            _refuse_first_alone(found, len(classes))
        return classes
    # With a number among the labels, 1 could be a label as well as a position.
    if positions & set(classes) or not found <= positions or max(found) < len(classes) - 1:
        raise ValueError(_describe_unknown(found, classes))
    if classes != sorted(classes):
        raise ValueError(
            f"y has the numbers {_list(found)}, which may be positions in labels, or in the "
            f"sorted labels, as meta-estimators number them: pass labels={sorted(classes)!r}"
        )
    return sorted(positions)


def refuse_numbers(words: list) -> None:
    """Refuse numbers where words are needed.

    Raises
    ------
    ValueError
        If there is a number among the words.
    """
    numbers = {word for word in words if not isinstance(word, str)}
    if numbers:
        raise ValueError(
            f"The labels {_list(numbers)} are numbers, and nothing says what they mean in words: "
            f"pass labels={{0: 'dog', 1: 'rain'}}. {_META} number the classes that they find in "
            "y: give them an estimator whose labels are those of y, in sorted order, such as "
            "labels=['dog', 'rain']"
        )


def _whole_numbers(y) -> set[int]:
    """The numbers in a target of whole numbers; nothing for one of another kind."""
    values = np.asarray(y)
    return set(values.tolist()) if values.ndim == 1 and values.dtype.kind in "iu" else set()


def _refuse_first_alone(found: set[int], n_classes: int) -> None:
    """Refuse the first of numbered labels, which may be others that were numbered again."""
    if found < set(range(n_classes)) and found == set(range(len(found))):
        raise ValueError(
            f"y has {_list(found)} of the labels 0 to {n_classes - 1} alone. {_META} number the "
            "classes that they find in y from 0, so that these may stand for other labels than "
            "yours. Leave out the labels that y does not have, stratify the folds, or call fit "
            "without y"
        )


def _describe_unknown(found: set[int], classes: list) -> str:
    shown = ", ".join(map(repr, classes[:5])) + (", ..." if len(classes) > 5 else "")
    return (
        f"y has the numbers {_list(found)}, which labels does not have ({shown}). {_META} number "
        "the classes that they find in y: labels must then be those of y and no others, words or "
        "numbers from 0, in sorted order. "
        "OneVsRestClassifier and its like ask for one class at a time, and a classifier that "
        "chooses among all labels does not need them. Numbers of your own mean words by "
        "labels={0: 'dog', 1: 'rain'}"
    )


def _list(numbers: set) -> str:
    shown = sorted(numbers)
    return ", ".join(map(repr, shown[:5])) + (", ..." if len(shown) > 5 else "")
