"""03.scores_from_weights: softmax backward. Many scores give the same weights; highest 0 picks one."""

import math

import numpy as np

import course_lib
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.chapter_03.softmax import axis, draw_scores
from tasks.rules import informative

known = Known()


def scores_from_weights(weights):
    return np.log(weights) - np.log(weights).max(axis=-1, keepdims=True)


def draw_weights(rng, n, **leading):
    """Return rows of weights that are neither one-hot nor uniform."""
    return {"weights": course_lib.softmax(draw_scores(rng, n, **leading)["scores"])}


def of_the_text(rng, n):
    return {"weights": np.array([0.5, 0.25, 0.25])}


def tiny_and_equal(rng, rows, n):
    """Return a row with a tiny weight and a row of equal ones."""
    weights = draw_weights(rng, n, rows=rows)["weights"]
    weights[0, rng.integers(n)], weights[1] = 1e-30, 1 / n
    return {"weights": weights / weights.sum(axis=-1, keepdims=True)}


def _softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


axis = axis.but("over_the_first_axis", "over_axis_one", "over_the_last_but_one_axis", "over_everything")


@axis.slip
def shifted_by_the_highest_of_each_column():
    """What is subtracted is taken along the first axis, so it is the columns whose highest score is 0. A row is the
    last axis."""
    return 0


@axis.slip
def shifted_by_the_highest_of_all():
    """What is subtracted is taken of all rows at once, and the highest score is 0 in one of them alone. Shift each row
    by its own highest score."""
    return None


@axis.slip
def along_axis_one():
    """What is subtracted is taken along axis 1, which is the last axis only where there is one axis before it. Count
    from the back: `axis=-1`."""
    return 1


@axis.slip
def along_the_last_but_one_axis():
    """What is subtracted is taken along the last axis but one: down the columns, and a single row has no such axis. A
    row is the last axis, -1."""
    return -2


@Stage
def logarithms(weights):
    return np.log(weights)


@logarithms.slip
def no_logarithm(weights):
    """There is no logarithm: the weights themselves are taken for scores. The logarithm undoes the exponential."""
    return weights


@logarithms.slip
def exponential_for_the_logarithm(weights):
    """The exponential is taken of the weights. They are made by one, and it is the logarithm that undoes it."""
    return np.exp(weights)


@logarithms.slip
def softmax_again(weights):
    """The softmax is taken once more, of the weights. It has to be undone: by the logarithm."""
    return _softmax(weights)


@logarithms.slip
def one_added_inside(weights):
    """The logarithm is that of 1 plus the weight, as np.log1p gives it. It has to be that of the weight."""
    return np.log1p(weights)


@logarithms.slip
def base_two(weights):
    """The logarithm has base 2. Softmax takes powers of e, so it takes the natural logarithm, np.log, to undo it."""
    return np.log2(weights)


@logarithms.slip
def base_ten(weights):
    """The logarithm has base 10. Softmax takes powers of e, so it takes the natural logarithm, np.log, to undo it."""
    return np.log10(weights)


@logarithms.slip
def log_odds(weights):
    """These are log-odds, log(p / (1 - p)), which undo the sigmoid of a single score. In a softmax the ratio of two
    weights is e to the difference of their scores: the logarithm of the weights is enough."""
    return np.log(weights / (1 - weights))


@logarithms.slip
def of_what_is_missing_to_one(weights):
    """The logarithm is that of 1 minus the weight. It has to be that of the weight."""
    return np.log(1 - weights)


@logarithms.slip
def times_the_weight(weights):
    """Each logarithm is multiplied by its weight, as in an entropy. The logarithm alone is the score."""
    return weights * np.log(weights)


@logarithms.slip
def root_for_the_logarithm(weights):
    """The square root is taken of the weights. The exponential is undone by the logarithm."""
    return np.sqrt(weights)


@logarithms.slip
def a_hundredth_added(weights):
    """A hundredth is added to the weights before the logarithm, which shifts each score by another amount. Every weight
    is above 0, so the logarithm exists."""
    return np.log(weights + weights.dtype.type(1e-2))


@logarithms.slip
def a_millionth_added(weights):
    """About 1e-6 is added to the weights before the logarithm, and a tiny weight loses its score. Every weight is above
    0, so the logarithm exists."""
    return np.log(weights + weights.dtype.type(1e-6))


