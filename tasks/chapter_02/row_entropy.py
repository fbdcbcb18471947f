"""02.row_entropy: how many keys share a row of weights (Shannon 1948; nats)."""

import math

import numpy as np

from course_lib import softmax
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.probes import first_difference
from tasks.rules import informative

known = Known()


def draw_weights(rng, q_len, k_len, **leading):
    """Return rows of weights that sum to one, none of them zero."""
    return {"weights": softmax(rng.normal(size=(*leading.values(), q_len, k_len)))}


def draw_weights_with_zeros(rng, q_len, k_len):
    """Return a row that takes everything from one key, and rows that share among a few."""
    keys_that_share = np.arange(k_len) <= np.arange(q_len)[:, None]
    weights = np.where(keys_that_share, rng.uniform(1, 3, size=(q_len, k_len)), 0.0)
    return {"weights": weights / weights.sum(axis=-1, keepdims=True)}


def draw_zeros_anywhere(rng, batch, q_len, k_len):
    """Return rows in which all but two keys, at any places, have weight zero."""
    places = rng.permuted(np.broadcast_to(np.arange(k_len), (batch, q_len, k_len)), axis=-1)
    weights = np.where(places < 2, rng.uniform(1, 3, size=places.shape), 0.0)
    return {"weights": weights / weights.sum(axis=-1, keepdims=True)}


def draw_unequal(rng, q_len, k_len):
    """Return rows of a loud softmax: weights from almost 1 down to 1e-26."""
    scores = np.array([0, -1.5, -7.5, -16, -35, -60][:k_len]) + rng.uniform(-0.3, 0.3, size=(q_len, k_len))
    return {"weights": softmax(rng.permuted(scores, axis=-1))}


def of_the_text(rng, q_len, k_len):
    return {"weights": np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]], dtype=float)}


def row_entropy(weights):
    return 0 - np.sum(weights * _log_or_zero(weights), axis=-1)  # 0 rather than -0 where one key has everything


def _log_or_zero(weights):
    return np.log(np.where(weights > 0, weights, 1))


@Stage
def kept(weights):
    return weights


@kept.slip
def softmax_first(weights):
    """The weights go through a softmax first, as if they were scores. They are weights already."""
    return softmax(weights)


@kept.slip
def shares_of_the_columns(weights):
    """Each weight is divided by the sum of its column first. The rows are what sums to one; nothing needs dividing."""
    return weights / weights.sum(axis=-2, keepdims=True)


@kept.slip
def last_key_missing(weights):
    """The last key of every row is left out of the sum."""
    return weights[..., :-1]


@kept.slip
def first_key_missing(weights):
    """The first key of every row, number 0, is left out of the sum."""
    return weights[..., 1:]


@kept.slip
def what_others_have(weights):
    """Each weight is replaced by 1 minus the weight before anything else."""
    return 1 - weights


@Stage
def inside(kept):
    return np.where(kept > 0, kept, 1)  # whose logarithm is taken


@inside.slip
def zero_times_minus_infinity(kept):
    """The logarithm is taken of weights of zero as well. It is minus infinity there, and 0 times minus infinity is NaN;
    count such a term as 0."""
    return kept


@inside.slip
def small_number_in_logarithm(kept):
    """A small number, about 1e-9, inside the logarithm keeps it from being infinite, and shifts every entropy a little.
    Leave the zeros out of the logarithm instead, and no other number changes."""
    return kept + kept.dtype.type(1e-9)


@inside.slip
def a_hundred_millionth_in_logarithm(kept):
    """About 1e-8 is added inside the logarithm, which shifts every entropy a little. Leave the zeros out of the
    logarithm instead, and no other number changes."""
    return kept + kept.dtype.type(1e-8)


@inside.slip
def a_millionth_in_logarithm(kept):
    """About 1e-6 is added inside the logarithm, which shifts every entropy a little. Leave the zeros out of the
    logarithm instead, and no other number changes."""
    return kept + kept.dtype.type(1e-6)


