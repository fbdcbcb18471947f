"""Softmax: scores become weights that are positive and sum to one.

Whoever is called from outside checks what came. A function whose first argument is the library `xp` checks nothing: it
is called from inside.
"""

import math

from course_lib.namespace import fused_softmax, reductions
from course_lib.validation import check_axes, check_axis, check_floats, check_mask


def softmax(scores, axis=-1):
    """Return `exp(scores) / sum(exp(scores))` along `axis`, in the form that cannot overflow.

    Subtracting the largest score changes nothing (numerator and denominator shrink by the same factor) and keeps every
    exponent at or below zero.

    Args:
        scores: (..., n, ...) floating-point array. A slice that is -inf throughout gives NaN: see `masked_softmax`.
        axis: the axis along which the weights sum to one.

    Returns:
        Array of the same shape, library, dtype and device.

    Raises:
        TypeError: `scores` is not a floating-point array.
        ValueError: `scores` has no such axis.

    Source: Goodfellow et al. 2016, Deep Learning, eq. 4.1 and section 4.1 (the stable form).
    """
    xp = check_floats(scores=scores)
    check_axes("scores", scores, "...", "n")
    check_axis("scores", scores, axis)
    return unchecked_softmax(xp, scores, axis)


def unchecked_softmax(xp, scores, axis=-1):
    """Return `softmax(scores, axis)`, by the library's own kernel where it has one."""
    if scores.shape[axis] == 0:
        return scores  # no keys: no weights, and no largest score to subtract
    if (fused := fused_softmax(xp)) is not None:
        return fused(scores, axis)
    return softmax_formula(xp, scores, axis)


def softmax_formula(xp, scores, axis):
    """Return the stable softmax, written in the operations every array library has."""
    largest, total = reductions(xp)
    exponentials = xp.exp(scores - largest(scores, axis=axis, keepdims=True))
    return exponentials / total(exponentials, axis=axis, keepdims=True)


def masked_softmax(scores, mask):
    """Return the softmax over the allowed keys of each row; every other weight is exactly zero.

    A row that may attend to nothing has weights zero, and finite gradients.

    Args:
        scores: (..., q_len, k_len) floating-point array.
        mask: boolean, True = may attend, broadcastable to the shape of `scores`.

    Returns:
        (..., q_len, k_len) weights. Each row sums to one, or to zero where nothing is allowed.

    Raises:
        TypeError: `scores` is not floating-point, or `mask` not boolean, or their libraries differ.
        ValueError: the mask's shape does not broadcast to that of the scores.

    Source: Vaswani et al. 2017, section 3.2.3 (illegal connections are set to minus infinity before the softmax).
    """
    xp = check_floats(scores=scores)
    check_mask(xp, mask, scores)
    return unchecked_masked_softmax(xp, scores, mask)


def unchecked_masked_softmax(xp, scores, mask):
    """Return `masked_softmax(scores, mask)`, by the library's own kernel where it has one.

    The kernel would divide 0 by 0 in a row that may attend to nothing. So that row is filled with zeros instead of
    minus infinity, and the last line puts it aside.
    """
    if (fused := fused_softmax(xp)) is None:
        return masked_softmax_formula(xp, scores, mask)
    any_allowed = xp.any(mask, axis=-1, keepdims=True)  # (..., q_len or 1, 1)
    minus_infinity = xp.full((), -math.inf, dtype=scores.dtype, device=scores.device)
    weights = fused(xp.where(mask, scores, xp.where(any_allowed, minus_infinity, 0.0)), -1)
    return xp.where(any_allowed, weights, 0.0)


def masked_softmax_formula(xp, scores, mask):
    """Return the stable softmax with every forbidden score at minus infinity, in the operations every library has.

    The largest allowed score has the exponential exp(0) = 1. So a sum below 1 is that of a row that may attend to
    nothing: its sum is 0, and 0 / 1 are its weights.
    """
    if scores.shape[-1] == 0:
        return scores
    largest, total = reductions(xp)
    allowed = xp.where(mask, scores, -math.inf)
    lowest = float(xp.finfo(scores.dtype).min)  # finite, so that nothing is subtracted from its like
    exponentials = xp.exp(allowed - xp.maximum(largest(allowed, axis=-1, keepdims=True), lowest))
    return exponentials / xp.maximum(total(exponentials, axis=-1, keepdims=True), 1.0)
