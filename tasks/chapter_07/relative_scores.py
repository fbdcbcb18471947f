"""07.relative_scores: scores with a learned vector for each clipped distance (Shaw et al. 2018, eq. 4 and 5)."""
# ruff: noqa: RUF059 - a line that stops stands here as people write it

import math

import numpy as np
import torch

from course_lib.positional_encoding import relative_index
from course_lib.positional_encoding import relative_scores as second_term
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.attention_stages import scaled
from tasks.probes import first_difference

known = Known()


def queries_keys_vectors(rng, length, d_k, max_distance, **leading):
    axes = tuple(leading.values())
    query, key = (rng.normal(size=(*axes, length, d_k)) for _ in range(2))
    return {"query": query, "key": key, "vectors": rng.normal(size=(2 * max_distance + 1, d_k))}


def the_example(rng, length, d_k, max_distance):
    columns = ([1.0, 2.0], [10.0, 20.0], [-3.0, 0.0, 5.0])
    return {name: np.array(c)[:, None] for name, c in zip(("query", "key", "vectors"), columns, strict=True)}


def _index(query, vectors):
    return torch.from_numpy(relative_index(query.shape[-2], query.shape[-2], len(vectors) // 2))


def reference(query, key, vectors):
    terms = query @ key.mT + second_term(query, vectors[_index(query, vectors)])
    return terms / math.sqrt(query.shape[-1])


@Stage
def distance(query):
    positions = torch.arange(query.shape[-2])
    return positions[None, :] - positions[:, None]  # (length, length): j - i


@distance.slip
def sign_of_the_distance(query):
    """The distance has the wrong sign: left and right are swapped. It is j - i, positive where the key stands to the
    right of the query."""
    return -distance(query)


@distance.slip
def without_direction(query):
    """Left and right get the same vector: the sign of the distance is lost. Clip j - i between -m and m, without an
    absolute value."""
    return distance(query).abs()


@distance.slip
def one_more_to_the_right(query):
    """The distances are one too large: a key at the query's own position is taken to stand one place to its right.
    There j - i is 0."""
    return distance(query) + 1


@distance.slip
def distances_of_the_components(query):
    """The distances are those of d_k positions. There are as many as the sequence is long: the last axis but one."""
    return distance(query.mT)


@distance.slip
def sizes_of_batch_and_heads(query):
    """The shape of query is taken apart into four sizes, and it may have no leading axes, or one. The last two are
    query.shape[-2:]."""
    batch, heads, length, d_k = query.shape
    return distance(query)


@distance.slip
def sizes_of_a_batch(query):
    """The shape of query is taken apart into three sizes, and it may have no batch, or more leading axes than that. The
    last two are query.shape[-2:]."""
    batch, length, d_k = query.shape
    return distance(query)


@Stage
def half(vectors):
    return len(vectors) // 2  # m


@half.slip
def m_is_the_length_of_the_table(vectors):
    """m is the number of rows of the table here. The table has 2m + 1 rows: m is len(vectors) // 2."""
    return len(vectors)


@half.slip
def m_one_too_small(vectors):
    """m is one too small. The table has 2m + 1 rows: m is len(vectors) // 2, without a further subtraction."""
    return max(len(vectors) // 2 - 1, 0)


@half.slip
def m_of_the_example(vectors):
    """m is 1, as in the example, whatever the table. It follows from its 2m + 1 rows."""
    return 1


@half.slip
def m_of_two(vectors):
    """m is 2, whatever the table. It follows from its 2m + 1 rows."""
    return 2


@half.slip
def m_is_no_integer(vectors):
    """m is a floating-point number, as true division gives it, and so are the numbers of the rows: an index is made of
    integers. // gives one."""
    return (len(vectors) - 1) / 2


@Stage
def clipped(distance, half):
    return distance.clamp(-half, half)


@clipped.slip
def clip_forgotten(distance):
    """The distances are not clipped. Far keys find no vector in the table, or, where the row number is negative, one
    counted from its end."""
    return distance


@clipped.slip
def clipped_one_early(distance, half):
    """The distances are clipped between -m + 1 and m - 1, so the first and the last row of the table are never used.
    Distance m still has a vector of its own."""
    return distance.clamp(min=min(1 - half, 0), max=max(half - 1, 0))


@clipped.slip
def clipped_one_early_on_the_right(distance, half):
    """The distances are clipped between -m and m - 1, so the last row of the table is never used. The end m counts:
    distance m has a vector of its own."""
    return distance.clamp(-half, max(half - 1, -half))


@clipped.slip
def future_as_distance_zero(distance, half):
    """Keys to the right are given the vector of distance 0. The table has vectors for both directions: clip between
    -m and m."""
    return distance.clamp(-half, 0)


@clipped.slip
def past_as_distance_zero(distance, half):
    """The distances are clipped between 0 and m, so that all keys to the left count as distance 0. The table has
    vectors for both directions: clip between -m and m."""
    return distance.clamp(0, half)


@clipped.slip
def far_ones_as_distance_zero(distance, half):
    """Distances beyond m become 0. They count as m, or as -m on the left."""
    return torch.where(distance.abs() <= half, distance, 0)


@Stage
def rows(clipped, half):
    return clipped + half


@rows.slip
def middle_forgotten(clipped):
    """The distance is taken as the number of the row, without the addition of m. Row 0 stands for the distance -m; a
    negative row number counts from the end of the table, without an error."""
    return clipped


@rows.slip
def row_one_too_high(clipped, half):
    """The row is one too high: distance 0 is given row m + 1. It has row m."""
    return clipped + half + 1


@rows.slip
def around_the_table(distance, half, vectors):
    """Rows past the end of the table begin again at its other end. Clip the distances instead: farther than m counts
    as m."""
    return (distance + half) % len(vectors)


@rows.slip
def rows_clipped_at_zero(clipped):
    """Negative row numbers are raised to 0 where m should be added: the row of a distance is the distance plus m."""
    return clipped.clamp(min=0)


@Stage
def pairs(vectors, rows):
    return vectors[rows]  # (length, length, d_k)


@Stage
def first(query, key):
    return query @ key.mT  # (..., length, length)


@first.slip
def keys_not_transposed(query, key):
    """The keys are not transposed: (length, d_k) times (length, d_k) fits only where length is d_k. Swap the last
    two axes of key first."""
    return query @ key


@first.slip
def first_term_transposed(query, key):
    """Rows and columns of the first term are swapped. In row i and column j stands query i times key j."""
    return key @ query.mT


@first.slip
def queries_with_themselves(query):
    """The first term is the product of the queries with each other; the keys have no part in it."""
    return query @ query.mT


@first.slip
def keys_with_themselves(key):
    """The first term is the product of the keys with each other; the queries have no part in it."""
    return key @ key.mT


@first.slip
def first_term_number_by_number(query, key):
    """Queries and keys are multiplied number by number. A score is a sum over all components: a matrix product."""
    return query * key


@first.slip
def reversed_by_T(query, key):
    """All the axes of key change places, the leading ones too, as with `.T`. Swap the last two alone: key.mT does."""
    return query @ key.T


@first.slip
def axes_from_the_left(query, key):
    """The second and third axes of key from the left are swapped. How many leading axes there are is open: swap the
    last two, key.mT."""
    return query @ key.transpose(1, 2)


@first.slip
def reshaped_instead_of_swapped(query, key):
    """The keys are brought into the shape (d_k, length) by reading their numbers row after row, so that each column
    mixes several keys. Two axes are to be swapped: key.mT."""
    return query @ key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])


@first.slip
def first_term_missing(query):
    """The first term, the query times the key, has no part in the result. The second one is added to it."""
    return query.new_zeros(*query.shape[:-1], query.shape[-2])


@Stage
def second(query, pairs):
    return torch.einsum("...id,ijd->...ij", query, pairs)


@second.slip
def second_term_missing(query):
    """The table has no part in the scores. The second term, the query times the vector of the pair, is added to the
    first."""
    return query.new_zeros(*query.shape[:-1], query.shape[-2])


@second.slip
def four_axes_wanted(query, pairs):
    """The sum is written for four axes of query, and there may be no leading axes, or one. In einsum, ... stands for
    any number of them."""
    return torch.einsum("bhid,ijd->bhij", query, pairs)


@second.slip
def three_axes_wanted(query, pairs):
    """The sum is written for three axes of query, and there may be no leading axes, or two. In einsum, ... stands for
    any number of them."""
    return torch.einsum("bid,ijd->bij", query, pairs)


@second.slip
def vectors_of_all_pairs(query, pairs):
    """Each query is multiplied by the vectors of all pairs, so that the result has an axis too many. Query i meets the
    vectors of the pairs (i, j) alone."""
    return query @ pairs.mT


@second.slip
def vectors_meet_the_keys(key, pairs):
    """The vectors are multiplied by the keys. In equation 4 they are added to the keys, so it is the query that meets
    them."""
    return torch.einsum("...jd,ijd->...ij", key, pairs)


@second.slip
def query_of_the_wrong_position(query, pairs):
    """The vector of the pair (i, j) is multiplied by query j. It belongs to query i, whose row of scores this is."""
    return torch.einsum("...jd,ijd->...ij", query, pairs)


@second.slip
def second_term_transposed(query, pairs):
    """Rows and columns of the second term are swapped. In row i and column j stands query i times the vector of the
    pair (i, j)."""
    return torch.einsum("...id,ijd->...ji", query, pairs)


@second.slip
def sums_of_the_vectors(pairs):
    """The components of each vector are added up, without the query. The second term is the query times the vector:
    each component is multiplied first."""
    return pairs.sum(dim=-1)


@second.slip
def to_the_left_alone(query, pairs):
    """Only pairs with the key at or to the left of the query have a second term. Those to the right have one, too."""
    return second(query, pairs).tril()


@second.slip
def to_the_right_alone(query, pairs):
    """Only pairs with the key at or to the right of the query have a second term. Those to the left have one, too."""
    return second(query, pairs).triu()


@second.slip
def summed_over_all_distances(query, vectors):
    """Each query is multiplied by the sum of all vectors of the table, whatever the key. Each key takes the one vector
    of its distance."""
    return (query @ vectors.sum(dim=0))[..., None].expand(*query.shape[:-1], query.shape[-2])


@Stage
def both(first, second):
    return first + second


@both.slip
def second_subtracted(first, second):
    """The second term is subtracted from the first. It is added."""
    return first - second


@both.slip
def terms_multiplied(first, second):
    """The two terms are multiplied with each other. They are added."""
    return first * second


divided = scaled.but(
    "root_of_query_count", "root_of_the_first_axis", "half_of_d_k", "power_of_one_then_half", product="both"
)


@divided.slip
def only_the_first_term_scaled(first, second, query):
    """Only the first term is divided by the square root of d_k. The root stands under both: add first, then
    divide."""
    return first / math.sqrt(query.shape[-1]) + second


@divided.rare
def only_the_second_term_scaled(first, second, query):
    """Only the second term is divided by the square root of d_k. The root stands under both: add first, then
    divide."""
    return first + second / math.sqrt(query.shape[-1])


@divided.slip
def root_of_the_number_of_vectors(product, vectors):
    """The scores are divided by the root of the number of rows of the table. d_k is the length of one query vector: the
    last axis."""
    return product / math.sqrt(len(vectors))


@Stage
def scores(scaled):
    return scaled


@scores.slip
def weights_instead_of_scores(scaled):
    """These are weights: a softmax over the keys was taken. The scores themselves are asked for."""
    return torch.softmax(scaled, dim=-1)


@scores.rare
def second_term_alone_not_divided(second):
    """The first term, the query times the key, has no part in the result, and the second is not divided by the square
    root of d_k. The scores are the sum of both, divided."""
    return second


@scores.slip
def future_hidden(scaled):
    """Keys to the right of the query have the score minus infinity, as under a causal mask. Here nothing is masked."""
    return scaled.masked_fill(~torch.ones_like(scaled, dtype=torch.bool).tril(), -math.inf)


@known.mistake
def rows_and_columns_swapped(query, key, vectors):
    """Rows and columns of the result are swapped. Row i belongs to query i, column j to key j."""
    relative = torch.einsum("...id,ijd->...ij", query, vectors[_index(query, vectors)])
    return (query @ key.mT + relative).mT / math.sqrt(query.shape[-1])


@known.mistake
def products_not_summed(query, key, vectors):
    """The products of the components are not added up: the result has an axis too many, d_k. A score is their sum."""
    keys_as_seen = key[..., None, :, :] + vectors[_index(query, vectors)]  # (..., length, length, d_k)
    return query[..., :, None, :] * keys_as_seen / math.sqrt(query.shape[-1])


@known.mistake
def reshaped_without_a_swap(query, key, vectors):
    """Right for one sequence. With a batch, reshape alone cuts the queries into rows in the wrong order: make it
    (batch * heads, length, d_k) first, then swap the first two axes, and the same on the way back."""
    length, d_k = query.shape[-2:]
    products = query.reshape(length, -1, d_k) @ vectors[_index(query, vectors)].mT
    return (query @ key.mT + products.reshape(*query.shape[:-1], length)) / math.sqrt(d_k)


@known.mistake
def rows_beyond_the_table(query, key, vectors):
    """Rows are asked for that the table does not have, as where a distance is not clipped between -m and m before m is
    added."""
    m, p = len(vectors) // 2, torch.arange(query.shape[-2])
    return (query @ key.mT + torch.einsum("...id,ijd->...ij", query, vectors[p - p[:, None] + m])) / query.shape[
        -1
    ] ** 0.5


@known.mistake
def rows_beyond_the_table_by_m(query, key, vectors):
    """Rows are asked for that the table does not have, as where m is taken to be the number of its rows: it has
    2m + 1."""
    m, p = len(vectors), torch.arange(query.shape[-2])
    pairs = vectors[(p - p[:, None]).clamp(-m, m) + m]
    return (query @ key.mT + torch.einsum("...id,ijd->...ij", query, pairs)) / query.shape[-1] ** 0.5


@known.mistake
def rows_of_a_longer_table(query, key, vectors):
    """relative_index is asked for the distances up to the number of rows of the table, and gives rows that it does not
    have. Its third argument is m: there are 2m + 1 rows."""
    n, m = query.shape[-2], len(vectors)
    relative = torch.einsum("...id,ijd->...ij", query, vectors[relative_index(n, n, m)])
    return (query @ key.mT + relative) / query.shape[-1] ** 0.5


@known.mistake
def rows_are_no_integers(query, key, vectors):
    """The numbers of the rows are floating-point numbers, as after a true division. An index is made of integers: //
    keeps them."""
    m, p = len(vectors) / 2 - 0.5, torch.arange(query.shape[-2])
    pairs = vectors[(p - p[:, None]).clamp(-m, m) + m]
    return (query @ key.mT + torch.einsum("...id,ijd->...ij", query, pairs)) / query.shape[-1] ** 0.5


@known.probe
def rows_taken(rng):
    yours = yield {"query": np.ones((5, 1)), "key": np.zeros((5, 1)), "vectors": np.arange(7.0)[1:6, None]}
    right = 3 + np.clip(np.arange(5)[None, :] - np.arange(5)[:, None], -2, 2)
    wrong = np.flatnonzero(~np.isclose(yours, right, atol=1e-6).all(axis=1))
    if not len(wrong):
        return None
    i = wrong[0]
    return (
        f"With d_k = 1, queries of 1, keys of 0 and the table 1, 2, 3, 4, 5, each score is the vector of its pair: "
        f"row {i} should be {_row(right[i])}. Yours is {_row(yours[i])}."
    )


@known.probe
def table_of_zeros(rng):
    inputs = queries_keys_vectors(rng, length=3, d_k=4, max_distance=1)
    yours = yield {**inputs, "vectors": np.zeros_like(inputs["vectors"])}
    found = first_difference(yours, inputs["query"] @ inputs["key"].T / 2)
    return found and (
        f"With a table of zeros, the scores are those without positions, here (d_k = 4) the products of queries and "
        f"keys divided by 2: at [{found[0]}] yours is {found[1]:.4g}, that is {found[2]:.4g}."
    )


@known.probe
def keys_of_zeros(rng):
    inputs = queries_keys_vectors(rng, length=3, d_k=4, max_distance=1)
    vectors = np.tile(inputs["vectors"][:1], (3, 1))
    yours = yield {**inputs, "key": np.zeros_like(inputs["key"]), "vectors": vectors}
    found = first_difference(yours, (inputs["query"] @ vectors[0] / 2)[:, None])
    return found and (
        f"With keys of zeros and the same vector in each row of the table, a score is the query times this vector, "
        f"here (d_k = 4) divided by 2: at [{found[0]}] yours is {found[1]:.4g}, that is {found[2]:.4g}."
    )


@known.probe
def doubled_queries(rng):
    inputs = queries_keys_vectors(rng, length=3, d_k=4, max_distance=1)
    once = yield inputs
    twice = yield {**inputs, "query": 2 * inputs["query"]}
    found = first_difference(twice, 2 * once)
    return found and (
        f"With queries twice as long, the scores should be twice as large: at [{found[0]}] yours goes from "
        f"{found[2] / 2:.4g} to {found[1]:.4g}."
    )


def _row(numbers):
    return ", ".join(f"{number:.3g}" for number in np.ravel(numbers))


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
    optional=True,
    reference=reference,
    draw=queries_keys_vectors,
    library="torch",
    cases=(
        Case("the example of the text", dict(length=2, d_k=1, max_distance=1), dtype="float32", draw=the_example),
        Case("4 positions, clipped at 2", dict(length=4, d_k=3, max_distance=2), dtype="float32"),
        Case("3 positions, nothing to clip", dict(length=3, d_k=2, max_distance=4), dtype="float32"),
        Case("one position", dict(length=1, d_k=4, max_distance=2), dtype="float32"),
        Case("a batch", dict(batch=3, length=5, d_k=4, max_distance=2), dtype="float32"),
        Case(
            "a batch, several heads",
            dict(batch=2, num_heads=4, length=7, d_k=5, max_distance=3),
            points=2,
            dtype="float32",
        ),
        Case("float64", dict(length=4, d_k=5, max_distance=2)),
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
    stages=(distance, half, clipped, rows, pairs, first, second, both, divided, scores),
    coincidences={
        "first_term_missing + not_scaled": "second_term_alone_not_divided",
        "first_term_missing + only_the_first_term_scaled": "second_term_alone_not_divided",
        "sign_of_the_distance + query_of_the_wrong_position": "second_term_transposed",
        "sign_of_the_distance + second_term_transposed": "query_of_the_wrong_position",
        "past_as_distance_zero + middle_forgotten": "rows_clipped_at_zero",
        "first_term_transposed + second_term_transposed": "rows_and_columns_swapped",
    },
    **known.ways,
)