@inside.slip
def a_thousandth_in_logarithm(kept):
    """About 0.001 is added inside the logarithm, which shifts every entropy. Leave the zeros out of the logarithm
    instead, and no other number changes."""
    return kept + kept.dtype.type(1e-3)


@inside.slip
def a_hundredth_in_logarithm(kept):
    """About 0.01 is added inside the logarithm, which shifts every entropy. Leave the zeros out of the logarithm
    instead, and no other number changes."""
    return kept + kept.dtype.type(0.01)


@inside.slip
def one_more_in_logarithm(kept):
    """The logarithm is that of 1 + p, as log1p gives it. The formula has that of p itself."""
    return kept + 1


@Stage
def logs(inside):
    return np.log(inside)


@logs.slip
def in_bits(inside):
    """The logarithm has base 2, so the entropy is in bits. The task asks for nats: the natural logarithm."""
    return np.log2(inside)


@logs.slip
def in_base_ten(inside):
    """The logarithm has base 10. The task asks for nats: the natural logarithm."""
    return np.log10(inside)


@Stage
def terms(kept, logs):
    return kept * logs


@terms.slip
def logarithms_alone(logs):
    """The logarithms are summed without their weights. Each one counts as much as its weight: p times ln p."""
    return logs


@terms.slip
def weights_added_to_logarithms(kept, logs):
    """The weights are added to their logarithms. They are multiplied: p times ln p."""
    return kept + logs


@terms.slip
def squares_of_the_weights(kept, logs):
    """Each logarithm is multiplied by the square of its weight. Once is what the formula has: p times ln p."""
    return kept**2 * logs


@terms.slip
def minus_one_for_zeros(kept, logs):
    """A weight of zero counts as a term of -1. It should add nothing."""
    return np.where(kept > 0, kept * logs, -1).astype(logs.dtype)


@terms.slip
def both_outcomes(kept, logs):
    """(1 - p) ln(1 - p) is added to every p ln p, as for a choice between yes and no. A row is one choice among its
    keys: p ln p alone."""
    return kept * logs + (1 - kept) * _log_or_zero(1 - kept)


@Stage
def total(terms):
    return np.sum(terms, axis=-1)


@total.slip
def mean_of_terms(terms):
    """The terms are averaged. Entropy is their sum: the weights in front of the logarithms already make it an
    average."""
    return np.mean(terms, axis=-1)


@total.slip
def over_queries(terms):
    """The sum runs over the queries. One row of weights belongs to one query, so sum over the keys: the last axis."""
    return np.sum(terms, axis=-2)


@total.slip
def over_the_first_axis(terms):
    """The sum runs over the first axis: the queries, or the sentences of a batch. The keys are the last axis."""
    return np.sum(terms, axis=0)


@total.slip
def over_axis_one(terms):
    """The sum runs over axis 1. Right for one sentence; with a batch, axis 1 counts heads or queries. The keys are the
    last axis, axis=-1."""
    return np.sum(terms, axis=1)


@total.slip
def over_axis_two(terms):
    """The sum runs over axis 2, which is that of the keys only with exactly one axis in front. The keys are the last
    axis, axis=-1."""
    return np.sum(terms, axis=2)


@total.slip
def over_everything(terms):
    """All the terms are summed to a single number. Every row has an entropy of its own: sum over the last axis alone.
    (A boolean index loses the axes; np.where keeps them.)"""
    return np.sum(terms)


@total.slip
def over_every_sentence(terms):
    """The terms of all rows of a sentence are summed together. Every row has an entropy of its own: sum over the last
    axis alone."""
    return np.sum(terms, axis=(-2, -1))


@total.slip
def axis_kept(terms):
    """The summed axis is still there, with size 1. One number a row is asked for."""
    return np.sum(terms, axis=-1, keepdims=True)


@total.slip
def not_summed(terms):
    """The terms are not summed: every weight still has its own. One number a row is asked for, the sum over the
    keys."""
    return terms


