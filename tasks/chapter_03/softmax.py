"""03.softmax: scores become weights, in the form that cannot overflow (Goodfellow et al. 2016, eq. 4.1)."""

import numpy as np

import course_lib
from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def softmax(scores):
    return course_lib.softmax(scores)


def draw_scores(rng, n, **leading):
    """Return rows of scores from about -1.5 to 1.5 in any order: their weights are neither one-hot nor uniform."""
    noise = rng.normal(scale=0.3, size=(*leading.values(), n))
    return {"scores": rng.permuted(np.linspace(-1.5, 1.5, n) + noise, axis=-1)}


def far_from_zero(rng, rows, n):
    """Return scores around 10,000 in the first row and around -10,000 in the others."""
    center = np.where(np.arange(rows)[:, None] == 0, 1e4, -1e4)
    return {"scores": center + rng.normal(scale=1.5, size=(rows, n))}


@known.mistake
def no_subtraction(scores):
    """This is the formula as it stands, and it is right until the numbers end: the exponential of 10,000 is inf, that
    of -10,000 is 0, and both end in NaN. Bring the largest score of each row to 0 first; softmax does not notice."""
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def over_the_first_axis(scores):
    """The sum runs over the first axis, so the columns sum to one. Each row of scores belongs to one query and becomes
    one row of weights: sum over the last axis."""
    exponentials = np.exp(scores - scores.max(axis=0, keepdims=True))
    return exponentials / exponentials.sum(axis=0, keepdims=True)


@known.mistake
def over_everything(scores):
    """All the weights of the array together sum to one. Each row has to, on its own: name the axis of the sum."""
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


@known.mistake
def over_everything_and_nothing_subtracted(scores):
    """All the weights of the array together sum to one. Each row has to, on its own: name the axis of the sum. (Large
    scores need their own answer besides: their exponentials are inf.)"""
    return np.exp(scores) / np.exp(scores).sum()


@known.mistake
def over_axis_one(scores):
    """`axis=1` is the last axis only where there is one axis before it. Count from the back, `axis=-1`: that is the row
    with anything before it, or nothing."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@known.mistake
def loop_over_the_first_axis(scores):
    """Your loop takes each entry of the first axis for a row. That is a single number where the scores are one row, and
    a whole sentence where they are a batch. A row is the last axis: `axis=-1`."""
    weights = np.zeros_like(scores)
    for i, part in enumerate(scores):
        exponentials = np.exp(part - part.max())
        weights[i] = exponentials / exponentials.sum()
    return weights


@known.mistake
def sum_of_everything(scores):
    """The largest score is taken from each row, but the exponentials are divided by the sum of the whole array. The sum
    is each row's own, too."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum()


@known.mistake
def largest_of_everything(scores):
    """What is subtracted is the largest score of the whole array. A row far below it becomes all zeros and then NaN:
    subtract from each row its own largest score."""
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def another_number_subtracted(scores):
    """Your weights are right until the scores of a row lie far apart. What you subtract is the same for the whole row,
    so it cancels, but it is not the row's largest score: some exponents stay far above 0, and overflow."""
    exponentials = np.exp(scores - scores.min(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def small_number_added(scores):
    """A small number is added to the sum, against division by zero. It keeps the weights from summing to one, and
    nothing needs it: with the largest score at 0, the sum is at least 1."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / (exponentials.sum(axis=-1, keepdims=True) + 1e-8)


@known.mistake
def no_keepdims(scores):
    """A maximum or a sum over the last axis loses that axis, so it does not fit the scores any more. keepdims=True
    keeps it, with size 1."""
    exponentials = np.exp(scores - scores.max(axis=-1))
    return exponentials / exponentials.sum(axis=-1)


@known.mistake
def not_divided(scores):
    """The exponentials are not divided by their sum: the largest is 1 whatever the others are. The weights of a row
    have to sum to one."""
    return np.exp(scores - scores.max(axis=-1, keepdims=True))


@known.mistake
def no_exponential(scores):
    """The scores themselves are divided by their sum. Scores may be negative and may sum to anything: the exponential
    comes first, it makes them positive."""
    return scores / scores.sum(axis=-1, keepdims=True)


@known.mistake
def divided_by_the_largest(scores):
    """The scores are divided by the largest one; it has to be subtracted. A constant that is subtracted cancels, a
    factor does not: it acts like a temperature."""
    exponentials = np.exp(scores / scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def sign_turned(scores):
    """The order is turned around: the lowest score has the largest weight. It is the score minus the maximum, not the
    maximum minus the score."""
    exponentials = np.exp(scores.max(axis=-1, keepdims=True) - scores)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def logarithm(scores):
    """This is the logarithm of the weights (log-softmax). The weights themselves are asked for."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


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
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


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
    minutes=8,
    reference=softmax,
    draw=draw_scores,
    cases=(
        Case("one row of 4 scores", dict(n=4)),
        Case("3 rows of 5 scores", dict(rows=3, n=5)),
        Case("a batch, several heads, float32", dict(batch=2, num_heads=4, rows=3, n=7), dtype="float32"),
        Case("scores around 10,000 and -10,000", dict(rows=2, n=3), points=2, draw=far_from_zero),
        Case(
            "one score of 0 among scores of -2,000",
            dict(n=3),
            draw=lambda rng, n: {"scores": np.where(np.arange(n) == n // 2, 0.0, -2e3)},
        ),
    ),
    finished=(
        "course_lib.softmax",
        "course_lib.masked_softmax",
        "torch.softmax",
        "torch.Tensor.softmax",
        "torch.nn.functional.softmax",
        "torch.log_softmax",
        "torch.nn.functional.log_softmax",
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
            "scores of a row. Which number makes every exponent 0 or less?"
        ),
        (
            "Subtract `scores.max(axis=-1, keepdims=True)` from the scores, take `np.exp` of that, and divide by the "
            "sum of what you got, over the same axis."
        ),
    ),
    drawn=(informative(softmax),),
    **known.ways,
)
