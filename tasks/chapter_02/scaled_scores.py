"""02.scaled_scores: dot products divided by the square root of d_k (Vaswani et al. 2017, eq. 1)."""

import math

import numpy as np

from course_lib import dot_product_scores, softmax
from grader.known import Known
from grader.task import Case, Task
from tasks.draws import query_and_key
from tasks.rules import informative

known = Known()


def scaled_scores(query, key):
    return dot_product_scores(query, key) / math.sqrt(query.shape[-1])


@known.mistake
def not_scaled(query, key):
    """These are the raw dot products: the division by the square root of d_k is missing."""
    return query @ key.swapaxes(-2, -1)


@known.mistake
def divided_by_d_k(query, key):
    """The scores are divided by d_k itself, or by its root twice. Divide once by the square root: that keeps their
    variance at 1."""
    return query @ key.swapaxes(-2, -1) / key.shape[-1]


@known.mistake
def multiplied_by_root(query, key):
    """The scores are multiplied by the square root of d_k; they should be divided by it."""
    return query @ key.swapaxes(-2, -1) * math.sqrt(key.shape[-1])


@known.mistake
def power_of_one_then_half(query, key):
    """`d_k ** 1 / 2` is d_k to the power of 1, and then a division by 2: powers bind first. Write `** 0.5`, or use
    math.sqrt."""
    return query @ key.swapaxes(-2, -1) / query.shape[-1] ** 1 / 2


@known.mistake
def half_of_d_k(query, key):
    """The scores are divided by half of d_k. The square root of a number is its power of 0.5, as in `d_k ** 0.5`."""
    return query @ key.swapaxes(-2, -1) / (query.shape[-1] / 2)


@known.mistake
def root_of_axis_one(query, key):
    """Right for one sentence. With a batch, axis 1 counts words or heads; d_k is the last axis: query.shape[-1]."""
    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[1])


@known.mistake
def root_of_everything(query, key):
    """The root is taken of the scores as well, and a negative score has none. Only d_k stands under the root."""
    return np.sqrt(query @ key.swapaxes(-2, -1) / query.shape[-1])


@known.mistake
def root_of_key_count(query, key):
    """The root is taken of k_len, the number of keys. d_k is the length of one key vector: the last axis."""
    return query @ key.swapaxes(-2, -1) / math.sqrt(key.shape[-2])


@known.mistake
def root_of_the_first_axis(query, key):
    """The root is taken of `len(key)`, the size of the first axis: the number of keys, or of sentences in a batch. d_k
    is the length of one key vector: the last axis, `key.shape[-1]`."""
    return query @ key.swapaxes(-2, -1) / math.sqrt(len(key))


@known.mistake
def root_of_query_count(query, key):
    """The root is taken of q_len, the number of queries. d_k is the length of one query vector: the last axis."""
    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-2])


@known.mistake
def rows_are_keys(query, key):
    """Rows and columns are swapped: row i belongs to query i and column j to key j, so it is Q times K transposed."""
    return key @ query.swapaxes(-2, -1) / math.sqrt(key.shape[-1])


@known.mistake
def all_axes_reversed(query, key):
    """`key.T` turns all the axes around, those of batch and heads too. Swap the last two alone: key.swapaxes(-2,
    -1)."""
    return query @ key.T / math.sqrt(key.shape[-1])


@known.mistake
def keys_not_transposed(query, key):
    """The keys are not transposed: (q_len, d_k) times (k_len, d_k) does not fit. Swap the last two axes of key
    first."""
    return query @ key / math.sqrt(key.shape[-1])


@known.legal
def with_einsum(query, key):
    return np.einsum("...id,...jd->...ij", query, key) / math.sqrt(query.shape[-1])


@known.legal
def with_loops(query, key):
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for index in np.ndindex(scores.shape):
        *leading, i, j = index
        scores[index] = sum(query[(*leading, i)] * key[(*leading, j)]) / query.shape[-1] ** 0.5
    return scores


@known.legal
def with_scaled_query(query, key):
    return (query * query.shape[-1] ** -0.5) @ np.moveaxis(key, -1, -2)


@known.legal
def with_torch(query, key):
    import torch

    return torch.from_numpy(query) @ torch.from_numpy(key).mT / query.shape[-1] ** 0.5


@known.borrowed
def by_course_lib(query, key):
    import course_lib

    return course_lib.dot_product_scores(query, key) / math.sqrt(query.shape[-1])


TASK = Task(
    id="02.scaled_scores",
    title="Scaled dot-product scores",
    difficulty=1,
    minutes=5,
    reference=scaled_scores,
    draw=query_and_key,
    cases=(
        Case("3 queries, 4 keys", dict(q_len=3, k_len=4, d_k=5)),
        Case("the same in float32", dict(q_len=2, k_len=3, d_k=7), dtype="float32"),
        Case("a batch of sentences", dict(batch=2, q_len=4, k_len=3, d_k=6)),
        Case("a batch of sentences, several heads", dict(batch=2, num_heads=3, q_len=4, k_len=5, d_k=8)),
    ),
    finished=("course_lib.dot_product_scores",),
    hints=(
        "What is the shape of one query, and of one key? Which axis do the two have in common?",
        (
            "All the dot products at once are a matrix product of the queries with the "
            "transposed keys: swap the last two axes of key, and of key alone."
        ),
        (
            "d_k is the size of that common axis: query.shape[-1]. math.sqrt gives a "
            "plain number that leaves float32 as it is."
        ),
        "scores = query @ key.swapaxes(-2, -1), then divide by math.sqrt(query.shape[-1]).",
    ),
    drawn=(informative(lambda query, key: softmax(scaled_scores(query, key))),),
    **known.ways,
)