@total.slip
def largest_term_alone(terms):
    """Only the largest of the terms -p ln p counts. Entropy is the sum of them all."""
    return np.min(terms, axis=-1)


@total.slip
def product_of_terms(terms):
    """The terms are multiplied with each other. Entropy is their sum."""
    return np.prod(terms, axis=-1)


@Stage
def signed(total):
    return 0 - total  # (..., q_len)


@signed.slip
def minus_missing(total):
    """The result has the wrong sign: logarithms of weights are negative, so the sum is too, and entropy is minus that
    sum."""
    return total


@signed.slip
def number_of_sharing_keys(total):
    """This is e to the power of the entropy, the number of keys that share. The task asks for the entropy itself."""
    return np.exp(-total)


@signed.slip
def e_to_minus_the_entropy(total):
    """This is e to the power of minus the entropy. The task asks for the entropy itself."""
    return np.exp(total)


@signed.slip
def share_of_the_largest_entropy(total, weights):
    """The entropy is divided by ln n, the largest that n keys can have. The task asks for the entropy itself, in
    nats."""
    return -total / math.log(weights.shape[-1])


@signed.slip
def distance_to_uniform(total, weights):
    """This is ln n minus the entropy: how far the row is from equal weights. The task asks for the entropy itself."""
    return math.log(weights.shape[-1]) + total


@known.mistake
def nothing_in_rows_with_zeros(weights):
    """A row that holds a zero gets entropy 0, as if NaN had been replaced after the sum. The zero adds nothing; the
    other weights of its row count."""
    return np.where((weights == 0).any(axis=-1), 0, row_entropy(weights)).astype(weights.dtype)


@known.mistake
def sum_of_squares(weights):
    """This is the sum of the squared weights. Entropy is the sum of -p ln p."""
    return np.sum(weights**2, axis=-1)


@known.mistake
def one_minus_the_squares(weights):
    """This is 1 minus the sum of the squared weights, the impurity of Gini. Entropy is the sum of -p ln p."""
    return 1 - np.sum(weights**2, axis=-1)


@known.mistake
def surprise_of_the_best(weights):
    """This is -ln of the largest weight of a row. Entropy averages -ln p over all its weights."""
    return -np.log(weights.max(axis=-1))


@known.mistake
def logarithm_of_the_count(weights):
    """This is the logarithm of the number of weights above zero, which is the entropy only where these are equal."""
    return np.log((weights > 0).sum(axis=-1)).astype(weights.dtype)


@known.mistake
def logarithm_of_the_sum(weights):
    """The weights are summed before the logarithm, which makes 1 of every row, and 0 of its logarithm. Each weight has
    a logarithm of its own; then comes the sum."""
    return -np.log(weights.sum(axis=-1))


@known.mistake
def small_weights_left_out(weights):
    """Weights below 0.05 are left out with the zeros. Only a weight of exactly zero adds nothing."""
    return -np.sum(np.where(weights > 0.05, weights * _log_or_zero(weights), 0), axis=-1).astype(weights.dtype)


@known.mistake
def weights_below_a_thousandth_left_out(weights):
    """Weights below 0.001 are left out with the zeros. Only a weight of exactly zero adds nothing."""
    return -np.sum(np.where(weights > 1e-3, weights * _log_or_zero(weights), 0), axis=-1).astype(weights.dtype)


@known.mistake
def weights_and_fewer_logarithms(weights):
    """The logarithms are those of the weights above zero, in one long row, and meet all the weights: the shapes do not
    fit. np.where keeps the shape, a boolean index does not."""
    return -np.sum(weights * np.log(weights[weights > 0]), axis=-1)


@known.mistake
def one_question_for_all_weights(weights):
    """A condition asks one True or False of all the weights at once. Each has its own answer: np.where gives one for
    each."""
    if weights == 0:
        return np.zeros(weights.shape[:-1], dtype=weights.dtype)
    return -np.sum(weights * np.log(weights), axis=-1)


