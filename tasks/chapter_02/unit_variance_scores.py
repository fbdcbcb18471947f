"""02.unit_variance_scores: the divisor when components have known standard deviations (the derivation of chapter
02)."""

import math

import numpy as np

from course_lib import dot_product_scores, softmax
from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def draw_with_deviations(rng, q_len, k_len, d_k, **leading):
    """Return queries and keys, and the standard deviations their components were drawn with."""
    axes = tuple(leading.values())
    query_std, key_std = rng.uniform(0.5, 2.5, size=d_k), rng.uniform(0.5, 2.5, size=d_k)
    return {
        "query": rng.normal(size=(*axes, q_len, d_k)) * query_std,
        "key": rng.normal(size=(*axes, k_len, d_k)) * key_std,
        "query_std": query_std,
        "key_std": key_std,
    }


def draw_with_a_constant(rng, q_len, k_len, d_k):
    """Return inputs whose first component is always zero in the queries: its standard deviation is 0."""
    inputs = draw_with_deviations(rng, q_len, k_len, d_k)
    inputs["query"][:, 0] = inputs["query_std"][0] = 0
    return inputs


def unit_variance_scores(query, key, query_std, key_std):
    return dot_product_scores(query, key) / np.sqrt(np.sum(query_std**2 * key_std**2))


def _products(query, key):
    return query @ key.swapaxes(-2, -1)


@known.mistake
def not_scaled(query, key, query_std, key_std):
    """These are the raw dot products. Divide them by their standard deviation."""
    return _products(query, key)


@known.mistake
def root_of_d_k(query, key, query_std, key_std):
    """The root of d_k is right if every component has standard deviation 1. Here each has its own: add up the
    variances of the d_k terms."""
    return _products(query, key) / math.sqrt(query.shape[-1])


@known.mistake
def root_missing(query, key, query_std, key_std):
    """The scores are divided by their variance. Divide by its square root, the standard deviation."""
    return _products(query, key) / np.sum(query_std**2 * key_std**2)


@known.mistake
def deviations_added(query, key, query_std, key_std):
    """The standard deviations of the terms are added. It is variances that add up: square first, take the root of
    the sum."""
    return _products(query, key) / np.sum(query_std * key_std)


@known.mistake
def squares_missing(query, key, query_std, key_std):
    """The standard deviations are used as if they were variances. The variance of a term is the product of the
    squares."""
    return _products(query, key) / np.sqrt(np.sum(query_std * key_std))


@known.mistake
def mean_of_variances(query, key, query_std, key_std):
    """The variances of the terms are averaged. A score is the sum of its terms, so their variances are summed."""
    return _products(query, key) / np.sqrt(np.mean(query_std**2 * key_std**2))


@known.mistake
def product_of_sums(query, key, query_std, key_std):
    """The variances of the query and those of the key are summed apart, then multiplied. Component i of the query
    meets component i of the key alone: multiply first, then sum."""
    return _products(query, key) / np.sqrt(np.sum(query_std**2) * np.sum(key_std**2))


@known.mistake
def sum_of_both(query, key, query_std, key_std):
    """The variances of query and key are added, component by component. The variance of a product of two is the
    product of their variances."""
    return _products(query, key) / np.sqrt(np.sum(query_std**2 + key_std**2))


@known.mistake
def typical_deviation(query, key, query_std, key_std):
    """One average standard deviation is taken for all components. The large ones count for more than that: sum the
    variances of the terms one by one."""
    return _products(query, key) / (math.sqrt(query.shape[-1]) * np.mean(query_std) * np.mean(key_std))


@known.mistake
def average_variances(query, key, query_std, key_std):
    """The variances are averaged, those of the query and those of the key apart. Component i of the query meets
    component i of the key alone: multiply their variances, then sum over i."""
    return _products(query, key) / np.sqrt(query.shape[-1] * np.mean(query_std**2) * np.mean(key_std**2))


@known.mistake
def queries_alone(query, key, query_std, key_std):
    """Only the queries' deviations are used. A term is a product, so its variance has a factor from the key as well."""
    return _products(query, key) / np.sqrt(np.sum(query_std**2))


@known.mistake
def standardized_components(query, key, query_std, key_std):
    """Every component is brought to deviation 1 before the product. That gives variance 1 too, but other scores:
    large components no longer count for more, and one that never varies gives NaN. Divide the scores, all by one
    number."""
    return _products(query / query_std, key / key_std) / math.sqrt(query.shape[-1])


@known.mistake
def measured_spread(query, key, query_std, key_std):
    """The scores are divided by the spread measured on these very scores, which changes with every sentence. Compute
    the divisor from query_std and key_std."""
    products = _products(query, key)
    return products / products.std()


@known.mistake
def rows_are_keys(query, key, query_std, key_std):
    """Rows and columns are swapped: row i belongs to query i and column j to key j, so it is Q times K transposed."""
    return _products(key, query) / np.sqrt(np.sum(query_std**2 * key_std**2))


@known.legal
def with_norm(query, key, query_std, key_std):
    return _products(query, key) / np.linalg.norm(query_std * key_std)


@known.legal
def with_dot_of_variances(query, key, query_std, key_std):
    return np.einsum("...id,...jd->...ij", query, key) / (query_std**2 @ key_std**2) ** 0.5


@known.legal
def with_loops(query, key, query_std, key_std):
    variance = sum((a * b) ** 2 for a, b in zip(query_std, key_std, strict=True))
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for *leading, i, j in np.ndindex(scores.shape):
        scores[(*leading, i, j)] = sum(query[(*leading, i)] * key[(*leading, j)]) / math.sqrt(variance)
    return scores


@known.legal
def with_scaled_query(query, key, query_std, key_std):
    return _products(query / np.sqrt(np.sum((query_std * key_std) ** 2)), key)


@known.legal
def with_torch(query, key, query_std, key_std):
    import torch

    query, key, query_std, key_std = map(torch.from_numpy, (query, key, query_std, key_std))
    return query @ key.mT / torch.linalg.vector_norm(query_std * key_std)


TASK = Task(
    id="02.unit_variance_scores",
    title="Scores of variance 1",
    difficulty=2,
    minutes=10,
    reference=unit_variance_scores,
    draw=draw_with_deviations,
    cases=(
        Case("3 queries, 4 keys", dict(q_len=3, k_len=4, d_k=5)),
        Case("the same in float32", dict(q_len=5, k_len=6, d_k=7), dtype="float32"),
        Case("a batch of sentences, several heads", dict(batch=2, num_heads=3, q_len=4, k_len=5, d_k=8)),
        Case("a component that never varies", dict(q_len=4, k_len=3, d_k=6), draw=draw_with_a_constant),
    ),
    hints=(
        "Go back to the three lines of the derivation. Which of them used that the variance of every component is 1?",
        (
            "If q_i has standard deviation a and k_i has b, what is the variance "
            "of the product q_i k_i? (Both have mean 0.)"
        ),
        "It is a² b². The score is the sum of d_k such terms, and the variances of independent terms add up.",
        "The divisor is the root of np.sum(query_std**2 * key_std**2): one number for all the scores.",
    ),
    drawn=(informative(lambda *inputs: softmax(unit_variance_scores(*inputs))),),
    **known.ways,
)
