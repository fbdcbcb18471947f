"""01.cosine_scores: dot products with the lengths divided out (Manning et al. 2008, section 6.3.1)."""

import numpy as np

from grader.known import Known
from grader.task import Case, Task
from tasks.draws import query_and_key

known = Known()


def cosine_scores(query, key):
    return _unit(query) @ _unit(key).swapaxes(-2, -1)


def _unit(vectors):
    lengths = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def _naive_unit(vectors):
    with np.errstate(all="ignore"):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def of_many_lengths(rng, **sizes):
    """Queries and keys whose lengths differ by up to a factor of a hundred, so that no common factor can stand for
    them. All are long: whoever adds 1e-8 to be safe from zero changes nothing that counts."""
    inputs = query_and_key(rng, **sizes)
    return {name: array * 10 ** rng.uniform(1, 3, size=(*array.shape[:-1], 1)) for name, array in inputs.items()}


def with_zero_vectors(rng, **sizes):
    inputs = of_many_lengths(rng, **sizes)
    inputs["query"][..., -1, :] = 0
    inputs["key"][..., 0, :] = 0
    return inputs


@known.mistake
def plain_dot_products(query, key):
    """These are the plain dot products. Divide out the length of each query and the length of each key."""
    return query @ key.swapaxes(-2, -1)


@known.mistake
def only_keys_divided(query, key):
    """Only the lengths of the keys are divided out. The length of each query is still in its row."""
    return query @ _unit(key).swapaxes(-2, -1)


@known.mistake
def only_queries_divided(query, key):
    """Only the lengths of the queries are divided out. The length of each key is still in its column, and that is the
    one that makes a key loud."""
    return _unit(query) @ key.swapaxes(-2, -1)


@known.mistake
def only_keys_divided_and_nan_at_zero(query, key):
    """Only the lengths of the keys are divided out; the length of each query is still in its row. And a key of zeros
    makes 0 / 0, NaN, where the score should be 0."""
    return query @ _naive_unit(key).swapaxes(-2, -1)


@known.mistake
def only_queries_divided_and_nan_at_zero(query, key):
    """Only the lengths of the queries are divided out; the length of each key is still in its column. And a query of
    zeros makes 0 / 0, NaN, where the score should be 0."""
    return _naive_unit(query) @ key.swapaxes(-2, -1)


@known.mistake
def norms_along_axis_one(query, key):
    """`axis=1` is the axis of a vector's entries only while there is no batch. Count from the back: `axis=-1`. (Zeros
    need their own answer besides.)"""
    with np.errstate(all="ignore"):
        unit = [array / np.linalg.norm(array, axis=1, keepdims=True) for array in (query, key)]
    return unit[0] @ unit[1].swapaxes(-2, -1)


@known.mistake
def all_axes_reversed(query, key):
    """`.T` turns all the axes over, that of the batch too. Swap the last two alone, as in task 1. (Zeros need their own
    answer besides.)"""
    return _naive_unit(query) @ _naive_unit(key).T


@known.mistake
def small_number_added(query, key):
    """The small number keeps zero out, but it is added to every length and makes every cosine a little too small.
    Change the lengths of 0 and no others."""
    unit = [array / (np.linalg.norm(array, axis=-1, keepdims=True) + 1e-6) for array in (query, key)]
    return unit[0] @ unit[1].swapaxes(-2, -1)


@known.mistake
def lengths_without_axes(query, key):
    """The lengths of the queries, (q_len,), and of the keys, (k_len,), do not fit each other. The scores need a column
    of the ones, (q_len, 1), and a row of the others: `keepdims=True` keeps the axis."""
    return query @ key.swapaxes(-2, -1) / (np.linalg.norm(query, axis=-1) * np.linalg.norm(key, axis=-1))


@known.mistake
def one_norm_for_the_matrix(query, key):
    """Without an axis, `norm` gives one length for the whole array. Every vector has a length of its own: take it along
    the last axis."""
    return query / np.linalg.norm(query) @ (key / np.linalg.norm(key)).swapaxes(-2, -1)


@known.mistake
def norms_down_the_columns(query, key):
    """The lengths are taken along the wrong axis: over the vectors of the sequence, entry by entry. A vector's entries
    lie along the last axis."""
    unit = [array / np.linalg.norm(array, axis=-2, keepdims=True) for array in (query, key)]
    return unit[0] @ unit[1].swapaxes(-2, -1)


@known.mistake
def divided_by_sums(query, key):
    """The vectors are divided by the sum of their entries' sizes. The length of a vector is the square root of the sum
    of squares."""
    unit = [array / np.where(s := np.abs(array).sum(axis=-1, keepdims=True), s, 1) for array in (query, key)]
    return unit[0] @ unit[1].swapaxes(-2, -1)


@known.mistake
def root_forgotten(query, key):
    """The dot products are divided by squared lengths: the square root is missing. Then a vector with itself does not
    score 1."""
    unit = [array / np.where(s := (array**2).sum(axis=-1, keepdims=True), s, 1) for array in (query, key)]
    return unit[0] @ unit[1].swapaxes(-2, -1)


