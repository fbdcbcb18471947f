"""01.all_scores: the dot product of every query with every key (Luong et al. 2015, eq. 8, dot)."""

import numpy as np

from course_lib import dot_product_scores
from grader.known import Known
from grader.task import Case, Task
from tasks.draws import query_and_key

known = Known()


@known.mistake
def keys_not_transposed(query, key):
    """The keys are not turned over: (q_len, d_k) times (k_len, d_k) does not fit. Swap the last two axes of key
    first."""
    return query @ key


@known.mistake
def all_axes_reversed(query, key):
    """`key.T` and `key.transpose()` turn all the axes over, that of the batch too. Swap the last two alone:
    key.swapaxes(-2, -1)."""
    return query @ key.T


@known.mistake
def rows_are_keys(query, key):
    """Rows and columns are swapped: row i should belong to query i and column j to key j. You have K times Q
    transposed."""
    return key @ query.swapaxes(-2, -1)


@known.mistake
def rows_are_keys_and_all_axes_reversed(query, key):
    """Rows and columns are swapped: row i should belong to query i, so the queries stand on the left. And `.T` turns
    the axis of the batch over too: swap the last two alone."""
    return key @ query.T


@known.mistake
def first_two_axes_swapped(query, key):
    """`swapaxes(0, 1)` counts from the front, where a batch has its own axis. Count from the back: the last two
    axes."""
    return query @ key.swapaxes(0, 1)


@known.mistake
def axes_one_and_two_swapped(query, key):
    """`swapaxes(1, 2)` counts from the front and is right with one axis in front, a batch. Count from the back: the
    last two axes."""
    return query @ key.swapaxes(1, 2)


@known.mistake
def reshaped(query, key):
    """`reshape` gives the keys the right shape and the wrong content: it refills the rows in the order of memory. A
    transpose moves each number to its mirrored place: swapaxes."""
    return query @ key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])


@known.mistake
def not_summed(query, key):
    """These are the products entry by entry, with the axis d_k still there. The score is their sum over that axis."""
    return query[..., :, None, :] * key[..., None, :, :]


@known.mistake
def mean_of_products(query, key):
    """The products are averaged over d_k. The dot product is their sum."""
    return (query[..., :, None, :] * key[..., None, :, :]).mean(axis=-1)


@known.mistake
def entry_by_entry(query, key):
    """`*` pairs entry with entry, and so query i with key i alone. Every query must meet every key, and the products
    must be added up: that is `@`."""
    return query * key


@known.mistake
def entry_by_entry_summed(query, key):
    """`*` pairs query i with key i alone, so what is summed is the diagonal of the scores at most. Every query must
    meet every key: that is `@`."""
    return (query * key).sum(axis=-1)


@known.mistake
def loops_for_one_sentence(query, key):
    """The loops are right for one sentence. With a batch in front, `query[i]` is a whole sentence and no query: loop
    over the axes in front as well, or use `@`, which does it for you."""
    return np.array([[q @ k for k in key] for q in query])


@known.mistake
def every_sentence_with_every_other(query, key):
    """Every sentence of the first batch is paired with every sentence of the second, as `np.dot` and `np.inner` do. `@`
    keeps each sentence with its own keys."""
    return np.dot(query, key.swapaxes(-2, -1))


@known.mistake
def divided_by_root(query, key):
    """These scores are divided by the square root of d_k. That comes in chapter 02: here the plain dot products are
    asked for."""
    return query @ key.swapaxes(-2, -1) / query.shape[-1] ** 0.5


@known.mistake
def by_negative_distance(query, key):
    """These are negative squared distances between queries and keys. The score is the dot product: multiply entry by
    entry, add up."""
    return -((query[..., :, None, :] - key[..., None, :, :]) ** 2).sum(axis=-1)


@known.legal
def with_matrix_transpose(query, key):
    return query @ key.mT


@known.legal
def with_einsum(query, key):
    return np.einsum("...id,...jd->...ij", query, key)


@known.legal
def with_broadcasting(query, key):
    return (query[..., :, None, :] * key[..., None, :, :]).sum(axis=-1)


@known.legal
def with_loops(query, key):
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for *leading, i, j in np.ndindex(scores.shape):
        for c in range(query.shape[-1]):
            scores[(*leading, i, j)] += query[(*leading, i, c)] * key[(*leading, j, c)]
    return scores


@known.legal
def with_torch(query, key):
    import torch

    return torch.from_numpy(query) @ torch.from_numpy(key).transpose(-2, -1)


@known.borrowed
def by_course_lib(query, key):
    import course_lib

    return course_lib.dot_product_scores(query, key)


TASK = Task(
    id="01.all_scores",
    title="All scores at once",
    difficulty=1,
    minutes=5,
    reference=dot_product_scores,
    draw=query_and_key,
    cases=(
        Case("2 queries, 3 keys", {"q_len": 2, "k_len": 3, "d_k": 4}),
        Case("one query, float32", {"q_len": 1, "k_len": 5, "d_k": 2}, dtype="float32"),
        Case("a batch of sentences", {"batch": 2, "q_len": 3, "k_len": 4, "d_k": 5}),
        Case("a batch of sentences, several heads", {"batch": 4, "num_heads": 3, "q_len": 2, "k_len": 5, "d_k": 7}),
    ),
    finished=("course_lib.dot_product_scores",),
    hints=(
        "What is the shape of one query, and of one key? Which axis do they have in common, and which axes should be "
        "left at the end?",
        "A matrix product multiplies the rows of the left matrix with the columns of the right one. Your keys are "
        "rows: what has to happen to them?",
        "With a batch in front, only the last two axes of key may change places. `key.T` turns all of them; "
        "`swapaxes` takes the two axes you name.",
        "Turn the keys over with `key.swapaxes(-2, -1)`, which has shape (..., d_k, k_len), and multiply: queries on "
        "the left.",
    ),
    **known.ways,
)