@logarithms.slip
def about_1e8_added(weights):
    """About 1e-8 is added to the weights before the logarithm, and a tiny weight loses its score. Every weight is above
    0, so the logarithm exists."""
    return np.log(weights + weights.dtype.type(1e-8))


@logarithms.slip
def about_1e9_added(weights):
    """About 1e-9 is added to the weights before the logarithm, and a tiny weight loses its score. Every weight is above
    0, so the logarithm exists."""
    return np.log(weights + weights.dtype.type(1e-9))


@logarithms.slip
def lost_below_1e10(weights):
    """Before the logarithm, about 1e-10 is added to the weights, or put in the place of smaller ones, and a tiny
    weight loses its score. Every weight is above 0, so the logarithm exists."""
    return np.log(weights + weights.dtype.type(1e-10))


@logarithms.slip
def lost_below_1e12(weights):
    """Before the logarithm, about 1e-12 is added to the weights, or put in the place of smaller ones, and a tiny
    weight loses its score. Every weight is above 0, so the logarithm exists."""
    return np.log(weights + weights.dtype.type(1e-12))


@Stage
def shift(logarithms, axis):
    return logarithms.max(axis=axis, keepdims=True)


@shift.slip
def not_shifted(logarithms):
    """The scores are not shifted. Many scores give the same weights, and the task asks for those whose highest is 0 in
    each row."""
    return np.zeros_like(logarithms)


@shift.slip
def shifted_by_the_mean(logarithms, axis):
    """What is subtracted is the mean of the row, so the mean of the scores is 0. The task asks for the highest to be
    0."""
    return logarithms.mean(axis=axis, keepdims=True)


@shift.slip
def shifted_by_the_lowest(logarithms, axis):
    """What is subtracted is the lowest of the row, so the lowest score is 0. The task asks for the highest to be 0."""
    return logarithms.min(axis=axis, keepdims=True)


@shift.slip
def shifted_by_the_first(logarithms):
    """What is subtracted is the first of the row, so the first score is 0. The task asks for the highest to be 0."""
    return logarithms[..., :1]


@shift.slip
def shifted_by_the_last(logarithms):
    """What is subtracted is the last of the row, so the last score is 0. The task asks for the highest to be 0."""
    return logarithms[..., -1:]


@shift.slip
def shifted_by_the_sum(logarithms, axis):
    """What is subtracted is the sum of the row. The task asks for the highest score to be 0: subtract the highest."""
    return logarithms.sum(axis=axis, keepdims=True)


@shift.slip
def shifted_by_the_largest_size(logarithms, axis):
    """What is subtracted is the largest absolute value. The logarithms of weights are negative, and the highest of them
    is the one to subtract, with its sign."""
    return np.abs(logarithms).max(axis=axis, keepdims=True)


@shift.slip
def shifted_by_a_place(logarithms, axis):
    """What is subtracted is the place of the highest score, as argmax gives it, and not the score there."""
    return logarithms.argmax(axis=axis, keepdims=True).astype(logarithms.dtype)


@shift.slip
def largest_weight_subtracted(weights, axis):
    """The largest weight is subtracted. What has to be subtracted is the largest logarithm, so that the highest score
    becomes 0."""
    return weights.max(axis=axis, keepdims=True)


@shift.slip
def shifted_by_the_number_of_weights(logarithms):
    """What is subtracted is the logarithm of 1 / k_len, the score of an even weight. The task asks for the highest
    score to be 0."""
    return np.full_like(logarithms[..., :1], -math.log(logarithms.shape[-1]))


@Stage
def scores(logarithms, shift):
    return logarithms - shift


@scores.slip
def highest_added(logarithms, shift):
    """The shift is added. The highest score is to become 0: subtract it from the row."""
    return logarithms + shift


@scores.slip
def divided_by_the_highest(logarithms, shift):
    """There is a division by what should be subtracted. Softmax forgets a constant that is added to a row, never a
    factor."""
    return logarithms / shift


@scores.slip
def sign_turned(logarithms, shift):
    """The sign is turned around: the largest weight belongs to the highest score, so all other scores are below 0."""
    return shift - logarithms