@known.mistake
def loops_for_one_sentence(weights):
    """The loops are right for one sentence. With axes in front, an entry of a row is a row itself, and not one weight:
    go through the axes in front as well, or do without loops."""
    entropies = []
    for row in weights:
        entropy = 0
        for p in row:
            if p > 0:
                entropy -= p * np.log(p)
        entropies.append(entropy)
    return np.array(entropies, dtype=weights.dtype)


@known.mistake
def one_number_for_each_sentence(weights):
    """The first axis is taken for the rows, which is right for one sentence. With axes in front, each of its entries
    gets one number for all its rows together; every row has an entropy of its own."""
    return np.array([-np.sum(p[p > 0] * np.log(p[p > 0])) for p in weights], dtype=weights.dtype)


@known.mistake
def logarithm_of_math(weights):
    """`math.log` takes one number. `np.log` takes the logarithm of every number of an array."""
    return -np.sum(weights * math.log(weights), axis=-1)


@known.mistake
def logarithm_of_math_of_a_row(weights):
    """`math.log` takes one number, and here it is given several weights at once. `np.log` takes the logarithm of every
    number of an array."""
    total = 0
    for j in range(weights.shape[-1]):
        p = weights[..., j]
        total -= p * math.log(p)
    return total


@known.mistake
def logarithm_of_math_of_zero(weights):
    """`math.log` is asked for the logarithm of 0, which it does not have. Leave the zeros out: they add nothing."""
    entropies = np.zeros(weights.shape[:-1], dtype=weights.dtype)
    for row in np.ndindex(entropies.shape):
        entropies[row] = -sum(p * math.log(p) for p in weights[row].tolist())
    return entropies


@known.mistake
def names_for_one_sentence(weights):
    """The shape of weights is taken apart into two names, which fits one sentence. There may be axes in front: counted
    from the back, weights.shape[-2] and [-1] fit all."""
    q_len, k_len = weights.shape
    return row_entropy(weights.reshape(q_len, k_len))


@known.mistake
def names_for_one_batch(weights):
    """The shape of weights is taken apart into three names, which fits exactly one axis in front. There may be none, or
    more: counted from the back, weights.shape[-2] and [-1] fit all."""
    batch, q_len, k_len = weights.shape
    return row_entropy(weights.reshape(batch, q_len, k_len))


@known.probe
def equal_weights(rng):
    yours = yield {"weights": np.full((2, 3, 8), 1 / 8)}
    found = first_difference(yours, np.full((), math.log(8)))
    return found and (
        f"A row of 8 equal weights has the entropy ln 8 = {found[2]:.4g}: at [{found[0]}] yours is {found[1]:.4g}."
    )


@known.probe
def two_weights(rng):
    yours = yield {"weights": np.array([[0.9, 0.1]])}
    right = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    if abs(yours[0] - right) < 1e-6:
        return None
    return (
        f"The row [0.9, 0.1] has the entropy 0.9 · {-math.log(0.9):.4f} + 0.1 · {-math.log(0.1):.4f} = {right:.4f}; "
        f"yours is {yours[0]:.4g}."
    )


@known.probe
def everything_at_one_key(rng):
    yours = yield {"weights": rng.permuted(np.broadcast_to(np.eye(5)[0], (2, 3, 5)), axis=-1)}
    found = first_difference(yours, np.zeros(()))
    return (
        found and f"A row that gives everything to one key has the entropy 0: at [{found[0]}] yours is {found[1]:.4g}."
    )


@known.probe
def halved_weights(rng):
    weights = softmax(rng.normal(size=(2, 3, 4)))
    whole = yield {"weights": weights}
    halves = yield {"weights": np.repeat(weights / 2, 2, axis=-1)}
    found = first_difference(halves, whole + math.log(2))
    return found and (
        f"When every weight is split into two halves, the entropy grows by ln 2 = 0.6931: at [{found[0]}] yours goes "
        f"from {found[2] - math.log(2):.4g} to {found[1]:.4g}."
    )