@known.mistake
def root_forgotten_and_nan_at_zero(query, key):
    """The dot products are divided by squared lengths: the square root is missing. And a vector of zeros makes 0 / 0,
    NaN, where the score should be 0."""
    with np.errstate(invalid="ignore"):
        unit = [array / (array**2).sum(axis=-1, keepdims=True) for array in (query, key)]
    return unit[0] @ unit[1].swapaxes(-2, -1)


@known.mistake
def not_a_number_at_zero(query, key):
    """A vector of zeros has length 0, and 0 / 0 is NaN, which poisons everything it touches. The statement asks for
    score 0 there: keep the division from happening."""
    return _naive_unit(query) @ _naive_unit(key).swapaxes(-2, -1)


@known.mistake
def divided_by_length_plus_one(query, key):
    """Adding 1 to the lengths keeps zero out, and falsifies every other cosine. Only a length of exactly 0 needs
    another divisor."""
    unit = [array / (np.linalg.norm(array, axis=-1, keepdims=True) + 1) for array in (query, key)]
    return unit[0] @ unit[1].swapaxes(-2, -1)


@known.mistake
def keepdims_forgotten(query, key):
    """`norm` without `keepdims=True` drops the last axis, and the division then does not line the lengths up with their
    vectors. Keep the axis."""
    return query / np.linalg.norm(query, axis=-1) @ (key / np.linalg.norm(key, axis=-1)).swapaxes(-2, -1)


@known.mistake
def one_minus_cosine(query, key):
    """This is the cosine distance, 1 - cos. Asked for is the cosine itself: 1 for the same direction, -1 for the
    opposite one."""
    return 1 - cosine_scores(query, key)


@known.mistake
def angles(query, key):
    """These are the angles. Asked for are their cosines, so `arccos` goes one step too far."""
    return np.arccos(np.clip(cosine_scores(query, key), -1, 1))


@known.always
def between_minus_one_and_one(inputs, output):
    """A cosine lies between -1 and 1."""
    return bool((np.abs(output) <= 1 + 1e-5).all())


@known.legal
def with_divided_scores(query, key):
    scores = query @ key.mT
    lengths = np.linalg.norm(query, axis=-1)[..., :, None] * np.linalg.norm(key, axis=-1)[..., None, :]
    return np.where(lengths == 0, 0, scores / np.where(lengths == 0, 1, lengths))


@known.legal
def with_einsum(query, key):
    def unit(x):
        length = np.sqrt(np.einsum("...d,...d->...", x, x))
        return x / np.where(length > 0, length, 1)[..., None]

    return np.einsum("...id,...jd->...ij", unit(query), unit(key))


@known.legal
def with_loops(query, key):
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for *leading, i, j in np.ndindex(scores.shape):
        q, k = query[(*leading, i)], key[(*leading, j)]
        length = (sum(q * q) * sum(k * k)) ** 0.5
        scores[(*leading, i, j)] = sum(q * k) / length if length else 0
    return scores


@known.legal
def with_a_tiny_number(query, key):
    unit = [x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12) for x in (query, key)]
    return unit[0] @ unit[1].mT


@known.legal
def with_a_tiny_number_added(query, key):
    lengths = [np.linalg.norm(x, axis=-1) for x in (query, key)]
    return query @ key.mT / (lengths[0][..., :, None] * lengths[1][..., None, :] + 1e-8)


@known.legal
def with_nan_to_num(query, key):
    with np.errstate(invalid="ignore"):
        unit = [np.nan_to_num(x / np.linalg.norm(x, axis=-1, keepdims=True)) for x in (query, key)]
    return unit[0] @ unit[1].mT


@known.borrowed
def by_torch(query, key):
    import torch

    q, k = torch.from_numpy(query), torch.from_numpy(key)
    return torch.nn.functional.cosine_similarity(q[..., :, None, :], k[..., None, :, :], dim=-1)


TASK = Task(
    id="01.cosine_scores",
    title="Length taken out",
    difficulty=2,
    minutes=10,
    reference=cosine_scores,
    draw=of_many_lengths,
    cases=(
        Case("2 queries, 3 keys", {"q_len": 2, "k_len": 3, "d_k": 4}),
        Case("the same in float32", {"q_len": 4, "k_len": 2, "d_k": 5}, dtype="float32"),
        Case("a batch of sentences, several heads", {"batch": 2, "num_heads": 5, "q_len": 4, "k_len": 3, "d_k": 6}),
        Case("vectors of zeros", {"q_len": 3, "k_len": 4, "d_k": 5}, points=2, draw=with_zero_vectors),
    ),
    finished=(
        "torch.cosine_similarity",
        "torch.nn.functional.cosine_similarity",
        "torch.nn.functional.normalize",
    ),
    hints=(
        "If every query and every key had length 1, what would their dot product be? So what can you do to the "
        "vectors first?",
        "The length of a vector is the square root of the sum of its squares, along the last axis: `np.linalg.norm(x,"
        " axis=-1, keepdims=True)`. What does `keepdims` do to the shape?",
        "Divide each vector by its own length, then take all dot products as in task 1. With lengths of shape (..., "
        "q_len, 1) the division lines up.",
        "For a length of 0, divide by 1 instead: `np.where(length == 0, 1, length)`. A vector of zeros then stays "
        "zeros, and its scores are 0.",
    ),
    **known.ways,
)
