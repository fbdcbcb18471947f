"""07.alibi_bias: a penalty for distance, with a slope for each head (Press et al. 2022, section 3, to both sides)."""

import numpy as np

from course_lib.positional_encoding import alibi_slopes
from grader.known import Known
from grader.task import Case, Task

known = Known()


def only_sizes(rng, num_heads, q_len, k_len):
    return {"num_heads": num_heads, "q_len": q_len, "k_len": k_len}


def as_many_queries_as_keys(rng, num_heads, length):
    return only_sizes(rng, num_heads, length, length)


def _offset(q_len, k_len):
    """j - i for queries that are the last q_len of k_len positions."""
    return np.arange(k_len)[None, :] - np.arange(k_len - q_len, k_len)[:, None]


def _bias(num_heads, distance, slopes=None):
    slopes = alibi_slopes(num_heads) if slopes is None else slopes
    return -slopes[:, None, None] * distance


def reference(num_heads, q_len, k_len):
    return _bias(num_heads, np.abs(_offset(q_len, k_len)))


@known.mistake
def a_bonus(num_heads, q_len, k_len):
    """Far keys get a bonus: the sign is inverted. Distance is a penalty, so the numbers are negative."""
    return -_bias(num_heads, np.abs(_offset(q_len, k_len)))


@known.mistake
def without_absolute_value(num_heads, q_len, k_len):
    """Keys to the right of the query get a bonus: the distance has a sign. Take its absolute value."""
    return _bias(num_heads, -_offset(q_len, k_len))


@known.mistake
def signed_and_inverted(num_heads, q_len, k_len):
    """Keys to the left of the query get a bonus: the distance has a sign. Take its absolute value."""
    return _bias(num_heads, _offset(q_len, k_len))


@known.mistake
def queries_from_zero(num_heads, q_len, k_len):
    """The first query is put at position 0. The queries are the last q_len of the k_len positions, so the first one
    stands at k_len - q_len."""
    return _bias(num_heads, np.abs(np.arange(k_len)[None, :] - np.arange(q_len)[:, None]))


@known.mistake
def no_penalty_for_the_future(num_heads, q_len, k_len):
    """Keys to the right of the query have no penalty. Here distance counts to both sides."""
    return _bias(num_heads, np.maximum(-_offset(q_len, k_len), 0))


@known.mistake
def distance_from_one(num_heads, q_len, k_len):
    """The distances are one too large: a query is at distance 0 from its own position."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)) + 1)


@known.mistake
def squared_distance(num_heads, q_len, k_len):
    """The distance is squared. The penalty grows linearly: slope times distance."""
    return _bias(num_heads, _offset(q_len, k_len) ** 2)


@known.mistake
def heads_from_zero(num_heads, q_len, k_len):
    """The heads are counted from 0, so the first slope is 1. In the formula h goes from 1 to num_heads."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)), 2.0 ** (-8 * np.arange(num_heads) / num_heads))


@known.mistake
def slopes_of_eight_heads(num_heads, q_len, k_len):
    """The slopes are 1/2, 1/4, 1/8, ..., whatever the number of heads. That is so for 8 heads; the exponent is -8 h /
    num_heads."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)), 2.0 ** -np.arange(1.0, num_heads + 1))


@known.mistake
def slopes_above_one(num_heads, q_len, k_len):
    """The slopes are upside down: above 1 instead of below. The exponent is negative, -8 h / num_heads."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)), 1 / alibi_slopes(num_heads))


@known.mistake
def exponent_without_the_eight(num_heads, q_len, k_len):
    """The exponent is -h / num_heads; the 8 is missing. The last slope should be 2 to the power of -8."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)), alibi_slopes(num_heads) ** (1 / 8))


@known.mistake
def exponent_upside_down(num_heads, q_len, k_len):
    """The exponent is -8 / h. It is -8 h / num_heads, so that slopes fall from head to head."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)), 2.0 ** (-8 / np.arange(1, num_heads + 1)))


