"""Strict comparison: type, shape, dtype, then numbers. NaN never passes. Every difference is a sentence."""

import functools

import numpy as np

TOLERANCES = {"float64": 1e-9, "float32": 2e-5, "float16": 4e-3, "bfloat16": 3e-2, "complex64": 2e-5}


def difference(reply, expected, *, same_dtype=True):
    """Return what distinguishes a returned value from the expected array, as one sentence; None if nothing does.

    Args:
        reply: a `Reply` with status "returned".
        expected: the array it should be.
        same_dtype: whether another dtype of the same kind of numbers is a difference.
    """
    if same(reply, expected, same_dtype=same_dtype):
        return None
    value = reply.value
    shape = reply.shape if value is None else value.shape  # a result that is far too large comes as its shape alone
    if shape is not None and shape != expected.shape:
        return f"Your result has shape {shape}; expected {expected.shape}."
    if value is None:
        return _wrong_type(reply, expected)
    if kind_of(value.dtype) != kind_of(expected.dtype):
        return f"Your result holds {kind_of(value.dtype)}; expected {kind_of(expected.dtype)}."
    if expected.dtype.kind == "f" and np.isnan(value).any():
        return f"Your result holds {np.count_nonzero(np.isnan(value))} NaN ({_first(np.isnan(value))})."
    wrong = ~close(value, expected, reply.dtype)
    if wrong.any():
        return _wrong_numbers(value, expected, wrong)
    if reply.kind == "float":
        return (
            f"The number is right, but it comes as a plain Python float; expected an array of no axes, in "
            f"{expected.dtype}. Without .item() or float(...) it stays one."
        )
    return f"The numbers are right, but their dtype is {reply.dtype}; expected {expected.dtype}."


def same(reply, expected, *, same_dtype=True):
    """Tell whether a returned value is the expected array: `difference` without the words, for whoever asks often."""
    value = reply.value
    if value is None or value.shape != expected.shape or kind_of(value.dtype) != kind_of(expected.dtype):
        return False
    if same_dtype and expected.dtype.kind == "f" and reply.dtype != _name(expected.dtype):
        return False
    return bool(close(value, expected, reply.dtype).all())  # NaN is close to nothing


def close(value, expected, dtype=""):
    """Return, for each element, whether it is the expected one.

    Booleans, integers and infinities must be equal. Other floats may differ by the tolerance of the coarser dtype,
    relative to the expected number and to the largest one (at most 1; 1 where all should be zero), so that what should
    be zero may be nearly so.
    """
    if expected.dtype.kind not in "fc":
        return value == expected
    tolerance = max(TOLERANCES.get(name, 1e-9) for name in (dtype, _name(expected.dtype)))
    finite = np.isfinite(expected)
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    size = np.abs(expected.astype(wide))
    scale = size + min(1.0, size[finite].max(initial=0.0) or 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(value.astype(wide) - expected.astype(wide)) <= tolerance * scale
    return np.where(finite, near, value == expected)


def _wrong_type(reply, expected):
    wanted = "one array" if expected.ndim else "one number"
    if reply.kind == "NoneType":
        return "Your function returned None: is the `return` missing?"
    if reply.dtype == "object":
        return "Your function returned an array of Python objects; expected numbers. Rows of different length?"
    if reply.dtype:
        return (
            f"Your function returned an array of {reply.dtype}, which the grader cannot compare; "
            f"expected shape {expected.shape} of {expected.dtype}."
        )
    if reply.kind == "MaskedArray":
        return "Your function returned a masked array; expected a plain one. .filled(0) puts 0 where the mask hides."
    if reply.kind in ("list", "tuple"):
        if not expected.ndim:
            return f"Your function returned a {reply.kind}, several things at once; expected {wanted}."
        return (
            f"Your function returned a {reply.kind}; expected {wanted}. np.array(...) or torch.tensor(...) makes one "
            f"of numbers, np.stack(...) or torch.stack(...) of arrays of one shape. If one of them is the result, "
            f"return it alone."
        )
    return f"Your function returned a {reply.kind}; expected {wanted}."


def _wrong_numbers(value, expected, wrong):
    count, size = np.count_nonzero(wrong), wrong.size
    if size == 1:
        return "Your result is {}; expected {}.".format(*apart(value.item(), expected.item()))
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = ", ".join(map(str, index))
    how_many = "Every number differs" if count == size else f"{count} of {size} numbers differ"
    yours, right = apart(value[index], expected[index])
    return f"{how_many}, first at [{place}]: yours {yours}, expected {right}."


def _first(where):
    return (
        f"the first at [{', '.join(str(int(i)) for i in np.argwhere(where)[0])}]" if where.ndim else "the result itself"
    )


KINDS = {
    "f": "floating-point numbers",
    "b": "booleans (True, False)",
    "i": "integers",
    "u": "integers",
    "c": "complex numbers",
}


_name = functools.lru_cache(256)(str)  # of a dtype; NumPy puts it together each time


def kind_of(dtype):
    return KINDS.get(dtype.kind) or str(dtype)


def apart(yours, expected):
    """Return two numbers as text, with as many digits as it takes to tell them apart."""
    if all(isinstance(number, bool | np.bool_ | int | np.integer) for number in (yours, expected)):
        return str(yours), str(expected)
    texts = ((f"{float(yours):.{digits}g}", f"{float(expected):.{digits}g}") for digits in range(4, 18))
    return next((pair for pair in texts if pair[0] != pair[1]), (str(yours), str(expected)))
