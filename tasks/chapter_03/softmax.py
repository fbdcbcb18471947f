"""03.softmax: scores become weights, in the form that cannot overflow (Goodfellow et al. 2016, eq. 4.1)."""

import math

import numpy as np

import course_lib
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def softmax(scores):
    return course_lib.softmax(scores)


def draw_scores(rng, n, **leading):
    """Return rows of scores from about -1.5 to 1.5 in any order: their weights are neither one-hot nor uniform."""
    noise = rng.normal(scale=0.3, size=(*leading.values(), n))
    return {"scores": rng.permuted(np.linspace(-1.5, 1.5, n) + noise, axis=-1)}


def of_the_text(rng, n):
    return {"scores": np.array([0.0, math.log(3)])}


def far_from_zero(rng, rows, n):
    """Return scores around 10,000 in the first row and around -10,000 in the others."""
    center = np.where(np.arange(rows)[:, None] == 0, 1e4, -1e4)
    return {"scores": center + rng.normal(scale=1.5, size=(rows, n))}


def loud_for_float32(rng, rows, n):
    """Return rows around 100, -150, 1,000 and 0: the exponentials of the first three do not fit into float32."""
    center = np.array([100.0, -150.0, 1000.0, 0.0])[:rows, None]
    return {"scores": center + draw_scores(rng, n, rows=rows)["scores"]}


def _softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@Stage
def axis():
    return -1


@axis.slip
def over_the_first_axis():
    """The sum runs over the first axis, so the columns sum to one. Each row of scores belongs to one query and becomes
    one row of weights: sum over the last axis."""
    return 0


@axis.slip
def over_axis_one():
    """The softmax runs over axis 1, which is the last axis only where there is one axis before it. Count from the back,
    `axis=-1`: that is the row with anything before it, or nothing."""
    return 1


@axis.slip
def over_the_last_but_one_axis():
    """The softmax runs over the last axis but one: down the columns, and a single row has no such axis. A row is the
    last axis, -1."""
    return -2


@axis.slip
def over_everything():
    """All the weights of the array together sum to one. Each row has to, on its own: name the axis of the sum."""
    return None


@Stage
def powers(scores):
    return scores


@powers.slip
def sign_turned(scores):
    """The order is turned around: the lowest score has the largest weight. The exponent has the score with its own
    sign, minus the maximum."""
    return -scores


@powers.slip
def divided_by_the_largest(scores):
    """The scores are divided by the largest one; it has to be subtracted. A constant that is subtracted cancels, a
    factor does not: it acts like a temperature."""
    return scores / scores.max(axis=-1, keepdims=True)


@powers.slip
def divided_by_a_root(scores):
    """The scores are divided by the root of their number first. Whatever scales the scores stands before the softmax;
    inside there is none."""
    return scores / math.sqrt(scores.shape[-1])


@powers.slip
def divided_by_a_thousand(scores):
    """The scores are divided by 1,000 first, which brings all weights close to each other. Softmax forgets what is
    subtracted from a row, and never a factor."""
    return scores / 1000


@powers.slip
def cut_off(scores):
    """Scores beyond a limit such as 50 are cut off there, so that large scores become equal and share their weight.
    Subtract the largest score of the row instead: that changes no weight."""
    return np.clip(scores, -50, 50)


@Stage
def shifted(powers, axis):
    return powers - powers.max(axis=axis, keepdims=True)


@shifted.slip
def nothing_subtracted(powers):
    """Nothing is subtracted from the scores before the exponential: that of 10,000 is inf, that of -10,000 is 0, and
    both end in NaN. Bring the largest score of each row to 0 first; softmax does not notice."""
    return powers


@shifted.slip
def largest_of_everything(powers):
    """What is subtracted is the largest score of the whole array. A row far below it becomes all zeros and then NaN:
    subtract from each row its own largest score."""
    return powers - powers.max()


@shifted.slip
def another_number_subtracted(powers, axis):
    """What is subtracted is one number for the whole row, but not the row's largest score: where the scores of a row
    lie far apart, some exponents stay far above 0, and overflow."""
    return powers - powers.min(axis=axis, keepdims=True)


