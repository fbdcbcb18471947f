"""What can go wrong with any result at the very end, whatever the task: its axes, its sign, its type, a part of it.

Each takes the result, right or with other slips in it, and returns what comes of it; its docstring is what a learner
is told whose numbers are exactly these. A finish that does not fit a result raises.
"""

import numpy as np

from grader.mistake import Mistake

FINISHES = []


def finish(function):
    """Register a finish."""
    FINISHES.append(Mistake(function))
    return function


def _with_axes(result, least):
    if result.ndim < least:
        raise ValueError(f"fewer than {least} axes")
    return result


@finish
def last_axes_swapped(result):
    """The last two axes of the result are swapped."""
    return _with_axes(result, 2).swapaxes(-1, -2)


@finish
def middle_axes_swapped(result):
    """The second and third axes from the end of the result are swapped."""
    return _with_axes(result, 3).swapaxes(-2, -3)


@finish
def first_axes_swapped(result):
    """The first two axes of the result are swapped."""
    return _with_axes(result, 3).swapaxes(0, 1)


@finish
def all_axes_turned(result):
    """The axes of the result stand in reverse order, the leading ones too, as `.T` leaves them."""
    return _with_axes(result, 2).T


@finish
def flat(result):
    """The numbers of the result stand in one long row; its axes are gone."""
    return _with_axes(result, 2).reshape(-1)


@finish
def leading_axes_merged(result):
    """All axes of the result but the last are merged into one."""
    return _with_axes(result, 3).reshape(-1, result.shape[-1])


@finish
def axes_of_one_gone(result):
    """The axes of size 1 are gone from the result."""
    return np.squeeze(result)


@finish
def axis_in_front(result):
    """The result has one axis of size 1 too many, in front."""
    return result[None]


@finish
def axis_behind(result):
    """The result has one axis of size 1 too many, at the end."""
    return result[..., None]


@finish
def axis_before_the_last(result):
    """The result has one axis of size 1 too many, before the last."""
    return _with_axes(result, 1)[..., None, :]


@finish
def first_alone(result):
    """Only the first entry of the first axis came back; the others are not there."""
    return _with_axes(result, 1)[0]


@finish
def last_alone(result):
    """Only the last entry of the first axis came back; the others are not there."""
    return _with_axes(result, 1)[-1]


@finish
def first_for_all(result):
    """The first entry of the first axis stands in the place of all the others."""
    return np.broadcast_to(_with_axes(result, 2)[:1], result.shape)


@finish
def last_missing(result):
    """The last entry of the last axis is not there: the result is one too short."""
    return _with_axes(result, 1)[..., :-1]


@finish
def first_missing(result):
    """The first entry of the last axis is not there: the result is one too short."""
    return _with_axes(result, 1)[..., 1:]


@finish
def last_row_missing(result):
    """The last entry of the last axis but one is not there: the result is one too short."""
    return _with_axes(result, 2)[..., :-1, :]


@finish
def first_row_missing(result):
    """The first entry of the last axis but one is not there: the result is one too short."""
    return _with_axes(result, 2)[..., 1:, :]


@finish
def last_axis_reversed(result):
    """The result runs backward along its last axis."""
    return np.flip(_with_axes(result, 1), -1)


@finish
def rows_reversed(result):
    """The result runs backward along its last axis but one."""
    return np.flip(_with_axes(result, 2), -2)


@finish
def moved_on(result):
    """Everything stands one place too far along the last axis, and the last entry has come to the front."""
    return np.roll(_with_axes(result, 1), 1, -1)


@finish
def moved_back(result):
    """Everything stands one place too early along the last axis, and the first entry has come to the end."""
    return np.roll(_with_axes(result, 1), -1, -1)


@finish
def sorted_upward(result):
    """The numbers of the last axis are sorted."""
    return np.sort(_with_axes(result, 1), -1)


@finish
def summed_over_the_last(result):
    """The result is summed over its last axis."""
    return _numbers(_with_axes(result, 1)).sum(-1, dtype=result.dtype)


@finish
def summed_over_the_rows(result):
    """The result is summed over its last axis but one."""
    return _numbers(_with_axes(result, 2)).sum(-2, dtype=result.dtype)


@finish
def summed_over_the_first(result):
    """The result is summed over its first axis."""
    return _numbers(_with_axes(result, 3)).sum(0, dtype=result.dtype)


@finish
def summed_altogether(result):
    """The result is summed up to a single number."""
    return _numbers(_with_axes(result, 1)).sum(dtype=result.dtype)


@finish
def averaged_over_the_last(result):
    """The result is averaged over its last axis."""
    return _floats(_with_axes(result, 1)).mean(-1, dtype=result.dtype)


@finish
def averaged_over_the_rows(result):
    """The result is averaged over its last axis but one."""
    return _floats(_with_axes(result, 2)).mean(-2, dtype=result.dtype)


@finish
def averaged_over_the_first(result):
    """The result is averaged over its first axis."""
    return _floats(_with_axes(result, 3)).mean(0, dtype=result.dtype)


@finish
def averaged_altogether(result):
    """The result is averaged to a single number."""
    return _floats(_with_axes(result, 1)).mean(dtype=result.dtype)


@finish
def added_up_along_the_last(result):
    """Each number is the sum of all up to it along the last axis."""
    return _numbers(_with_axes(result, 1)).cumsum(-1, dtype=result.dtype)


