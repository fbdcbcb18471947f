"""07.alibi_bias: a penalty for distance, with a slope for each head (Press et al. 2022, section 3, to both sides)."""

import math

import numpy as np

from course_lib.positional_encoding import alibi_slopes
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def only_sizes(rng, num_heads, q_len, k_len):
    return {"num_heads": num_heads, "q_len": q_len, "k_len": k_len}


def as_many_queries_as_keys(rng, num_heads, length):
    return only_sizes(rng, num_heads, length, length)


def some_equal_sizes(rng, num_heads, q_len, k_len):
    return only_sizes(rng, num_heads, q_len, k_len)


def reference(num_heads, q_len, k_len):
    distance = np.abs(np.arange(k_len)[None, :] - np.arange(k_len - q_len, k_len)[:, None])
    return -alibi_slopes(num_heads)[:, None, None] * distance


@Stage
def heads(num_heads):
    return np.arange(1, num_heads + 1)  # h


@heads.slip
def heads_from_zero(num_heads):
    """The heads are counted from 0. In the formula h goes from 1 to num_heads."""
    return np.arange(num_heads)


@heads.slip
def heads_backward(num_heads):
    """The slopes are in the opposite order. The first head has h = 1, and the last one h = num_heads."""
    return np.arange(1, num_heads + 1)[::-1]


@heads.slip
def one_head_too_few(num_heads):
    """There is one slope too few: h goes from 1 to num_heads, both included."""
    return np.arange(1, num_heads)


@heads.slip
def the_first_head_for_all(num_heads):
    """All heads have the slope of the first. Each head h has its own."""
    return np.ones(num_heads, dtype=int)


@heads.slip
def the_last_head_for_all(num_heads):
    """All heads have the slope of the last. Each head h has its own."""
    return np.full(num_heads, num_heads)


@Stage
def slopes(heads, num_heads):
    return 2.0 ** (-8 * heads / num_heads)


@slopes.slip
def slopes_of_eight_heads(heads):
    """The slopes are 2 to the power of -h, whatever the number of heads. That is so for 8 heads; the exponent is -8 h /
    num_heads."""
    return 2.0**-heads


@slopes.slip
def slopes_above_one(heads, num_heads):
    """The slopes are upside down, or the distance is divided by them: it is multiplied by numbers above 1. The exponent
    of the slopes is negative, -8 h / num_heads, and they are factors."""
    return 2.0 ** (8 * heads / num_heads)


@slopes.slip
def exponent_without_the_eight(heads, num_heads):
    """The exponent is -h / num_heads here. It is eight times that: the last slope should be 2 to the power of -8."""
    return 2.0 ** (-heads / num_heads)


@slopes.slip
def exponent_upside_down(heads):
    """The exponent is -8 / h. It is -8 h / num_heads, so that slopes fall from head to head."""
    with np.errstate(divide="ignore"):
        return 2.0 ** (-8 / heads)


@slopes.slip
def num_heads_over_eight(heads, num_heads):
    """The exponent is -h num_heads / 8. It is -8 h / num_heads: the more heads, the smaller the steps."""
    return 2.0 ** (-heads * num_heads / 8)


@slopes.slip
def exponent_with_eight_alone(heads):
    """The exponent is -8 h, without the division by num_heads. The last slope should be 2 to the power of -8."""
    return 2.0 ** (-8.0 * heads)