@shifted.slip
def subtracted_from_the_largest(powers, axis):
    """The exponent is the row's largest score minus the score: it has to be the score minus the largest. As it is, the
    lowest score gets the largest weight, and where scores lie far apart, the exponential overflows."""
    return powers.max(axis=axis, keepdims=True) - powers


@shifted.slip
def largest_size_subtracted(powers, axis):
    """What is subtracted is the largest absolute value. For negative scores that is no score of the row: the exponents
    end far below 0, the exponentials at 0, and 0/0 is NaN. Subtract the largest score, with its sign."""
    return powers - np.abs(powers).max(axis=axis, keepdims=True)


@shifted.slip
def largest_of_each_column(powers):
    """What is subtracted is the largest score along the first axis, that of the column, so each score of a row loses
    another number, and that does not cancel. Subtract the largest of the row."""
    return powers - powers.max(axis=0, keepdims=True)


@shifted.slip
def ten_thousand_subtracted(powers):
    """What is subtracted is always 10,000, and the exponentials of ordinary scores become 0: 0/0 is NaN. Subtract from
    each row its own largest score."""
    return powers - 10_000


@Stage
def exponentials(shifted):
    return np.exp(shifted)


@exponentials.slip
def no_exponential(powers):
    """The scores themselves are divided by their sum. Scores may be negative and may sum to anything: the exponential
    comes first, it makes them positive."""
    return powers


@exponentials.slip
def no_exponential_of_the_shifted(shifted):
    """The shifted scores themselves are divided by their sum, with no exponential: the largest score ends at 0. The
    exponential comes first, it makes all of them positive and keeps their order."""
    return shifted


@exponentials.slip
def shares_of_the_sizes(powers):
    """The absolute values of the scores are divided by their sum, with no exponential. So a score of -2 weighs as much
    as one of 2, and one of 0 nothing. The exponential makes every score positive and keeps their order."""
    return np.abs(powers)


@exponentials.slip
def base_two(shifted):
    """The weights are made of powers of 2. Softmax takes powers of e, as np.exp does."""
    return np.exp2(shifted)


@exponentials.slip
def base_ten(shifted):
    """The weights are made of powers of 10. Softmax takes powers of e, as np.exp does."""
    return 10**shifted


@exponentials.slip
def sigmoids(powers):
    """Each score goes through a sigmoid, 1 / (1 + exp(-score)), and these are divided by their sum. Softmax divides the
    exponentials by theirs."""
    return 1 / (1 + np.exp(-powers))


@exponentials.slip
def subtracted_after_the_exponential(powers):
    """The largest is subtracted after the exponential, which may have overflown by then, and the differences are no
    weights. Subtract the largest score first."""
    exponentials = np.exp(powers)
    return exponentials - exponentials.max(axis=-1, keepdims=True)


@exponentials.slip
def the_largest_alone(shifted):
    """The highest score takes all the weight, and the others none. Softmax gives every score its share."""
    return (shifted == shifted.max(axis=-1, keepdims=True)).astype(shifted.dtype)


@Stage
def total(exponentials, axis):
    return exponentials.sum(axis=axis, keepdims=True)


@total.slip
def sum_of_everything(exponentials):
    """The exponentials are divided by the sum of the whole array. Each row has a sum of its own."""
    return exponentials.sum()


@total.rare
def sum_of_each_column(exponentials):
    """The exponentials are divided by sums along the first axis, those of the columns. Each row is divided by its own
    sum."""
    return exponentials.sum(axis=0, keepdims=True)


@total.slip
def the_mean_for_the_sum(exponentials, axis):
    """The exponentials are divided by their mean, so the weights of a row sum to their number. Divide by their sum."""
    return exponentials.mean(axis=axis, keepdims=True)


@total.slip
def the_number_for_the_sum(exponentials):
    """The exponentials are divided by their number. Divide by their sum, so that the weights of a row sum to one."""
    return exponentials.shape[-1]