@scores.slip
def only_the_highest_changed(logarithms):
    """The highest score is set to 0 and the others stay as they were, so their differences change. Shift the whole
    row."""
    return np.where(logarithms == logarithms.max(axis=-1, keepdims=True), logarithms.dtype.type(0), logarithms)


@scores.slip
def times_the_root(logarithms, shift):
    """The scores are multiplied by the root of their number, as if a scaling had to be undone. Softmax has none."""
    return (logarithms - shift) * math.sqrt(logarithms.shape[-1])


@scores.slip
def from_high_to_low(logarithms, shift):
    """Each row is sorted from high to low. Every score stands where its weight stands."""
    return np.flip(np.sort(logarithms - shift, axis=-1), axis=-1)


@scores.slip
def cut_off_below(logarithms, shift):
    """Scores below a limit such as -2 are cut off there, and small weights do not come back. A score may be as low as
    it likes."""
    return np.maximum(logarithms - shift, -2)


@scores.slip
def cut_off_far_below(logarithms, shift):
    """Scores far down are cut off, at -50 or so, and a tiny weight does not come back. A score may be as low as it
    likes."""
    return np.maximum(logarithms - shift, -50)


@scores.slip
def shift_alone(shift):
    """These are the numbers that should be subtracted, one a row."""
    return shift


@known.mistake
def cut_off_at_1e9(weights):
    """Weights below about 1e-9 are raised to that before the logarithm, and a tiny weight loses its score. Every weight
    is above 0, so the logarithm exists."""
    logarithms = np.log(np.maximum(weights, weights.dtype.type(1e-9)))
    return logarithms - logarithms.max(axis=-1, keepdims=True)


@known.mistake
def cut_off_at_1e8(weights):
    """Weights below about 1e-8 are raised to that before the logarithm, and a tiny weight loses its score. Every weight
    is above 0, so the logarithm exists."""
    logarithms = np.log(np.maximum(weights, weights.dtype.type(1e-8)))
    return logarithms - logarithms.max(axis=-1, keepdims=True)


@known.mistake
def ratios_alone(weights):
    """These are the ratios of the weights to the largest of the row. A score is the logarithm of such a ratio."""
    return weights / weights.max(axis=-1, keepdims=True)


@known.mistake
def zeros_alone(weights):
    """Every score is 0."""
    return np.zeros_like(weights)


@known.mistake
def differences_of_neighbors(weights):
    """Each score is the logarithm of the ratio to the weight before it, and the first is 0. It has to be the ratio to
    the largest weight of the row."""
    logarithms = np.log(weights)
    return np.diff(logarithms, axis=-1, prepend=logarithms[..., :1])


@known.mistake
def shifted_before_the_logarithm(weights):
    """The largest weight is subtracted before the logarithm, so its argument is 0 or less: a logarithm of that does not
    exist. Take the logarithm first."""
    return np.log(weights - weights.max(axis=-1, keepdims=True))


@known.mistake
def no_keepdims(weights):
    """A maximum over the last axis loses that axis, so it does not fit the rows any more. keepdims=True keeps it, with
    size 1."""
    return np.log(weights) - np.log(weights).max(axis=-1)


@known.mistake
def an_axis_for_two_axes(weights):
    """The maximum of a single row is one number, and takes no index. keepdims=True keeps the axis for any number of
    axes."""
    return np.log(weights / weights.max(axis=-1)[:, None])


@known.mistake
def logarithm_of_one_number(weights):
    """math.log takes one number. np.log takes the logarithm of every number of an array."""
    return math.log(weights)


@known.mistake
def largest_by_python(weights):
    """Python's max compares rows with each other, and a row is no single number. The method of arrays,
    .max(axis=-1, keepdims=True), takes the largest of each row."""
    return np.log(weights / max(weights))


@known.mistake
def each_entry_of_the_first_axis(weights):
    """Each entry of the first axis is taken for a row: that is a single number where the weights are one row, and a
    whole sentence where they are a batch. A row is the last axis: `axis=-1`."""
    scores = np.zeros_like(weights)
    for i, part in enumerate(weights):
        scores[i] = np.log(part) - np.log(part).max()
    return scores