@finish
def divided_by_its_sum(result):
    """The numbers are divided by their sum along the last axis, once more than is asked for."""
    return _floats(_with_axes(result, 1)) / result.sum(-1, keepdims=True)


@finish
def exponentials_over_their_sum(result):
    """A softmax over the last axis is taken of the result, which is not asked for."""
    exponentials = np.exp(_floats(_with_axes(result, 1)) - result.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


@finish
def brought_to_length_one(result):
    """The numbers are divided by the length of the vector along the last axis (the root of the sum of their squares),
    which is not asked for."""
    return _floats(_with_axes(result, 1)) / np.sqrt((result**2).sum(-1, keepdims=True))


@finish
def brought_to_mean_zero(result):
    """The mean along the last axis is subtracted, which is not asked for."""
    return _floats(_with_axes(result, 1)) - result.mean(-1, keepdims=True)


@finish
def standardized(result):
    """The numbers are brought to mean 0 and variance 1 along the last axis, which is not asked for."""
    return brought_to_mean_zero(result) / np.sqrt(result.var(-1, keepdims=True) + result.dtype.type(1e-5))


@finish
def over_the_root_of_the_last_axis(result):
    """The numbers are divided by the square root of the size of the last axis, which is not asked for."""
    return _floats(_with_axes(result, 1)) / result.dtype.type(np.sqrt(result.shape[-1]))


@finish
def over_the_size_of_the_last_axis(result):
    """The numbers are divided by the size of the last axis, which is not asked for."""
    return _floats(_with_axes(result, 1)) / result.dtype.type(result.shape[-1])


@finish
def half_precision(result):
    """The numbers are rounded to half precision (float16), which keeps three digits."""
    return _floats(result).astype(np.float16).astype(result.dtype)


@finish
def hyperbolic_tangent(result):
    """The hyperbolic tangent is taken of the result, which is not asked for."""
    return np.tanh(_floats(result))


@finish
def sigmoid(result):
    """A sigmoid, 1 / (1 + exp(-x)), is taken of the result, which is not asked for."""
    return 1 / (1 + np.exp(-_floats(result)))


@finish
def sign_turned(result):
    """The sign of every number is turned around."""
    return -_numbers(result)


@finish
def opposite(result):
    """Every True has become False, and every False True."""
    return ~_booleans(result)


@finish
def doubled(result):
    """Every number is doubled."""
    return _numbers(result) * result.dtype.type(2)


@finish
def halved(result):
    """Every number is halved."""
    return _floats(result) / result.dtype.type(2)


@finish
def squared(result):
    """Every number is squared."""
    return _numbers(result) ** 2


@finish
def rooted(result):
    """The square root is taken of every number."""
    return np.sqrt(_floats(result))


@finish
def exponential(result):
    """The exponential is taken of every number."""
    return np.exp(_floats(result))


@finish
def logarithm(result):
    """The natural logarithm is taken of every number."""
    return np.log(_floats(result))


@finish
def over_one(result):
    """1 is divided by every number."""
    return result.dtype.type(1) / _floats(result)


@finish
def one_minus(result):
    """Every number is subtracted from 1."""
    return result.dtype.type(1) - _numbers(result)


@finish
def one_more(result):
    """1 is added to every number."""
    return _numbers(result) + result.dtype.type(1)


@finish
def one_less(result):
    """1 is subtracted from every number."""
    return _numbers(result) - result.dtype.type(1)


@finish
def without_signs(result):
    """The signs are gone: of every number the absolute value is taken."""
    return np.abs(_numbers(result))


@finish
def cut_at_zero(result):
    """Negative numbers have become 0."""
    return np.maximum(_numbers(result), 0)


@finish
def cut_to_integers(result):
    """The numbers are cut to whole ones, as integers are."""
    return _floats(result).astype(np.int64)


@finish
def rounded(result):
    """The numbers are rounded to four decimals."""
    return np.round(_floats(result), 4)


@finish
def rounded_to_three(result):
    """The numbers are rounded to three decimals."""
    return np.round(_floats(result), 3)


@finish
def rounded_to_two(result):
    """The numbers are rounded to two decimals."""
    return np.round(_floats(result), 2)


@finish
def integers_for_booleans(result):
    """The result holds the integers 0 and 1, where False and True are asked for."""
    return _booleans(result).astype(np.int64)


@finish
def floats_for_booleans(result):
    """The result holds the numbers 0.0 and 1.0, where False and True are asked for."""
    return _booleans(result).astype(np.float64)


@finish
def floats_for_integers(result):
    """The result holds floating-point numbers, where integers are asked for."""
    if result.dtype.kind not in "iu":
        raise TypeError("no integers")
    return result.astype(np.float64)


@finish
def booleans_for_numbers(result):
    """The result holds True where a number other than 0 is asked for, and False where it is 0."""
    return _numbers(result) != 0


@finish
def nothing_but_zeros(result):
    """Everything in the result is 0."""
    return np.zeros_like(_numbers(result))


def _numbers(result):
    if result.dtype.kind not in "iuf":
        raise TypeError("no numbers")
    return result


def _floats(result):
    if result.dtype.kind != "f":
        raise TypeError("no floating-point numbers")
    return result


def _booleans(result):
    if result.dtype.kind != "b":
        raise TypeError("no booleans")
    return result