@slopes.slip
def whole_exponents(heads, num_heads):
    """The exponents are rounded down to whole numbers, as // does. That is right only where num_heads divides 8 h."""
    return 2.0 ** (-8 * heads // num_heads)


@slopes.slip
def exponents_cut(heads, num_heads):
    """The exponents are cut to whole numbers, toward 0. That is right only where num_heads divides 8 h."""
    return 2.0 ** -(8 * heads // num_heads)


@slopes.slip
def powers_of_e(heads, num_heads):
    """The slopes are powers of e. They are powers of 2."""
    return np.exp(-8 * heads / num_heads)


@slopes.slip
def exponents_alone(heads, num_heads):
    """The slopes are the numbers 8 h / num_heads themselves. They are powers of 2: 2 to the power of -8 h /
    num_heads."""
    return 8 * heads / num_heads


@slopes.slip
def first_slope_times_h(heads, num_heads):
    """The slopes are h times 2 to the power of -8 / num_heads. h belongs into the exponent: powers bind before
    products."""
    return 2.0 ** (-8 / num_heads) * heads


@slopes.slip
def last_slope_times_h(heads, num_heads):
    """The slopes are 2 to the power of -8, times h / num_heads. All of that belongs into the exponent: powers bind
    before products."""
    return 2.0**-8 * heads / num_heads


@slopes.slip
def no_slopes(num_heads):
    """The slope of every head is 1, so that all have the distances themselves. It is 2 to the power of -8 h /
    num_heads."""
    return np.ones(num_heads)


@slopes.slip
def slopes_of_the_example(heads):
    """The slopes are 1/16 and 1/256, as for two heads, whatever their number."""
    return np.array([1 / 16, 1 / 256])


@slopes.slip
def slopes_of_the_authors_code(num_heads):
    """The slopes are those of the authors' published code, which takes those of the next lower power of 2 and every
    other one of the next higher. Here the formula holds for any number of heads."""
    power = 2 ** int(math.log2(num_heads))
    return np.concatenate([alibi_slopes(power), alibi_slopes(2 * power)[::2][: num_heads - power]])


@slopes.slip
def negative_powers_of_an_integer(heads, num_heads):
    """Integers are raised to negative integers, which NumPy refuses, as the result would be no integer. With 2.0 it
    is a floating-point number."""
    h = heads
    return 2 ** (-8 * h // num_heads)


@Stage
def position(q_len, k_len):
    return np.arange(k_len - q_len, k_len)


@position.slip
def queries_from_zero(q_len):
    """The first query is put at position 0. The queries are the last q_len of the k_len positions, so the first one
    stands at k_len - q_len."""
    return np.arange(q_len)


@position.slip
def queries_one_too_far(q_len, k_len):
    """The queries stand one position too far to the right, or the keys one too far to the left. The last query stands
    at the last key, k_len - 1, and the first key at 0."""
    return np.arange(k_len - q_len, k_len) + 1


@position.slip
def queries_one_too_near(q_len, k_len):
    """The queries stand one position too far to the left, or the keys one too far to the right. The last query stands
    at the last key, k_len - 1, and the first key at 0."""
    return np.arange(k_len - q_len, k_len) - 1


@position.slip
def queries_before_the_keys(q_len, k_len):
    """k_len - q_len is subtracted from the number of the query. It is added: query 0 stands at k_len - q_len."""
    return np.arange(q_len) - (k_len - q_len)


@position.slip
def queries_behind_the_keys(q_len, k_len):
    """The queries stand behind the keys, from position k_len on. They are the last of the k_len positions, the first
    one at k_len - q_len."""
    return np.arange(k_len, k_len + q_len)


@position.slip
def queries_backward(q_len, k_len):
    """The queries stand in reverse order, the first one at k_len - 1. That is the place of the last one."""
    return np.arange(k_len - q_len, k_len)[::-1]


@position.slip
def a_row_for_each_position(k_len):
    """Each of the k_len positions has a row. The queries are the last q_len of them."""
    return np.arange(k_len)


@position.slip
def the_first_query_alone(q_len, k_len):
    """There is one row, that of the first query. Each query has its own: q_len rows."""
    return np.array([k_len - q_len])


@position.slip
def all_queries_at_the_end(q_len, k_len):
    """All queries stand at the last position, k_len - 1. That is the place of the last one; the first one stands at
    k_len - q_len."""
    return np.full(q_len, k_len - 1)


@Stage
def offset(position, k_len):
    return position[:, None] - np.arange(k_len)[None, :]  # (q_len, k_len)


@offset.slip
def keys_backward(position, k_len):
    """The keys stand in reverse order, the last one at 0. Key j stands at j."""
    return position[:, None] - np.arange(k_len)[::-1]


@offset.slip
def rows_are_keys(position, k_len):
    """Rows and columns are swapped. A row belongs to a query, a column to a key: (num_heads, q_len, k_len)."""
    return np.arange(k_len)[:, None] - position


@Stage
def distance(offset):
    return np.abs(offset)


@distance.slip
def without_absolute_value(offset):
    """The distance has a sign, position of the query minus j, so that keys to the right of the query are treated
    contrary to those on its left. Take its absolute value."""
    return offset


@distance.slip
def sign_the_other_way(offset):
    """The distance has a sign, j minus the position of the query, so that keys to the left of the query are treated
    contrary to those on its right. Take its absolute value."""
    return -offset


@distance.slip
def no_penalty_for_the_future(offset):
    """Keys to the right of the query have no penalty. Here distance counts to both sides."""
    return np.maximum(offset, 0)


@distance.slip
def no_penalty_for_the_past(offset):
    """Keys to the left of the query have no penalty. Here distance counts to both sides."""
    return np.maximum(-offset, 0)


@distance.slip
def distance_from_one(offset):
    """The distances are one too large: a query is at distance 0 from its own position."""
    return np.abs(offset) + 1


@distance.slip
def distance_from_the_neighbor(offset):
    """The distances are one too small, and not below 0, so that the neighbors of a query have no penalty either. They
    are at distance 1."""
    return np.maximum(np.abs(offset) - 1, 0)


@distance.slip
def squared_distance(offset):
    """The distance is squared. The penalty grows linearly: slope times distance."""
    return offset**2


@distance.slip
def logarithm_of_the_distance(offset):
    """The logarithm of 1 plus the distance is taken. The penalty grows linearly: slope times distance."""
    return np.log1p(np.abs(offset))


@distance.slip
def everything_else_alike(offset):
    """All positions but the query's own have the same penalty. It grows with the distance."""
    return (offset != 0).astype(int)


@distance.slip
def parts_of_the_whole(offset, k_len):
    """The distance is divided by k_len. It counts whole positions."""
    return np.abs(offset) / k_len


@Stage
def bias(slopes, distance):
    return -slopes[:, None, None] * distance


@bias.slip
def a_bonus(slopes, distance):
    """The slopes are multiplied with the distance without a minus. A penalty for distance is negative: minus the slope
    times the distance."""
    return slopes[:, None, None] * distance


@bias.slip
def slopes_and_distance_added(slopes, distance):
    """Slopes and distances are added, with a minus in front of both. The penalty is their product."""
    return -(slopes[:, None, None] + distance)


@bias.slip
def power_of_the_slope(slopes, distance):
    """The slope is raised to the power of the distance. The penalty grows linearly: minus the slope times the
    distance."""
    return -(slopes[:, None, None] ** distance)


@bias.slip
def no_axes_for_the_slopes(slopes, distance):
    """The slopes have shape (num_heads,), and the distances (q_len, k_len): the heads are lined up with the keys. Give
    the slopes two more axes, (num_heads, 1, 1)."""
    return -slopes * distance


@bias.slip
def heads_lined_up_with_the_queries(slopes, distance):
    """The slopes have the shape (num_heads, 1), and the distances (q_len, k_len): the heads are lined up with the
    queries. Give the slopes one more axis, (num_heads, 1, 1)."""
    return -slopes[:, None] * distance


@Stage
def visible(bias):
    return bias


@visible.slip
def future_forbidden(bias, offset):
    """Keys to the right of the query get minus infinity: that is a causal mask as well. Here distance counts to both
    sides, and nothing is masked."""
    return np.where(offset < 0, -np.inf, bias)


@visible.slip
def future_at_zero(bias):
    """What stands above the diagonal, j > i, is set to 0. Here distance counts to both sides."""
    return np.tril(bias)


@visible.slip
def heads_last(bias):
    """The heads are the last axis. They come first, (num_heads, q_len, k_len), as in the scores the bias is added
    to."""
    return np.moveaxis(bias, 0, -1)


@visible.slip
def heads_in_the_middle(bias):
    """The heads are the second axis. They come first, (num_heads, q_len, k_len), as in the scores the bias is added
    to."""
    return np.moveaxis(bias, 0, 1)


@visible.slip
def added_up_over_the_heads(bias):
    """The penalties of all heads are added up, into (q_len, k_len). Each head keeps its own."""
    return bias.sum(axis=0)


@known.mistake
def slopes_in_a_list(num_heads, q_len, k_len):
    """The slopes are a Python list, and a list takes no None between its brackets. An array does: np.array(slopes)."""
    slopes = [2 ** (-8 * h / num_heads) for h in range(1, num_heads + 1)]
    return -slopes[:, None, None] * distance(offset(position(q_len, k_len), k_len))


@known.mistake
def finished_slopes_without_axes(num_heads, q_len, k_len):
    """alibi_slopes returns the shape (num_heads,), and the distances have (q_len, k_len): the heads are lined up with
    the keys. Give the slopes two more axes."""
    gaps = np.abs(np.arange(k_len)[None, :] - np.arange(k_len - q_len, k_len)[:, None])
    return -alibi_slopes(num_heads) * gaps


@known.probe
def one_head_one_query(rng):
    yours = yield {"num_heads": 1, "q_len": 1, "k_len": 4}
    if np.allclose(256 * yours, [-3, -2, -1, 0], atol=1e-6):
        return None
    return (
        f"One head has the slope 1/256, and one query stands at the last of 4 keys: -3, -2, -1 and 0 times 1/256. "
        f"Yours are {_row(256 * yours)} times 1/256."
    )


@known.probe
def slopes_seen(rng):
    yours = yield {"num_heads": 4, "q_len": 1, "k_len": 2}
    slopes = -yours[:, 0, 0]
    if np.allclose(slopes, [1 / 4, 1 / 16, 1 / 64, 1 / 256], atol=1e-9):
        return None
    return (
        f"One query stands at the second of 2 keys, so the first key gets minus the slopes, for 4 heads 0.25, 0.0625, "
        f"0.0156 and 0.00391. Yours gets minus {_row(slopes)}."
    )


@known.probe
def as_far_both_ways(rng):
    yours = yield {"num_heads": 1, "q_len": 3, "k_len": 3}
    table = 256 * yours[0]
    if np.allclose(table, [[0, -1, -2], [-1, 0, -1], [-2, -1, 0]], atol=1e-6):
        return None
    rows = "; ".join(map(_row, table))
    return (
        f"With one head (slope 1/256) and 3 queries at the places of 3 keys, the rows are 0, -1, -2; -1, 0, -1; -2, "
        f"-1, 0, times 1/256. Yours are {rows}."
    )


@known.probe
def queries_at_the_end(rng):
    yours = yield {"num_heads": 1, "q_len": 2, "k_len": 4}
    table = 256 * yours[0]
    if np.allclose(table, [[-2, -1, 0, -1], [-3, -2, -1, 0]], atol=1e-6):
        return None
    rows = "; ".join(map(_row, table))
    return (
        f"With one head (slope 1/256), 2 queries are the last of 4 positions, so the rows are -2, -1, 0, -1; -3, -2, "
        f"-1, 0, times 1/256. Yours are {rows}."
    )


def _row(numbers):
    return ", ".join(f"{number:.3g}" for number in np.ravel(numbers + 0.0))


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
    return (-slopes[:, None, None] * distance).numpy()


TASK = Task(
    id="07.alibi_bias",
    title="A penalty for distance",
    difficulty=2,
    minutes=8,
    optional=True,
    reference=reference,
    draw=only_sizes,
    cases=(
        Case("the example of the text", dict(num_heads=2, q_len=2, k_len=3), draw=some_equal_sizes),
        Case("2 heads, 3 queries, 5 keys", dict(num_heads=2, q_len=3, k_len=5)),
        Case("4 heads, one query", dict(num_heads=4, q_len=1, k_len=6)),
        Case("3 heads, as many queries as keys", dict(num_heads=3, length=4), draw=as_many_queries_as_keys),
        Case("8 heads", dict(num_heads=8, q_len=5, k_len=7)),
        Case("one head", dict(num_heads=1, q_len=2, k_len=4)),
        Case("6 heads, one query, one key", dict(num_heads=6, q_len=1, k_len=1), draw=some_equal_sizes),
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
    stages=(heads, slopes, position, offset, distance, bias, visible),
    coincidences={
        "the_first_head_for_all + exponent_upside_down": "the_last_head_for_all",
        "the_first_head_for_all + exponent_with_eight_alone": "the_last_head_for_all",
        "the_last_head_for_all + exponent_upside_down": "the_first_head_for_all",
        "queries_from_zero + keys_backward": "queries_backward",
        "queries_backward + keys_backward": "queries_from_zero",
        "without_absolute_value + a_bonus": "sign_the_other_way",
        "sign_the_other_way + a_bonus": "without_absolute_value",
    },
    **known.ways,
)