@known.probe
def keys_in_reverse(rng):
    weights = softmax(rng.normal(size=(2, 3, 4)))
    before = yield {"weights": weights}
    after = yield {"weights": weights[..., ::-1].copy()}
    found = first_difference(after, before)
    return found and (
        f"With the keys in reverse order, every row keeps its entropy: at [{found[0]}] yours goes from {found[2]:.4g} "
        f"to {found[1]:.4g}."
    )


@known.legal
def with_nan_replaced(weights):
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.nan_to_num(weights * np.log(weights)).sum(axis=-1)


@known.legal
def with_loops(weights):
    entropies = np.zeros(weights.shape[:-1], dtype=weights.dtype)
    for row in np.ndindex(entropies.shape):
        for p in weights[row]:
            if p > 0:
                entropies[row] -= p * np.log(p)
    return entropies


@known.legal
def with_einsum(weights):
    logs = np.zeros_like(weights)
    np.log(weights, out=logs, where=weights > 0)
    return -np.einsum("...j,...j->...", weights, logs)


@known.legal
def with_torch(weights):
    import torch

    p = torch.from_numpy(weights)
    return -torch.xlogy(p, p).sum(-1).numpy()


@known.borrowed
def by_torch_entr(weights):
    import torch

    return torch.special.entr(torch.from_numpy(weights)).sum(-1)


@known.borrowed
def by_torch_distributions(weights):
    import torch

    return torch.distributions.Categorical(probs=torch.from_numpy(weights)).entropy()


@known.always
def is_never_negative(inputs, entropies):
    """Entropy is never negative; yours is somewhere."""
    return bool(np.all(entropies >= -1e-6))


@known.always
def is_at_most_the_uniform_one(inputs, entropies):
    """No row of n weights has more entropy than ln n, which is what n equal weights have; yours has somewhere."""
    return bool(np.all(entropies <= np.log(inputs["weights"].shape[-1]) + 1e-5))


@known.always
def is_exact(inputs, entropies):
    """Yours is very near and not exact: does a small number stand inside the logarithm?"""
    error = np.abs(entropies - row_entropy(inputs["weights"]))
    return entropies.dtype != np.float64 or error.max() > 1e-5 or error.max() < 1e-9


TASK = Task(
    id="02.row_entropy",
    title="The entropy of each row",
    difficulty=2,
    minutes=8,
    optional=True,
    reference=row_entropy,
    draw=draw_weights,
    cases=(
        Case("the example of the text", dict(q_len=3, k_len=4), draw=of_the_text),
        Case("3 rows of 4 weights", dict(q_len=3, k_len=4)),
        Case("the same in float32", dict(q_len=2, k_len=5), dtype="float32"),
        Case("a batch of sentences, several heads", dict(batch=2, num_heads=5, q_len=4, k_len=3)),
        Case("weights of zero", dict(q_len=3, k_len=5), draw=draw_weights_with_zeros),
        Case("one row in each sentence, zeros anywhere", dict(batch=2, q_len=1, k_len=6), draw=draw_zeros_anywhere),
        Case("very unequal weights, float32", dict(q_len=4, k_len=6), dtype="float32", draw=draw_unequal),
    ),
    finished=("torch.special.entr", "torch.distributions.Categorical.entropy"),
    hints=(
        (
            "Do one row with a pencil first: the weights 0.5 and 0.5. How many "
            "terms has the sum, and is the result positive?"
        ),
        (
            "np.log is the natural logarithm. It works element by element, so `weights * "
            "np.log(weights)` is all the terms at once; sum them over the keys."
        ),
        (
            "What does np.log(0) give, and what is 0 times that? Where a weight is "
            "0, hand the logarithm a 1 instead: ln 1 = 0."
        ),
        (
            "np.where(weights > 0, weights, 1) is safe to take the logarithm of. Multiply by "
            "the weights, sum over axis=-1, and put a minus in front."
        ),
    ),
    drawn=(informative(lambda weights: weights),),
    stages=(kept, inside, logs, terms, total, signed),
    **known.ways,
)