@known.mistake
def two_axes_expected(weights):
    """Two axes are expected, and there may be one, or four. Work along the last axis, `axis=-1`, whatever stands before
    it."""
    rows, cols = weights.shape
    return scores_from_weights(weights.reshape(rows, cols))


@known.probe
def two_weights(rng):
    yours = yield {"weights": np.array([[0.25, 0.75], [0.75, 0.25]])}
    for row, right, weights in zip(
        yours, ([-math.log(3), 0], [0, -math.log(3)]), ("[0.25, 0.75]", "[0.75, 0.25]"), strict=True
    ):
        if not np.allclose(row, right):
            return (
                f"For the weights {weights} your scores are [{row[0]:.6g}, {row[1]:.6g}]; they should be "
                f"[{right[0]:.6g}, {right[1]:.6g}], since ln 3 is 1.09861."
            )
    return None


@known.probe
def equal_weights(rng):
    yours = yield {"weights": np.full((2, 4), 0.25)}
    if not np.allclose(yours, 0, atol=1e-6):
        return f"For four equal weights your first score is {yours[0, 0]:.6g}; all four should be 0."
    return None


@known.probe
def a_tiny_weight(rng):
    yours = yield {"weights": np.array([1.0 - 1e-20, 1e-20])}
    if not np.isclose(yours[1], -20 * math.log(10)):
        return f"For a weight of 1e-20 beside one of nearly 1 your score is {yours[1]:.4g}; it should be -46.05."
    return None


@known.legal
def with_a_ratio(weights):
    return np.log(weights / weights.max(axis=-1, keepdims=True))


@known.legal
def with_loops(weights):
    scores = np.empty_like(weights)
    for index in np.ndindex(weights.shape):
        scores[index] = math.log(weights[index]) - math.log(max(weights[index[:-1]]))
    return scores


@known.legal
def with_torch(weights):
    import torch

    scores = torch.from_numpy(weights).log()
    return (scores - scores.max(dim=-1, keepdim=True).values).numpy()


@known.legal
def with_another_base(weights):
    return (np.log2(weights) - np.log2(weights).max(axis=-1, keepdims=True)) * math.log(2)


@known.always
def highest_is_zero(inputs, output):
    """The highest score of each row should be 0, and yours is not."""
    return np.allclose(output.max(axis=-1), 0, rtol=0, atol=1e-6)


@known.always
def softmax_gives_the_weights_back(inputs, output):
    """Softmax of your scores should give the weights back, and it does not."""
    return np.allclose(course_lib.softmax(output), inputs["weights"], rtol=0, atol=1e-5)


TASK = Task(
    id="03.scores_from_weights",
    title="Softmax backward",
    difficulty=1,
    minutes=8,
    reference=scores_from_weights,
    draw=draw_weights,
    cases=(
        Case("the example of the text", dict(n=3), draw=of_the_text),
        Case("one row of 4 weights", dict(n=4)),
        Case("2 rows in float32", dict(rows=2, n=6), dtype="float32"),
        Case("a batch, several heads", dict(batch=2, num_heads=4, rows=3, n=5)),
        Case("a tiny weight, and equal ones", dict(rows=3, n=4), draw=tiny_and_equal),
        Case(
            "a single weight, with axes of size 1",
            dict(batch=1, rows=1, n=1),
            draw=lambda rng, **sizes: {"weights": np.ones(tuple(sizes.values()))},
        ),
    ),
    hints=(
        (
            "What is the ratio of two weights, in terms of their scores? Which function turns a ratio back into a "
            "difference?"
        ),
        (
            "The logarithms of the weights are scores that give these weights. Adding the same number to a whole row "
            "changes nothing about that."
        ),
        (
            "So shift each row, by what makes its highest score 0. A maximum along the last axis keeps that axis with "
            "`keepdims=True`."
        ),
    ),
    drawn=(informative(lambda weights: weights),),
    stages=(axis, logarithms, shift, scores),
    coincidences={
        "no_logarithm + divided_by_the_highest": "ratios_alone",
        "not_shifted + shift_alone": "zeros_alone",
        "shifted_by_the_lowest + highest_added": "shifted_by_the_largest_size",
        "shifted_by_the_largest_size + highest_added": "shifted_by_the_lowest",
    },
    **known.ways,
)