@total.slip
def sum_of_the_scores(powers, axis):
    """The exponentials are divided by the sum of the scores. It has to be the sum of the exponentials themselves."""
    return powers.sum(axis=axis, keepdims=True)


@total.slip
def sum_without_the_shift(powers, axis):
    """The largest score is subtracted above the fraction line and not below it: the sum is that of the exponentials of
    the scores as they came. The same number has to be subtracted in both."""
    return np.exp(powers).sum(axis=axis, keepdims=True)


@total.slip
def small_number_added(exponentials, axis):
    """A small number, about 1e-8, is added to the sum, against division by zero. It keeps the weights from summing to
    one, and nothing needs it: with the largest score at 0, the sum is at least 1."""
    return exponentials.sum(axis=axis, keepdims=True) + 1e-8


@total.slip
def larger_number_added(exponentials, axis):
    """A number of about 1e-6 is added to the sum. It keeps the weights from summing to one, and nothing needs it: with
    the largest score at 0, the sum is at least 1."""
    return exponentials.sum(axis=axis, keepdims=True) + 1e-6


@total.rare
def about_1e5_added(exponentials, axis):
    """A number of about 1e-5 is added to the sum. It keeps the weights from summing to one, and nothing needs it: with
    the largest score at 0, the sum is at least 1."""
    return exponentials.sum(axis=axis, keepdims=True) + 1e-5


@total.slip
def a_thousandth_added(exponentials, axis):
    """A thousandth is added to the sum. It keeps the weights from summing to one, and nothing needs it: with the
    largest score at 0, the sum is at least 1."""
    return exponentials.sum(axis=axis, keepdims=True) + 1e-3


@total.slip
def a_hundredth_added(exponentials, axis):
    """A hundredth is added to the sum. It keeps the weights from summing to one, and nothing needs it: with the
    largest score at 0, the sum is at least 1."""
    return exponentials.sum(axis=axis, keepdims=True) + 1e-2


@total.slip
def one_added(exponentials, axis):
    """1 is added to the sum, so the weights of a row sum to less than one, as if there were a further score of 0."""
    return exponentials.sum(axis=axis, keepdims=True) + 1


@Stage
def weights(exponentials, total):
    return exponentials / total


@weights.slip
def not_divided(exponentials):
    """The exponentials are not divided by their sum. The weights of a row have to sum to one."""
    return exponentials


@weights.slip
def sums_alone(total):
    """These are the sums by which the exponentials should be divided."""
    return total


@weights.slip
def logarithm(shifted, total):
    """This is the logarithm of the weights (log-softmax). The weights themselves are asked for."""
    return shifted - np.log(total)


@weights.slip
def logarithm_with_infinities(exponentials, total):
    """This is the logarithm of the weights, and minus infinity where a weight is 0. The weights themselves are asked
    for."""
    return np.log(exponentials / total)


@weights.slip
def turned_over(exponentials, total):
    """The fraction is upside down: the sum is divided by the exponentials."""
    return total / exponentials


@weights.slip
def taken_twice(exponentials, total):
    """The softmax is taken twice: the second one takes weights for scores, and makes them almost even."""
    return _softmax(exponentials / total)


@weights.slip
def rows_in_one_table(exponentials, total):
    """All rows stand in one table of two axes, whatever axes came in. The result has the shape of the scores."""
    weights = exponentials / total
    return weights.reshape(-1, weights.shape[-1])


@known.mistake
def each_entry_of_the_first_axis(scores):
    """Each entry of the first axis is taken for a row: that is a single number where the scores are one row, and a
    whole sentence where they are a batch. A row is the last axis: `axis=-1`."""
    weights = np.zeros_like(scores)
    for i, part in enumerate(scores):
        exponentials = np.exp(part - part.max())
        weights[i] = exponentials / exponentials.sum()
    return weights


@known.mistake
def nothing_subtracted_over_everything(scores):
    """Nothing is subtracted from the scores before the exponential: that of 10,000 is inf, that of -10,000 is 0. The
    whole array sums to one, where each row should. Subtract each row's largest score, and divide by each row's sum
    (axis=-1, keepdims=True)."""
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum()


