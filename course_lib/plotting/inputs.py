"""What comes in, checked: arrays of any library, and the names of their rows and columns."""

import numpy as np

from course_lib.plotting.words import count


def plain(values):
    """Return a NumPy array; tolist() brings every tensor over: any device, any dtype, with or without gradients."""
    return np.asarray(values.tolist() if hasattr(values, "detach") else values)


def numbers(values, name, ndim=2):
    """Return the values as a float64 array that is not empty, a matrix (ndim=2) or one row (ndim=1)."""
    array = plain(values)
    if array.ndim != ndim:
        wanted = {1: "one row of numbers", 2: "one matrix"}[ndim]
        hint = f"; show one at a time, for example {name}[0]" if array.ndim > ndim else ""
        raise ValueError(f"{name} has shape {array.shape}, but this figure shows {wanted}{hint}.")
    if array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: there is nothing to show.")
    return array.astype(np.float64)


def boolean(mask, shape=None):
    """Return the mask as a boolean array, broadcast to a shape if there is one."""
    mask = plain(mask)
    if mask.dtype != bool:
        raise TypeError(f"mask must be boolean, True = may attend; this one has dtype {mask.dtype}. Try mask == 1.")
    try:
        return mask if shape is None else np.broadcast_to(mask, shape)
    except ValueError:
        raise ValueError(f"mask has shape {mask.shape}; it does not broadcast to (queries, keys) = {shape}.") from None


def names_of(names, how_many, what, axis, of):
    """Return the names as texts, one `what` for each of so many rows (columns, bars, ...) `of` the data."""
    names = [visible(name) for name in names]
    if len(names) != how_many:
        raise ValueError(f"{count(len(names), what)} but {count(how_many, axis)}: give one {what} per {axis} of {of}.")
    return names


def sides_of(matrix, of, query_tokens, key_tokens):
    """Return the names of rows and columns; without key tokens the queries attend to themselves."""
    query_tokens = list(query_tokens)
    rows = names_of(query_tokens, matrix.shape[0], "query token", "row", of)
    columns = query_tokens if key_tokens is None else key_tokens
    return rows, names_of(columns, matrix.shape[1], "key token", "column", of)


def visible(token):
    """Return the token as text; blanks get a sign, many a token of a date is a space."""
    token = str(token)
    return token if token.strip() else "␣" * len(token) or "∅"
