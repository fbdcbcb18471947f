"""Checks at the door, with the messages a learner reads: what was expected, what came, the way out."""

import numpy as np

from course_lib.namespace import array_namespace


def check_floats(**arrays):
    """Return the namespace of floating-point arrays of one library, one dtype and one device.

    Raises:
        TypeError: not arrays, mixed libraries, integers, or different dtypes.
        ValueError: the arrays lie on different devices.
    """
    xp = array_namespace(**arrays)
    for name, array in arrays.items():
        if not xp.isdtype(array.dtype, "real floating"):
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
    """Check that the axes before the last `count` broadcast against each other.

    Raises:
        ValueError: they do not.
    """
    try:
        np.broadcast_shapes(*(tuple(array.shape[:-count]) for array in arrays.values()))
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
        if not xp.isdtype(mask.dtype, "bool"):
            raise TypeError(
                f"{name} must be boolean, True = may attend, not {mask.dtype}. For a mask of ones and zeros: "
                f"{name} == 1. For a mask of 0 and -inf to be added: {name} == 0."
            )
    _check_one_device(masks)


def check_mask(mask, scores):
    """Check that `mask` is boolean, of the scores' library and device, and broadcasts to the scores' shape.

    Raises:
        TypeError: the mask is not boolean, or comes from another library.
        ValueError: its shape does not broadcast to that of the scores, or it lies on another device.
    """
    array_namespace(mask=mask, scores=scores)
    check_booleans(mask=mask)
    check_axes("mask", mask, "...", "k_len")
    shape = tuple(scores.shape)
    try:
        fits = np.broadcast_shapes(tuple(mask.shape), shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"the mask must broadcast to the scores' shape (..., q_len, k_len) = {shape}, but its shape is "
            f"{tuple(mask.shape)}. A mask over keys for a batch has shape (batch, 1, k_len)."
        )
    _check_one_device({"mask": mask, "scores": scores})


def _check_one_device(arrays):
    devices = {name: array.device for name, array in arrays.items()}
    if len(set(devices.values())) > 1:
        found = ", ".join(f"{name} is on {device}" for name, device in devices.items())
        raise ValueError(f"all arrays must lie on one device, but {found}. Move with tensor.to(device).")
