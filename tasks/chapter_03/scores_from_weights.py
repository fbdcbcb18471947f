"""03.scores_from_weights: softmax backward. Many scores give the same weights; highest 0 picks one."""

import math

import numpy as np

import course_lib
from grader.known import Known
from grader.task import Case, Task
from tasks.chapter_03.softmax import draw_scores
from tasks.rules import informative

known = Known()


def scores_from_weights(weights):
    return np.log(weights) - np.log(weights).max(axis=-1, keepdims=True)


def draw_weights(rng, n, **leading):
    """Return rows of weights that are neither one-hot nor uniform."""
    return {"weights": course_lib.softmax(draw_scores(rng, n, **leading)["scores"])}


@known.mistake
def logarithm_alone(weights):
    """The logarithm is right: softmax of your scores gives the weights back. But many scores do, and the task asks for
    those whose highest is 0. Shift each row."""
    return np.log(weights)


@known.mistake
def shifted_by_the_mean(weights):
    """Softmax of your scores gives the weights back, but it is their mean that is 0. The task asks for the highest to
    be 0."""
    return np.log(weights) - np.log(weights).mean(axis=-1, keepdims=True)


@known.mistake
def shifted_by_the_lowest(weights):
    """Softmax of your scores gives the weights back, but it is the lowest score that is 0. The task asks for the
    highest to be 0."""
    return np.log(weights) - np.log(weights).min(axis=-1, keepdims=True)


@known.mistake
def shifted_by_the_highest_of_all(weights):
    """Only the row with the largest weight of all has a score of 0. Shift each row by its own highest score."""
    return np.log(weights) - np.log(weights).max()


@known.mistake
def shifted_by_the_highest_of_each_column(weights):
    """The largest is taken over the first axis, so it is the columns whose highest score is 0. A row is the last
    axis."""
    return np.log(weights) - np.log(weights).max(axis=0, keepdims=True)


@known.mistake
def divided_by_the_highest(weights):
    """The logarithms are divided by the largest one; it has to be subtracted. Softmax forgets a constant that is added
    to a row, never a factor."""
    return np.log(weights) / np.log(weights).max(axis=-1, keepdims=True)


@known.mistake
def largest_weight_subtracted(weights):
    """The largest weight is subtracted from the logarithms. What has to be subtracted is the largest logarithm, so that
    the highest score becomes 0."""
    return np.log(weights) - weights.max(axis=-1, keepdims=True)


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
def base_two(weights):
    """The logarithm has base 2. Softmax takes powers of e, so it takes the natural logarithm, np.log, to undo it."""
    return np.log2(weights) - np.log2(weights).max(axis=-1, keepdims=True)


@known.mistake
def base_ten(weights):
    """The logarithm has base 10. Softmax takes powers of e, so it takes the natural logarithm, np.log, to undo it."""
    return np.log10(weights) - np.log10(weights).max(axis=-1, keepdims=True)


@known.mistake
def log_odds(weights):
    """These are log-odds, log(p / (1 - p)), which undo the sigmoid of a single score. In a softmax the ratio of two
    weights is e to the difference of their scores: the logarithm of the weights is enough."""
    odds = np.log(weights / (1 - weights))
    return odds - odds.max(axis=-1, keepdims=True)


@known.mistake
def sign_turned(weights):
    """The sign is turned around: the largest weight belongs to the highest score, so all other scores are below 0."""
    return np.log(weights).max(axis=-1, keepdims=True) - np.log(weights)


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
    return scores - scores.max(dim=-1, keepdim=True).values


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
    minutes=5,
    reference=scores_from_weights,
    draw=draw_weights,
    cases=(
        Case("one row of 4 weights", dict(n=4)),
        Case("2 rows in float32", dict(rows=2, n=6), dtype="float32"),
        Case("a batch, several heads", dict(batch=2, num_heads=4, rows=3, n=5)),
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
            "For each row: the logarithm of every weight, minus the largest of these logarithms (`axis=-1, "
            "keepdims=True`)."
        ),
    ),
    drawn=(informative(lambda weights: weights),),
    **known.ways,
)
