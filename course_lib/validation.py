"""Checks at the door, with the messages a learner reads: what was expected, what came, the way out."""

import numpy as np

from course_lib.namespace import array_namespace, is_kind, known_namespace


def check_floats(**arrays):
    """Return the namespace of floating-point arrays of one library, one dtype and one device.

    Raises:
        TypeError: not arrays, mixed libraries, integers, or different dtypes.
        ValueError: the arrays lie on different devices.
    """
    if (xp := _plain_floats(*arrays.values())) is not None:
        return xp
    xp = array_namespace(**arrays)
    for name, array in arrays.items():
        if not is_kind(xp, array.dtype, "real floating"):
            raise TypeError(
                f"{name} must hold floating-point numbers, not {array.dtype}. Convert with "
                f"np.asarray({name}, dtype=float) or {name}.float()."
            )
    if len({array.dtype for array in arrays.values()}) > 1:
        found = ", ".join(f"{name} is {array.dtype}" for name, array in arrays.items())
        raise TypeError(
            f"all arrays must have one dtype, but {found}. Convert with array.astype(dtype) or tensor.to(dtype)."
        )
    _check_one_device(arrays)
    return xp


def _plain_floats(first, *others):
    """Return the namespace if all is plainly right; None leaves it to the slower checks, which say what is wrong."""
    xp = known_namespace(first)
    if xp is None or not is_kind(xp, first.dtype, "real floating"):
        return None
    for array in others:
        if type(array) is not type(first) or array.dtype != first.dtype or array.device != first.device:
            return None
    return xp


def check_axes(name, array, *axes):
    """Check that the axes of `array` are those named; a first name of "..." stands for any leading axes.

    Raises:
        ValueError: the array has too few axes, or too many where no leading ones are allowed.
    """
    leading = axes[0] == "..."
    if array.ndim < len(axes) - leading or (array.ndim > len(axes) and not leading):
        shape = ", ".join(axes) + ("," if len(axes) == 1 else "")
        raise ValueError(f"{name} must have shape ({shape}), but its shape is {tuple(array.shape)}.")


def check_axis(name, array, axis):
    """Check that `array` has the axis with the number `axis`.

    Raises:
        ValueError: it has fewer axes.
    """
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"{name} has axes {-array.ndim} to {array.ndim - 1}, but axis is {axis}.")


def check_equal_sizes(meaning, **sizes):
    """Check that the named sizes are one and the same number.

    Raises:
        ValueError: they differ.
    """
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{name.replace('_of_', ' of ')} is {size}" for name, size in sizes.items())
        raise ValueError(f"{meaning}, but {found}.")


def check_leading_axes(count, **arrays):
    """Check that the axes before the last `count` broadcast against each other, and return what they become.

    Raises:
        ValueError: they do not.
    """
    try:
        return np.broadcast_shapes(*(tuple(array.shape[:-count]) for array in arrays.values()))
    except ValueError:
        found = ", ".join(f"{name} has {tuple(array.shape[:-count])}" for name, array in arrays.items())
        raise ValueError(f"the leading axes (batch, heads) must be equal or 1, but {found}.") from None


def check_booleans(**masks):
    """Check that the masks are boolean arrays of one library on one device.

    Raises:
        TypeError: not arrays, mixed libraries, or another dtype.
        ValueError: the masks lie on different devices.
    """
    xp = array_namespace(**masks)
    for name, mask in masks.items():
        if not is_kind(xp, mask.dtype, "bool"):
            raise TypeError(
                f"{name} must be boolean, True = may attend, not {mask.dtype}. For a mask of ones and zeros: "
                f"{name} == 1. For a mask of 0 and -inf to be added: {name} == 0."
            )
    _check_one_device(masks)