@known.mistake
def equal_weights(scores):
    """All weights of a row are equal; the scores have no part in them."""
    return np.full_like(scores, 1 / scores.shape[-1])


@known.mistake
def logarithm_of_the_sum_overflows(scores):
    """The weights come from the logarithm of the sum of exponentials, and that sum overflows on large scores, and is 0
    on very low ones. Subtract the row's largest score before the exponential there, too."""
    return np.exp(scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True)))


@known.mistake
def place_of_the_largest(scores):
    """These are the places of the highest scores, one number a row. Every score gets a weight."""
    return scores.argmax(axis=-1)


@known.mistake
def standardized_first(scores):
    """The scores are brought to mean 0 and standard deviation 1 first. Subtracting a number from a row changes no
    weight; dividing does."""
    centered = scores - scores.mean(axis=-1, keepdims=True)
    return _softmax(centered / scores.std(axis=-1, keepdims=True))


@known.mistake
def divided_by_the_largest_size(scores):
    """The scores are divided by the largest absolute value of the row, which brings all weights close to each other.
    Softmax forgets what is subtracted from a row, and never a factor."""
    return _softmax(scores / np.abs(scores).max(axis=-1, keepdims=True))


@known.mistake
def cut_off_far_out(scores):
    """Scores beyond a limit such as 700 are cut off there, so that large scores become equal and share their weight.
    Subtract the largest score of the row instead: that changes no weight."""
    exponentials = np.exp(np.clip(scores, -700, 700))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def absolute_scores(scores):
    """Negative scores count as positive ones of the same size. A score below 0 gets less weight than one above."""
    return _softmax(np.abs(scores))


@known.mistake
def negative_scores_zero(scores):
    """Negative scores count as 0. The exponential makes them positive, and lower ones smaller."""
    return _softmax(np.maximum(scores, 0))


@known.mistake
def computed_in_float32(scores):
    """Everything is computed in float32, which has seven digits: too few for scores around 10,000, and not the dtype
    that came in."""
    return _softmax(scores.astype(np.float32))


@known.mistake
def keepdim_for_keepdims(scores):
    """NumPy's word is keepdims, with an s. PyTorch's is keepdim."""
    return scores.max(axis=-1, keepdim=True)


@known.mistake
def keepdim_for_keepdims_in_a_function(scores):
    """The argument of np.max and np.sum is called keepdims, with an s; keepdim is PyTorch's."""
    return np.max(scores, axis=-1, keepdim=True)


@known.mistake
def one_number_after_the_other(scores):
    """The scores are gone through one after another, as if there were a single row. With more axes, each of them is a
    whole row: np.exp takes all at once."""
    exponentials = [math.exp(score) for score in scores]
    return np.array(exponentials) / sum(exponentials)


@known.mistake
def largest_of_everything_and_nan_set_to_zero(scores):
    """What is subtracted is the largest score of the whole array, and where a row far below it came out as NaN, it is
    set to 0. Subtract from each row its own largest score, and no NaN arises."""
    exponentials = np.exp(scores - scores.max())
    return np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True))


@known.mistake
def nan_set_to_zero(scores):
    """Right where the exponentials fit. Where they do not, the weights are NaN, and set to 0: such a row has no weights
    at all. Subtract the largest score of the row first, and no NaN arises."""
    exponentials = np.exp(scores)
    return np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True))


@known.mistake
def no_keepdims(scores):
    """A maximum or a sum over the last axis loses that axis, so it does not fit the scores any more. keepdims=True
    keeps it, with size 1."""
    exponentials = np.exp(scores - scores.max(axis=-1))
    return exponentials / exponentials.sum(axis=-1)


@known.mistake
def an_axis_for_two_axes(scores):
    """A maximum or a sum of a single row is one number, and takes no index. keepdims=True keeps the axis for any number
    of axes."""
    exponentials = np.exp(scores - scores.max(axis=-1)[:, None])
    return exponentials / exponentials.sum(axis=-1)[:, None]


