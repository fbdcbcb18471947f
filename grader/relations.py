"""How an output relates to the right one, where a plain sentence can say it. All of it is seen, nothing is guessed."""

import itertools
import math

import numpy as np

from grader.compare import close


def relation(yours, expected, sizes, dtype=""):
    """Return in one sentence how two arrays of one shape are related in this case, or None.

    Args:
        yours: what came back.
        expected: what is right.
        sizes: the case's sizes by name; a factor is told by them if it is made of one.
        dtype: of yours, by name.
    """
    if yours.shape != expected.shape or yours.dtype.kind != expected.dtype.kind or expected.size < 2:
        return None
    found = _relation(yours, expected, sizes, dtype)
    return found and f"Here {found[0].lower()}{found[1:]}"


def _relation(yours, expected, sizes, dtype):
    def same(one, other):
        return bool(close(one, other, dtype).all())

    if expected.dtype.kind == "b":
        if same(~yours, expected):
            return "Every value is the opposite of the expected one."
    elif not np.isfinite(yours).all() or not np.isfinite(expected).all():
        return None
    else:
        found = _scaled(yours, expected, sizes, same) or _shifted(yours, expected, same)
        if found:
            return found
        found = _nearly(yours, expected) or _by_rows(yours, expected, same)
        if found:
            return found
    return _moved(yours, expected, same) or _only_there(~close(yours, expected, dtype))


def _scaled(yours, expected, sizes, same):
    counts = expected.astype(float).ravel()
    largest = np.abs(counts).argmax()
    if counts[largest] == 0:
        return None
    factor = float(yours.ravel()[largest]) / counts[largest]
    if not math.isfinite(factor) or not same(yours, (factor * expected).astype(yours.dtype)):
        return None
    if f"{factor:.4g}" == "1":  # nearly right, and not by a factor that one could see
        return None
    if math.isclose(factor, -1, rel_tol=1e-6):
        return "Every number has the wrong sign."
    if factor == 0:
        return "Every number is 0." if not yours.any() else None
    return f"Every number is {factor:.4g} times the expected one{_made_of(factor, sizes)}."


def _made_of(factor, sizes):
    ways = (
        (1.0, "{name}, which is {size} here"),
        (-1.0, "1 / {name}, with {name} = {size} here"),
        (0.5, "the root of {name} = {size}"),
        (-0.5, "1 / the root of {name} = {size}"),
    )
    for (name, size), (power, words) in itertools.product(sizes.items(), ways):
        if size > 1 and math.isclose(factor, size**power, rel_tol=1e-5):
            return f": {words.format(name=name, size=size)}"
    return ""


def _shifted(yours, expected, same):
    offset = (yours.astype(float) - expected.astype(float)).ravel()
    shift = float(np.median(offset))
    if shift == 0 or not same((yours - yours.dtype.type(shift)).astype(yours.dtype), expected):
        return None
    return f"Every number is {abs(shift):.4g} too {'large' if shift > 0 else 'small'}."


def _nearly(yours, expected):
    """Tell how many digits are right if it is several, but not enough."""
    largest = np.abs(expected).max()
    error = np.abs(yours.astype(float) - expected.astype(float)).max() / largest if largest else 1.0
    if error > 1e-4:
        return None
    return f"The numbers are nearly right, but not quite: the largest difference is {error:.0e} of the largest number."


def _by_rows(yours, expected, same):
    """Tell if each row is the expected one times a number of its own, or plus one."""
    if expected.ndim < 2 or expected.shape[-1] < 3:
        return None
    with np.errstate(all="ignore"):
        factors = (yours * expected).sum(-1, keepdims=True) / (expected * expected).sum(-1, keepdims=True)
        offsets = (yours - expected).mean(-1, keepdims=True)
    if np.isfinite(factors).all() and same(yours, (factors * expected).astype(yours.dtype)):
        return f"Each row is the expected one times a number of its own; the first by {factors.flat[0]:.4g}."
    if same(yours, (expected + offsets).astype(yours.dtype)):
        return f"Each row is the expected one plus a number of its own; the first plus {offsets.flat[0]:.4g}."
    return None


def _moved(yours, expected, same):
    for axis, length in enumerate(expected.shape):
        if length < 2:
            continue
        if same(np.flip(yours, axis), expected):
            return f"These are the expected numbers with axis {axis} in reverse order."
        for shift in (1, -1):
            if same(np.roll(yours, shift, axis), expected) and length > 2:
                return f"These are the expected numbers, moved by one place along axis {axis}."
    for one, other in itertools.combinations(range(expected.ndim), 2):
        if expected.shape[one] == expected.shape[other] and same(yours.swapaxes(one, other), expected):
            return f"These are the expected numbers with axes {one} and {other} swapped."
    distinct = len(np.unique(expected)) > 2
    if distinct and same(np.sort(yours.ravel()), np.sort(expected.ravel())):
        return "These are the expected numbers in another order."
    return None


def _only_there(wrong):
    """Tell where alone the differences are: at one place along an axis, from one on, or on one side of a diagonal."""
    if wrong.all() or not wrong.any():
        return None
    for axis in reversed(range(wrong.ndim)):
        length = wrong.shape[axis]
        others = tuple(other for other in range(wrong.ndim) if other != axis)
        places = np.flatnonzero(wrong.any(axis=others))
        if length > 1 and len(places) == 1:
            return f"All differences are at place {places[0]} of axis {axis}; everything else is right."
        if len(places) < length and places[0] > 0 and places[-1] == length - 1 and len(places) == length - places[0]:
            return f"Along axis {axis}, everything is right up to place {places[0] - 1}; all differences come after it."
    if wrong.ndim >= 2:
        rows, columns = np.indices(wrong.shape[-2:])
        for words, side in (
            ("on the diagonal of the last two axes", rows == columns),
            ("above the diagonal of the last two axes", rows < columns),
            ("below the diagonal of the last two axes", rows > columns),
        ):
            if not wrong[..., ~side].any():
                return f"All differences are {words}; everything else is right."
    return None
