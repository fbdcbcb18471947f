"""Masks: who may attend to whom. Boolean, True = may attend, broadcastable to (..., q_len, k_len)."""

import functools
import operator

import numpy as np

from course_lib.namespace import array_namespace, is_kind, read_range
from course_lib.validation import check_booleans


def padding_mask(lengths, max_len=None):
    """Return the mask that hides the padding of sequences that are shorter than the longest.

    Args:
        lengths: (...) integers: how many positions of each sequence are real.
        max_len: the padded length, k_len; the longest of `lengths` if not given.

    Returns:
        (..., 1, k_len) boolean: True where the key is real. The axis of size 1 stands for the queries, so the mask
        fits scores of shape (..., q_len, k_len).

    Without `max_len` the lengths are read: that waits for a GPU, and `torch.compile` cannot make one graph of it. With
    `max_len` they are read where it costs nothing. Elsewhere, a length of more than `max_len` counts as `max_len`, and
    one below 0 as 0.

    Raises:
        TypeError: `lengths` are not an integer array.
        ValueError: a length is negative or longer than `max_len` (as far as the lengths can be read for nothing).
    """
    xp = array_namespace(lengths=lengths)
    if not is_kind(xp, lengths.dtype, "integral"):
        raise TypeError(f"lengths count positions, so they must be integers, not {lengths.dtype}.")
    if max_len is None:
        max_len = int(xp.max(lengths)) if 0 not in lengths.shape else 0
    if (found := read_range(xp, lengths)) is not None and not 0 <= found[0] <= found[1] <= max_len:
        raise ValueError(
            f"lengths must lie between 0 and max_len={max_len}, but they run from {found[0]} to {found[1]}."
        )
    positions = xp.arange(max_len, device=lengths.device)  # (k_len,)
    return positions < lengths[..., None, None]  # (..., 1, k_len)


def causal_mask(length, *, like=None):
    """Return the mask that lets position i attend to positions 0 to i: itself and the past.

    Args:
        length: number of positions, queries and keys alike.
        like: an array whose library and device the mask follows; NumPy if not given.

    Returns:
        (length, length) boolean, True on and below the diagonal.

    Source: Vaswani et al. 2017, section 3.2.3.
    """
    positions = np.arange(length) if like is None else array_namespace(like=like).arange(length, device=like.device)
    return positions[:, None] >= positions[None, :]


def combine_masks(*masks):
    """Return the mask that allows what every one of `masks` allows: `&`, with broadcasting.

    Raises:
        TypeError: a mask is not boolean, the masks come from different libraries, or none is given.
        ValueError: the shapes do not broadcast, or the masks lie on different devices.
    """
    if not masks:
        raise TypeError("combine_masks needs at least one mask.")
    check_booleans(**{f"mask_{number}": mask for number, mask in enumerate(masks, start=1)})
    try:
        return functools.reduce(operator.and_, masks)
    except (ValueError, RuntimeError):
        shapes = ", ".join(str(tuple(mask.shape)) for mask in masks)
        raise ValueError(
            f"the masks' shapes must broadcast, but they are {shapes}. A padding mask has shape (batch, 1, k_len), a "
            f"causal mask (length, length)."
        ) from None