@known.mistake
def exponential_of_one_number(scores):
    """math.exp takes one number. np.exp takes the exponential of every number of an array."""
    return math.exp(scores)


@known.mistake
def exponential_of_one_shifted_number(scores):
    """math.exp takes one number, and here are several, with their largest subtracted. np.exp takes the exponential of
    each of them."""
    largest = scores.max(axis=-1, keepdims=True)
    return math.exp(scores - largest)


@known.mistake
def largest_by_python(scores):
    """Python's max compares rows with each other, and a row is no single number. scores.max(axis=-1, keepdims=True)
    takes the largest of each row."""
    exponentials = np.exp(scores - max(scores))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def two_axes_expected(scores):
    """Two axes are expected, and there may be one, or four. Work along the last axis, `axis=-1`, whatever stands before
    it."""
    rows, cols = scores.shape
    return _softmax(scores.reshape(rows, cols))


@known.mistake
def another_way_for_large_scores(scores):
    """Where a score is large, the highest one takes all the weight of its row, as if the others were far below it. They
    may be close: subtract the row's largest score, and no score is large."""
    largest = scores.max(axis=-1, keepdims=True)
    hard = (scores == largest).astype(scores.dtype)
    return np.where(np.abs(scores).max(axis=-1, keepdims=True) > 50, hard, _softmax(scores))


@known.probe
def two_scores(rng):
    scores = np.array([[0.0, math.log(3)], [math.log(3), 0.0]])
    yours = yield {"scores": scores}
    return _other_than(yours[:1], np.array([[0.25, 0.75]]), "With the scores 0 and ln 3 in a row") or _other_than(
        yours[1:], np.array([[0.75, 0.25]]), "With the scores ln 3 and 0 in a row"
    )


@known.probe
def equal_scores(rng):
    yours = yield {"scores": np.full((2, 4), 2.0)}
    return _other_than(yours, np.full((2, 4), 0.25), "With four scores of 2 in each row")


@known.probe
def rows_far_apart(rng):
    yours = yield {"scores": np.array([[0.0, 0.0], [3.0, 3.0], [800.0, 800.0], [-900.0, -900.0]])}
    return _other_than(yours, np.full((4, 2), 0.5), "With two equal scores in each row, 0, 3, 800 and -900")


@known.probe
def everything_higher(rng):
    scores = draw_scores(rng, 4)["scores"]
    before = yield {"scores": scores}
    after = yield {"scores": scores + 2}
    if not np.allclose(before, after):
        j = int(np.abs(after - before).argmax())
        return (
            f"When 2 is added to all scores of a row, no weight should change; yours at [{j}] goes from "
            f"{before[j]:.6g} to {after[j]:.6g}."
        )
    return None


def _other_than(yours, expected, given):
    """Return a sentence on the first row that is another than expected, or None."""
    for i, (row, right) in enumerate(zip(yours, expected, strict=True)):
        if not np.allclose(row, right):
            whose = "your weights are" if len(expected) == 1 else f"your row {i} is"
            return f"{given}, {whose} {_row(row)}; expected {_row(right)}."
    return None


def _row(numbers):
    return f"[{', '.join(f'{number:.6g}' for number in numbers)}]"


@known.legal
def with_loops(scores):
    weights = np.zeros_like(scores)
    for index in np.ndindex(scores.shape[:-1]):
        highest = max(scores[index])
        total = sum(np.exp(score - highest) for score in scores[index])
        for j, score in enumerate(scores[index]):
            weights[(*index, j)] = np.exp(score - highest) / total
    return weights


@known.legal
def by_log_sum_exp(scores):
    highest = np.max(scores, axis=-1)[..., None]
    return np.exp(scores - highest - np.log(np.exp(scores - highest).sum(-1)[..., None]))


@known.legal
def by_ratios(scores):
    return 1 / np.exp(scores[..., None, :] - scores[..., :, None]).sum(axis=-1)


@known.legal
def with_torch(scores):
    import torch

    exponentials = torch.exp(torch.from_numpy(scores) - torch.from_numpy(scores).amax(dim=-1, keepdim=True))
    return (exponentials / exponentials.sum(dim=-1, keepdim=True)).numpy()