@known.mistake
def future_forbidden(num_heads, q_len, k_len):
    """Keys to the right of the query get minus infinity: that is a causal mask as well. Here distance counts to both
    sides, and nothing is masked."""
    offset = _offset(q_len, k_len)
    return np.where(offset > 0, -np.inf, _bias(num_heads, np.abs(offset)))


@known.mistake
def slopes_backward(num_heads, q_len, k_len):
    """The slopes are in the opposite order. The first head has the steepest slope, the last one 2 to the power of
    -8."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)), alibi_slopes(num_heads)[::-1])


@known.mistake
def the_same_slope_for_all(num_heads, q_len, k_len):
    """All heads have the slope of the first. Each head h has its own: 2 to the power of -8 h / num_heads."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)), np.full(num_heads, alibi_slopes(num_heads)[0]))


@known.mistake
def no_slopes(num_heads, q_len, k_len):
    """These are the distances themselves, the same for all heads. Multiply them by the slope of each head."""
    return _bias(num_heads, np.abs(_offset(q_len, k_len)), np.ones(num_heads))


@known.mistake
def heads_last(num_heads, q_len, k_len):
    """The heads are the last axis. They come first, (num_heads, q_len, k_len), as in the scores the bias is added
    to."""
    return np.moveaxis(reference(num_heads, q_len, k_len), 0, -1)


@known.always
def nothing_at_distance_zero(inputs, output):
    """Each query is itself one of the positions: at distance 0 the penalty is 0, and nowhere else."""
    return bool(((output == 0).sum(axis=-1) == 1).all())


@known.always
def never_a_bonus(inputs, output):
    """A penalty is never positive."""
    return bool((output <= 0).all())


@known.legal
def with_loops(num_heads, q_len, k_len):
    bias = np.zeros((num_heads, q_len, k_len))
    for h in range(num_heads):
        for i in range(q_len):
            for j in range(k_len):
                bias[h, i, j] = -(2 ** (-8 * (h + 1) / num_heads)) * abs(k_len - q_len + i - j)
    return bias


@known.legal
def the_last_rows_of_a_square(num_heads, q_len, k_len):
    square = np.abs(np.subtract.outer(np.arange(k_len), np.arange(k_len)))[k_len - q_len :]
    slopes = (2.0 ** (-8 / num_heads)) ** np.arange(1, num_heads + 1)
    return np.einsum("h,ij->hij", -slopes, square)


@known.legal
def with_torch(num_heads, q_len, k_len):
    import torch

    distance = (torch.arange(k_len)[None, :] - torch.arange(k_len - q_len, k_len)[:, None]).abs()
    slopes = 2.0 ** (-8.0 * torch.arange(1, num_heads + 1, dtype=torch.float64) / num_heads)
    return -slopes[:, None, None] * distance


TASK = Task(
    id="07.alibi_bias",
    title="A penalty for distance",
    difficulty=2,
    minutes=8,
    reference=reference,
    draw=only_sizes,
    cases=(
        Case("2 heads, 3 queries, 5 keys", dict(num_heads=2, q_len=3, k_len=5)),
        Case("4 heads, one query", dict(num_heads=4, q_len=1, k_len=6)),
        Case("3 heads, as many queries as keys", dict(num_heads=3, length=4), draw=as_many_queries_as_keys),
        Case("8 heads", dict(num_heads=8, q_len=5, k_len=7)),
    ),
    finished=("course_lib.positional_encoding.AlibiPositions.term",),
    hints=(
        (
            "Five keys, three queries, and the queries are the last three of the five positions. Where does the first "
            "query stand?"
        ),
        (
            "Distances first: positions of the queries as a column, of the keys as a row, and np.abs of the "
            "difference: (q_len, k_len)."
        ),
        "The slopes are 2.0 ** (-8 * h / num_heads) for h = 1 ... num_heads: np.arange(1, num_heads + 1).",
        (
            "Give the slopes the axes (num_heads, 1, 1) by `slopes[:, None, None]`, multiply by the distances, and "
            "mind the sign."
        ),
    ),
    **known.ways,
)