def check_mask(xp, mask, scores, shape=None):
    """Check that `mask` is boolean, of the scores' library and device, and broadcasts to the scores' shape.

    Args:
        xp: the namespace of the scores.
        mask: the mask.
        scores: the scores, or an array of their library and device if they are yet to be computed.
        shape: the shape of the scores; that of `scores` if not given.

    Raises:
        TypeError: the mask is not boolean, or comes from another library.
        ValueError: its shape does not broadcast to that of the scores, or it lies on another device.
    """
    if type(mask) is not type(scores):
        array_namespace(mask=mask, scores=scores)
    if not is_kind(xp, mask.dtype, "bool"):
        check_booleans(mask=mask)
    check_axes("mask", mask, "...", "k_len")
    shape = tuple(scores.shape if shape is None else shape)
    if not _broadcasts_to(mask.shape, shape):
        raise ValueError(
            f"the mask must broadcast to the scores' shape (..., q_len, k_len) = {shape}, but its shape is "
            f"{tuple(mask.shape)}. A mask over keys for a batch has shape (batch, 1, k_len)."
        )
    if mask.device != scores.device:
        _check_one_device({"mask": mask, "scores": scores})


def check_attention(mask=None, bias=None, *, query, key, **value):
    """Check at the door all that attention is given; the formulas behind it check nothing any more.

    Args:
        mask, bias: as in `course_lib.attention`, or None.
        query, key: as there.
        value: by name, where there is one.

    Returns:
        The namespace of the arrays.

    Raises:
        TypeError: not floating-point arrays of one library and dtype, or a mask that is not boolean.
        ValueError: sizes that do not fit each other, or arrays on different devices.
    """
    arrays = {"query": query, "key": key, **value}
    xp = check_floats(**arrays) if bias is None else check_floats(**arrays, bias=bias)
    check_axes("query", query, "...", "q_len", "d_k")
    check_axes("key", key, "...", "k_len", "d_k")
    if query.shape[-1] != key.shape[-1]:
        check_equal_sizes(
            "queries and keys are compared component by component, so their last axis d_k must agree",
            d_k_of_query=query.shape[-1],
            d_k_of_key=key.shape[-1],
        )
    for values in value.values():
        check_axes("value", values, "...", "k_len", "d_v")
        if values.shape[-2] != key.shape[-2]:
            check_equal_sizes(
                "every key has one value", number_of_keys=key.shape[-2], number_of_values=values.shape[-2]
            )
    leading = query.shape[:-2]
    for array in (key, *value.values()):
        if array.shape[:-2] != leading:
            leading = check_leading_axes(2, **arrays)
            break
    if mask is None and bias is None:
        return xp
    shape = (*leading, query.shape[-2], key.shape[-2])
    if mask is not None:
        check_mask(xp, mask, query, shape)
    if bias is not None and not _broadcasts_to(bias.shape, shape):
        raise ValueError(
            f"the bias is added to the scores, so it must broadcast to their shape (..., q_len, k_len) = {shape}, but "
            f"its shape is {tuple(bias.shape)}."
        )
    return xp


def check_causal(query, key):
    """Check that there are as many queries as keys: only then is it plain who is whose future.

    Raises:
        ValueError: there are more of one than of the other.
    """
    q_len, k_len = query.shape[-2], key.shape[-2]
    if q_len != k_len:
        raise ValueError(
            f"is_causal hides the future of a sequence from the sequence itself, so q_len and k_len must agree, but "
            f"q_len is {q_len}, k_len is {k_len}. Where the queries stand among the keys, a mask can say: for the last "
            f"of all positions, mask = causal_mask(k_len)[-q_len:]."
        )


def check_heads(num_heads, d_model=None):
    """Check that there is a head, and that the heads share d_model out evenly.

    Raises:
        ValueError: num_heads is below 1, or does not divide d_model.
    """
    if num_heads < 1:
        raise ValueError(f"attention needs at least 1 head, not num_heads={num_heads}.")
    if d_model is not None and d_model % num_heads:
        raise ValueError(f"d_model={d_model} is not divisible by num_heads={num_heads}.")


def _broadcasts_to(shape, wanted):
    """Return whether an array of `shape` broadcasts to `wanted`: every axis, counted from the last, equal or 1."""
    if len(shape) > len(wanted):
        return False
    for size, other in zip(reversed(shape), reversed(wanted), strict=False):
        if size != 1 and size != other:
            return False
    return True


def _check_one_device(arrays):
    devices = {name: array.device for name, array in arrays.items()}
    if len(set(devices.values())) > 1:
        found = ", ".join(f"{name} is on {device}" for name, device in devices.items())
        raise ValueError(f"all arrays must lie on one device, but {found}. Move with tensor.to(device).")
