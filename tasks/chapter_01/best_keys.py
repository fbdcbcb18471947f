"""01.best_keys: which key answers each query best, by dot product."""

import numpy as np

from course_lib import dot_product_scores
from grader.known import Known
from grader.task import Case, Task
from tasks.draws import query_and_key

known = Known()


def best_keys(query, key):
    return dot_product_scores(query, key).argmax(axis=-1)


def a_key_far_away(rng, q_len, k_len, d_k):
    """Keys of very different length, and queries opposed to the long ones: the largest score is near zero or below
    it."""
    directions = rng.normal(size=(k_len, d_k))
    directions[:, 0] = -np.abs(directions[:, 0]) - 2
    lengths = np.linspace(1, 9, k_len)[:, None]
    query = 0.3 * rng.normal(size=(q_len, d_k))
    query[:, 0] = np.abs(query[:, 0]) + 2
    return {"query": query, "key": rng.permutation(lengths * directions)}


@known.mistake
def best_queries(query, key):
    """This finds the best query of each key, down the columns. Asked for is the best key of each query: with a row for
    each query, look along the rows, over the last axis."""
    return (query @ key.swapaxes(-2, -1)).argmax(axis=-2)


@known.mistake
def along_axis_zero(query, key):
    """`axis=0` is the first axis: the queries, or the batch where there is one. You look for the best key, and the keys
    lie along the last axis."""
    return (query @ key.swapaxes(-2, -1)).argmax(axis=0)


@known.mistake
def along_axis_one(query, key):
    """`axis=1` is the axis of the keys only while there is no batch. Count from the back, so that any leading axes may
    stand in front."""
    return (query @ key.swapaxes(-2, -1)).argmax(axis=1)


@known.mistake
def best_of_all(query, key):
    """Without an axis, `argmax` looks at all scores together and gives one number. Every query has a best key of its
    own: name the axis."""
    return (query @ key.swapaxes(-2, -1)).argmax()


@known.mistake
def highest_score(query, key):
    """This is how high the best score is. Asked for is which key has it, its index: `argmax` in place of `max`."""
    return (query @ key.swapaxes(-2, -1)).max(axis=-1)


@known.mistake
def worst_keys(query, key):
    """These are the keys with the lowest scores. The best key is the one with the highest."""
    return (query @ key.swapaxes(-2, -1)).argmin(axis=-1)


@known.mistake
def largest_size(query, key):
    """The sign of the scores is lost: a large negative score counts as a good one here. It says that the key has what
    the query refuses."""
    return np.abs(query @ key.swapaxes(-2, -1)).argmax(axis=-1)


@known.mistake
def nearest_keys(query, key):
    """These are the keys at the smallest distance from each query. The highest dot product is another question: a long
    key may win it from far away."""
    return ((query[..., :, None, :] - key[..., None, :, :]) ** 2).sum(axis=-1).argmin(axis=-1)


@known.mistake
def smallest_angle(query, key):
    """These are the best keys by cosine: the lengths are divided out. Asked for is the highest plain dot product, where
    a long key is loud."""
    return (query @ (key / np.linalg.norm(key, axis=-1, keepdims=True)).swapaxes(-2, -1)).argmax(axis=-1)


@known.mistake
def counted_from_one(query, key):
    """The keys are counted from 1. Python counts from 0: the first key is number 0."""
    return (query @ key.swapaxes(-2, -1)).argmax(axis=-1) + 1


@known.mistake
def axis_kept(query, key):
    """The numbers are right, but the axis of the keys is still there, with size 1. Leave `keepdims` out: one number for
    each query."""
    return (query @ key.swapaxes(-2, -1)).argmax(axis=-1, keepdims=True)


@known.always
def names_a_key(inputs, output):
    """Every number should name a key: 0 for the first, k_len - 1 for the last."""
    return bool((output >= 0).all() and (output < inputs["key"].shape[-2]).all())


@known.legal
def with_einsum(query, key):
    return np.einsum("...id,...jd->...ij", query, key).argmax(-1)


@known.legal
def with_argsort(query, key):
    return np.argsort(query @ key.mT, axis=-1)[..., -1]


@known.legal
def with_loops(query, key):
    best = np.zeros(query.shape[:-1], dtype=int)
    for *leading, i in np.ndindex(best.shape):
        keys = key[tuple(leading)]
        best[(*leading, i)] = max(range(len(keys)), key=lambda j: sum(query[(*leading, i)] * keys[j]))
    return best


@known.legal
def with_torch(query, key):
    import torch

    return (torch.from_numpy(query) @ torch.from_numpy(key).mT).argmax(dim=-1)


@known.legal
def with_the_library_scores(query, key):
    return dot_product_scores(query, key).argmax(axis=-1)


TASK = Task(
    id="01.best_keys",
    title="The best key of each query",
    difficulty=1,
    minutes=5,
    reference=best_keys,
    draw=query_and_key,
    cases=(
        Case("4 queries, 7 keys", {"q_len": 4, "k_len": 7, "d_k": 3}),
        Case("keys that all point the other way", {"q_len": 3, "k_len": 5, "d_k": 4}, draw=a_key_far_away),
        Case("a batch of sentences", {"batch": 2, "q_len": 5, "k_len": 8, "d_k": 3}),
        Case("a batch of sentences, several heads", {"batch": 3, "num_heads": 2, "q_len": 6, "k_len": 7, "d_k": 4}),
    ),
    hints=(
        "The scores are a matrix with a row for each query and a column for each key. In which direction do you look "
        "for the best key of one query?",
        "`max` says how high the highest entry is, `argmax` says where it stands. Both take an `axis`.",
        "The axis over which you search disappears from the shape: (..., q_len, k_len) becomes (..., q_len). So it is"
        " the last one, whatever stands in front.",
        "Compute the scores as in task 1, then `.argmax(axis=-1)`.",
    ),
    **known.ways,
)