@known.legal
def in_double_precision(scores):
    exponentials = np.exp(np.float64(scores) - np.float64(scores).max(axis=-1, keepdims=True))
    return (exponentials / exponentials.sum(axis=-1, keepdims=True)).astype(scores.dtype)


@known.borrowed
def by_course_lib(scores):
    return course_lib.softmax(scores)


@known.borrowed
def by_torch(scores):
    import torch

    return torch.softmax(torch.from_numpy(scores), dim=-1)


@known.borrowed
def by_torch_functional(scores):
    import torch

    return torch.nn.functional.softmax(torch.from_numpy(scores), dim=-1)


@known.always
def rows_sum_to_one(inputs, output):
    """The weights of each row should sum to one, and yours do not."""
    return np.allclose(output.sum(axis=-1), 1, rtol=0, atol=1e-9 if output.dtype == np.float64 else 1e-5)


@known.always
def nothing_is_negative(inputs, output):
    """No weight can be negative."""
    return not (output < 0).any()


TASK = Task(
    id="03.softmax",
    title="Softmax that cannot overflow",
    difficulty=1,
    minutes=10,
    reference=softmax,
    draw=draw_scores,
    cases=(
        Case("the example of the text", dict(n=2), draw=of_the_text),
        Case("one row of 4 scores", dict(n=4)),
        Case("3 rows of 5 scores", dict(rows=3, n=5)),
        Case("one row with axes of size 1 before it", dict(batch=1, rows=1, n=3), draw=draw_scores),
        Case("a batch, several heads, float32", dict(batch=2, num_heads=4, rows=3, n=7), dtype="float32"),
        Case("scores around 10,000 and -10,000", dict(rows=2, n=3), points=2, draw=far_from_zero),
        Case(
            "one score of 0 among scores of -2,000",
            dict(n=3),
            draw=lambda rng, n: {"scores": np.where(np.arange(n) == n // 2, 0.0, -2e3)},
        ),
        Case(
            "scores around 100, -150, 1,000 and 0, float32", dict(rows=4, n=5), dtype="float32", draw=loud_for_float32
        ),
    ),
    finished=(
        "course_lib.softmax",
        "course_lib.masked_softmax",
        "course_lib.attention_weights",
        "course_lib.scaled_dot_product_attention",
        "torch.nn.functional.scaled_dot_product_attention",
        "torch.softmax",
        "torch.Tensor.softmax",
        "torch.nn.functional.softmax",
        "torch.log_softmax",
        "torch.nn.functional.log_softmax",
        "torch.special.softmax",
        "torch.special.log_softmax",
        "scipy.special.softmax",
        "scipy.special.log_softmax",
    ),
    hints=(
        (
            "Three steps: make every score positive, keep the order, make each row sum to one. Which function does the "
            "first two at once?"
        ),
        (
            "Each row is divided by its own sum. What shape does `x.sum(axis=-1)` have, and what does `keepdims=True` "
            "change about it?"
        ),
        (
            "The exponential of 10,000 does not fit. Softmax does not change if the same number is subtracted from all "
            "scores of a row. Which number makes every exponent of that row 0 or less? Another row may need another."
        ),
        (
            "Subtract `scores.max(axis=-1, keepdims=True)` from the scores, take `np.exp` of that, and divide by the "
            "sum of what you got, over the same axis."
        ),
    ),
    drawn=(informative(softmax),),
    stages=(axis, powers, shifted, exponentials, total, weights),
    coincidences={
        "nothing_subtracted + no_exponential_of_the_shifted": "no_exponential",
        "largest_of_everything + sum_of_everything": "over_everything",
        "over_everything + nothing_subtracted": "nothing_subtracted_over_everything",
        "nothing_subtracted + sum_of_everything": "nothing_subtracted_over_everything",
        "sign_turned + another_number_subtracted": "subtracted_from_the_largest",
        "sign_turned + subtracted_from_the_largest": "another_number_subtracted",
    },
    **known.ways,
)
