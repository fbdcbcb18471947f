"""07.relative_scores: scores with a learned vector for each clipped distance (Shaw et al. 2018, eq. 4 and 5)."""

import math

import torch

from course_lib.positional_encoding import relative_index
from course_lib.positional_encoding import relative_scores as second_term
from grader.known import Known
from grader.task import Case, Task

known = Known()


def queries_keys_vectors(rng, length, d_k, max_distance, **leading):
    axes = tuple(leading.values())
    query, key = (rng.normal(size=(*axes, length, d_k)) for _ in range(2))
    return {"query": query, "key": key, "vectors": rng.normal(size=(2 * max_distance + 1, d_k))}


def _index(query, vectors):
    return torch.from_numpy(relative_index(query.shape[-2], query.shape[-2], len(vectors) // 2))


def _distance(query):
    positions = torch.arange(query.shape[-2])
    return positions[None, :] - positions[:, None]


def _scores(query, key, vectors, index):
    return (query @ key.mT + torch.einsum("...id,ijd->...ij", query, vectors[index])) / math.sqrt(query.shape[-1])


def reference(query, key, vectors):
    terms = query @ key.mT + second_term(query, vectors[_index(query, vectors)])
    return terms / math.sqrt(query.shape[-1])


@known.mistake
def sign_of_the_distance(query, key, vectors):
    """The distance has the wrong sign: left and right are swapped. It is j - i, positive where the key stands to the
    right of the query."""
    return _scores(query, key, vectors, _index(query, vectors).T)


@known.mistake
def clip_forgotten(query, key, vectors):
    """The distances are not clipped. Far keys find no vector in the table, or, where the row number is negative, one
    counted from its end."""
    return _scores(query, key, vectors, _distance(query) + len(vectors) // 2)


@known.mistake
def middle_forgotten(query, key, vectors):
    """The clipped distance itself is taken as the row. Row 0 stands for the distance -m, so add m: a negative row
    number counts from the end of the table, without an error."""
    m = len(vectors) // 2
    return _scores(query, key, vectors, _distance(query).clamp(-m, m))


@known.mistake
def without_direction(query, key, vectors):
    """Left and right get the same vector: the sign of the distance is lost. Clip j - i between -m and m, without an
    absolute value."""
    m = len(vectors) // 2
    return _scores(query, key, vectors, _distance(query).abs().clamp(max=m) + m)


@known.mistake
def clipped_one_early(query, key, vectors):
    """The distances are clipped one too early, so the first and the last row of the table are never used. Distance m
    still has a vector of its own."""
    m = len(vectors) // 2
    return _scores(query, key, vectors, _distance(query).clamp(1 - m, m - 1) + m)


@known.mistake
def future_as_distance_zero(query, key, vectors):
    """Keys to the right are given the vector of distance 0. The table has vectors for both directions: clip between
    -m and m."""
    m = len(vectors) // 2
    return _scores(query, key, vectors, _distance(query).clamp(-m, 0) + m)


@known.mistake
def second_term_missing(query, key, vectors):
    """These are the scores without positions. The second term is missing: the query times the vector of the pair."""
    return query @ key.mT / math.sqrt(query.shape[-1])


@known.mistake
def first_term_missing(query, key, vectors):
    """This is the second term alone. Add the first one: the query times the key."""
    return _scores(query, torch.zeros_like(key), vectors, _index(query, vectors))


@known.mistake
def only_the_first_term_scaled(query, key, vectors):
    """Only the first term is divided by the square root of d_k. The root stands under both: add first, then
    divide."""
    relative = torch.einsum("...id,ijd->...ij", query, vectors[_index(query, vectors)])
    return query @ key.mT / math.sqrt(query.shape[-1]) + relative


@known.mistake
def not_scaled(query, key, vectors):
    """The division by the square root of d_k is missing."""
    return _scores(query, key, vectors, _index(query, vectors)) * math.sqrt(query.shape[-1])


@known.mistake
def divided_by_d_k(query, key, vectors):
    """The scores are divided by d_k. It is the square root of d_k."""
    return _scores(query, key, vectors, _index(query, vectors)) / math.sqrt(query.shape[-1])


@known.mistake
def weights_instead_of_scores(query, key, vectors):
    """These are weights: a softmax was taken. The scores themselves are asked for."""
    return torch.softmax(_scores(query, key, vectors, _index(query, vectors)), dim=-1)


@known.mistake
def m_is_the_length_of_the_table(query, key, vectors):
    """m was taken to be the number of rows of the table, so rows are asked for that it does not have. The table has 2m
    + 1 rows: m is len(vectors) // 2."""
    m = len(vectors)
    return _scores(query, key, vectors, _distance(query).clamp(-m, m) + m)


@known.mistake
def around_the_table(query, key, vectors):
    """Rows past the end of the table begin again at its other end. Clip the distances instead: farther than m counts
    as m."""
    return _scores(query, key, vectors, (_distance(query) + len(vectors) // 2) % len(vectors))


@known.mistake
def reshaped_without_a_swap(query, key, vectors):
    """Right for one sequence. With a batch, reshape alone cuts the queries into rows in the wrong order: make it
    (batch * heads, length, d_k) first, then swap the first two axes, and the same on the way back."""
    length, d_k = query.shape[-2:]
    products = query.reshape(length, -1, d_k) @ vectors[_index(query, vectors)].mT
    return (query @ key.mT + products.reshape(*query.shape[:-1], length)) / math.sqrt(d_k)


@known.mistake
def vectors_meet_the_keys(query, key, vectors):
    """The vectors are multiplied by the keys. In equation 4 they are added to the keys, so it is the query that meets
    them."""
    relative = torch.einsum("...jd,ijd->...ij", key, vectors[_index(query, vectors)])
    return (query @ key.mT + relative) / math.sqrt(query.shape[-1])


@known.mistake
def query_of_the_wrong_position(query, key, vectors):
    """The vector of the pair (i, j) is multiplied by query j. It belongs to query i, whose row of scores this is."""
    relative = torch.einsum("...jd,ijd->...ij", query, vectors[_index(query, vectors)])
    return (query @ key.mT + relative) / math.sqrt(query.shape[-1])


@known.mistake
def rows_are_keys(query, key, vectors):
    """Rows and columns are swapped. Row i belongs to query i, column j to key j."""
    return _scores(query, key, vectors, _index(query, vectors)).mT


@known.legal
def efficient(query, key, vectors):
    *leading, length, d_k = query.shape
    pairs = vectors[_index(query, vectors)]  # (length, length, d_k)
    rows = query.reshape(-1, length, d_k).transpose(0, 1)
    relative = (rows @ pairs.mT).transpose(0, 1).reshape(*leading, length, length)
    return (query @ key.mT + relative) / d_k**0.5


@known.legal
def naive(query, key, vectors):
    keys_as_seen = key[..., None, :, :] + vectors[_index(query, vectors)]  # (..., length, length, d_k)
    return (query[..., :, None, :] * keys_as_seen).sum(dim=-1) / math.sqrt(query.shape[-1])


@known.legal
def with_loops(query, key, vectors):
    length, m = query.shape[-2], len(vectors) // 2
    scores = torch.zeros(*query.shape[:-1], length, dtype=query.dtype)
    for i in range(length):
        for j in range(length):
            vector = vectors[max(-m, min(m, j - i)) + m]
            scores[..., i, j] = (query[..., i, :] * (key[..., j, :] + vector)).sum(dim=-1)
    return scores / math.sqrt(query.shape[-1])


@known.legal
def products_first(query, key, vectors):
    index = _index(query, vectors)
    products = query @ vectors.T  # (..., length, 2m + 1): every query with every distance
    relative = products.gather(-1, index.expand(*query.shape[:-1], query.shape[-2]))
    return (query @ key.mT + relative) / math.sqrt(query.shape[-1])


@known.borrowed
def by_course_lib(query, key, vectors):
    from course_lib import positional_encoding

    pairs = vectors[_index(query, vectors)]
    return (query @ key.mT + positional_encoding.relative_scores(query, pairs)) / math.sqrt(query.shape[-1])


TASK = Task(
    id="07.relative_scores",
    title="Scores that know the distance",
    difficulty=3,
    minutes=18,
    reference=reference,
    draw=queries_keys_vectors,
    library="torch",
    cases=(
        Case("4 positions, clipped at 2", dict(length=4, d_k=3, max_distance=2)),
        Case("the same in float32", dict(length=4, d_k=5, max_distance=2), dtype="float32"),
        Case("3 positions, nothing to clip", dict(length=3, d_k=2, max_distance=4)),
        Case("a batch, several heads", dict(batch=2, num_heads=4, length=7, d_k=5, max_distance=3), points=2),
    ),
    finished=(
        "course_lib.positional_encoding.relative_scores",
        "course_lib.positional_encoding.relative_scores_naive",
        "course_lib.positional_encoding.RelativePositions.term",
    ),
    hints=(
        (
            "Write the distances j - i of three positions as a 3 x 3 matrix on paper. Which rows of the table do they "
            "need, if row m is distance 0?"
        ),
        (
            "m is len(vectors) // 2. `positions[None, :] - positions[:, None]` gives all distances; `clamp` clips a "
            "tensor."
        ),
        (
            "`vectors[index]` with an (n, n) index is (n, n, d_k): the vector of every pair. Each query i is "
            "multiplied by its n vectors."
        ),
        (
            'The second term is `torch.einsum("...id,ijd->...ij", query, vectors[index])`, or n products side by '
            "side as in the lesson. Add query @ key.mT, then divide by the root of d_k."
        ),
    ),
    **known.ways,
)
