"""02.row_entropy: how many keys share a row of weights (Shannon 1948; nats)."""

import numpy as np

from course_lib import softmax
from grader.known import Known
from grader.task import Case, Task
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


def row_entropy(weights):
    return -np.sum(weights * _log_or_zero(weights), axis=-1)


def _log_or_zero(weights):
    return np.log(np.where(weights > 0, weights, 1))


@known.mistake
def zero_times_minus_infinity(weights):
    """Right wherever no weight is zero. The logarithm of 0 is minus infinity, and 0 times minus infinity is NaN;
    count such a term as 0."""
    return -np.sum(weights * np.log(weights), axis=-1)


@known.mistake
def minus_missing(weights):
    """The minus is missing: logarithms of weights are negative, so the sum is too, and entropy is minus that sum."""
    return np.sum(weights * _log_or_zero(weights), axis=-1)


@known.mistake
def in_bits(weights):
    """The logarithm has base 2, so the entropy is in bits. The task asks for nats: the natural logarithm."""
    return -np.sum(weights * _log_or_zero(weights), axis=-1) / np.log(weights.dtype.type(2))


@known.mistake
def in_bits_with_nan(weights):
    """The logarithm has base 2, and the task asks for the natural one. Also, a weight of zero gives NaN: count its
    term as 0."""
    return -np.sum(weights * np.log2(weights), axis=-1)


@known.mistake
def in_base_ten(weights):
    """The logarithm has base 10. The task asks for nats: the natural logarithm."""
    return -np.sum(weights * _log_or_zero(weights), axis=-1) / np.log(weights.dtype.type(10))


@known.mistake
def mean_of_terms(weights):
    """The terms are averaged. Entropy is their sum: the weights in front of the logarithms already make it an
    average."""
    return -np.mean(weights * _log_or_zero(weights), axis=-1)


@known.mistake
def logarithms_alone(weights):
    """The logarithms are summed without their weights. Each one counts as much as its weight: p times ln p."""
    return -np.sum(_log_or_zero(weights), axis=-1)


@known.mistake
def over_queries(weights):
    """The sum runs over the queries. One row of weights belongs to one query, so sum over the keys: the last axis."""
    return -np.sum(weights * _log_or_zero(weights), axis=-2)


@known.mistake
def over_axis_one(weights):
    """Right for one sentence. With a batch, axis 1 counts heads or queries; the keys are the last axis, axis=-1."""
    return -np.sum(weights * _log_or_zero(weights), axis=1)


@known.mistake
def over_everything(weights):
    """All the terms are summed to a single number. Every row has an entropy of its own: sum over the last axis
    alone."""
    return -np.sum(weights * _log_or_zero(weights))


@known.mistake
def axis_kept(weights):
    """The summed axis is still there, with size 1. One number a row is asked for: leave keepdims out."""
    return -np.sum(weights * _log_or_zero(weights), axis=-1, keepdims=True)


@known.mistake
def number_of_sharing_keys(weights):
    """This is e to the power of the entropy, the number of keys that share. The task asks for the entropy itself."""
    return np.exp(row_entropy(weights))


@known.mistake
def small_number_in_logarithm(weights):
    """A small number inside the logarithm keeps it from being infinite, and shifts every entropy a little. Leave the
    zeros out of the logarithm instead, and no other number changes."""
    return -np.sum(weights * np.log(weights + 1e-9), axis=-1)


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
    return -torch.xlogy(p, p).sum(-1)


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
    return not np.any((error > 1e-9) & (error < 1e-5))


TASK = Task(
    id="02.row_entropy",
    title="The entropy of each row",
    difficulty=2,
    minutes=8,
    reference=row_entropy,
    draw=draw_weights,
    cases=(
        Case("3 rows of 4 weights", dict(q_len=3, k_len=4)),
        Case("the same in float32", dict(q_len=2, k_len=5), dtype="float32"),
        Case("a batch of sentences, several heads", dict(batch=2, num_heads=5, q_len=4, k_len=3)),
        Case("weights of zero", dict(q_len=3, k_len=5), draw=draw_weights_with_zeros),
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
    **known.ways,
)
