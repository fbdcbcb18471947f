"""01.cosine_scores: dot products with the norms divided out (Manning et al. 2008, section 6.3.1)."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import score_stages
from tasks.draws import query_and_key
from tasks.probes import first_difference

known = Known()


def cosine_scores(query, key):
    return _unit(query) @ _unit(key).swapaxes(-2, -1)


def _unit(vectors):
    norms = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def _naive_unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def of_many_norms(rng, **sizes):
    """Queries and keys whose norms differ by up to a factor of a hundred, so that no common factor can stand for
    them."""
    inputs = query_and_key(rng, **sizes)
    return {name: array * 10 ** rng.uniform(1, 3, size=(*array.shape[:-1], 1)) for name, array in inputs.items()}


def short_vectors(rng, **sizes):
    """Queries down to a norm of 2e-5, keys down to 0.01: 1e-8 more below the line shows, 1e-12 does not yet."""
    inputs = query_and_key(rng, **sizes)
    shortest = {"query": 2e-5, "key": 0.01}
    norms = {name: np.geomspace(shortest[name], 0.9, array.shape[-2])[:, None] for name, array in inputs.items()}
    return {name: _unit(array) * rng.permutation(norms[name]) for name, array in inputs.items()}


def with_zero_vectors(rng, **sizes):
    inputs = of_many_norms(rng, **sizes)
    inputs["query"][..., -1, :] = 0
    inputs["key"][..., 0, :] = 0
    return inputs


def of_the_text(rng, q_len, k_len, d_k):
    return {"query": np.array([[3.0, 4.0]]), "key": np.array([[4.0, 3.0], [0.0, 5.0], [0.0, 0.0]])}


def _norm(array, **how):
    return np.linalg.norm(array, **{"axis": -1, "keepdims": True} | how)


def _any_zero(query, key):
    """True where a score belongs to a vector of zeros."""
    return ~((query != 0).any(axis=-1)[..., :, None] & (key != 0).any(axis=-1)[..., None, :])


@Stage
def norms(query, key):
    return _norm(query), _norm(key)


@norms.slip
def norms_along_axis_one(query, key):
    """The norms are taken along axis 1, which is the axis of a vector's entries only while there is no batch. Count
    from the back: the last axis."""
    return _norm(query, axis=1), _norm(key, axis=1)


@norms.slip
def one_norm_for_the_matrix(query, key):
    """One norm is taken for a whole array, as `norm` gives it without an axis. Every vector has a norm of its own:
    take it along the last axis."""
    return _norm(query, axis=None), _norm(key, axis=None)


@norms.slip
def one_norm_for_the_sentence(query, key):
    """One norm is taken for each sentence, of all its vectors together. Every vector has a norm of its own: take it
    along the last axis alone."""
    return _norm(query, axis=(-2, -1)), _norm(key, axis=(-2, -1))


@norms.slip
def norms_down_the_columns(query, key):
    """The norms are taken along the wrong axis: over the vectors of the sequence, entry by entry. A vector's entries
    lie along the last axis."""
    return _norm(query, axis=-2), _norm(key, axis=-2)


@norms.slip
def divided_by_sums(query, key):
    """The sum of the entries' sizes is taken for a norm. The norm of a vector is the square root of the sum of
    squares."""
    return _norm(query, ord=1), _norm(key, ord=1)


@norms.slip
def signed_sums(query, key):
    """The sum of the entries is taken for a norm. The norm of a vector is the square root of the sum of squares."""
    return query.sum(axis=-1, keepdims=True), key.sum(axis=-1, keepdims=True)


@norms.slip
def largest_entries(query, key):
    """The size of the largest entry is taken for a norm. The norm of a vector is the square root of the sum of
    squares."""
    return _norm(query, ord=np.inf), _norm(key, ord=np.inf)


@norms.slip
def squared_norms(query, key):
    """The square of the norm is taken for the norm: there is no square root over the sum of squares. Then a vector
    with itself does not score 1."""
    return _norm(query) ** 2, _norm(key) ** 2


@norms.slip
def rooted_norms(query, key):
    """The root of the norm is taken for the norm. The norm itself is the square root of the sum of squares."""
    return _norm(query) ** 0.5, _norm(key) ** 0.5


@norms.slip
def mean_of_squares(query, key):
    """The squares of the entries are averaged below the root. The norm of a vector is the root of their sum."""
    return _norm(query) / query.shape[-1] ** 0.5, _norm(key) / key.shape[-1] ** 0.5


@norms.slip
def queries_norms_for_both(query, key):
    """The keys are divided by the norm of a query. Each vector is divided by its own."""
    return _norm(query), _norm(query)


@Stage
def safe(norms):
    return tuple(np.where(norm == 0, 1, norm).astype(norm.dtype) for norm in norms)


@safe.slip
def not_a_number_at_zero(norms):
    """A vector of zeros has norm 0, and 0 / 0 is NaN, which poisons everything it touches. The statement asks for
    score 0 there: keep the division from happening."""
    return norms


@safe.rare
def not_a_number_at_zero_keys(norms):
    """A key of zeros has norm 0, and 0 / 0 is NaN; queries of zeros are seen to. Its scores are 0 as well."""
    return np.where(norms[0] == 0, 1, norms[0]).astype(norms[0].dtype), norms[1]


@safe.rare
def not_a_number_at_zero_queries(norms):
    """A query of zeros has norm 0, and 0 / 0 is NaN; keys of zeros are seen to. Its scores are 0 as well."""
    return norms[0], np.where(norms[1] == 0, 1, norms[1]).astype(norms[1].dtype)


@safe.slip
def small_number_added(norms):
    """A small number, about 1e-6, is added to the norms that divide. It keeps zero out, and brings the scores a
    little too near 0. Change the norms of 0 and no others."""
    return tuple(norm + norm.dtype.type(1e-6) for norm in norms)


@safe.slip
def tiny_number_added(norms):
    """A tiny number, about 1e-8, is added to the norms that divide. It keeps zero out, and brings the cosines of short
    vectors too near 0: theirs is exact as well. Change the norms of 0 and no others."""
    return tuple(norm + norm.dtype.type(1e-8) for norm in norms)


@safe.slip
def divided_by_norm_plus_one(norms):
    """1 is added to the norms that divide, which keeps zero out, and brings every other score too near 0. Only a
    norm of exactly 0 needs another divisor."""
    return tuple(norm + 1 for norm in norms)


@safe.slip
def a_hundredth_added(norms):
    """0.01 is added to the norms that divide, which keeps zero out, and brings every other score too near 0. Only a
    norm of exactly 0 needs another divisor."""
    return tuple(norm + norm.dtype.type(0.01) for norm in norms)


@safe.slip
def at_least_one(norms):
    """A norm below 1 is raised to 1, so that short vectors keep theirs. Only a norm of exactly 0 needs another
    divisor."""
    return tuple(np.maximum(norm, 1) for norm in norms)


@Stage
def unit_query(query, safe):
    return query / safe[0]


@unit_query.slip
def queries_not_divided(query):
    """The norms of the queries are not divided out: each is still in its row."""
    return query


@unit_query.slip
def queries_divided_twice(query, safe):
    """The queries are divided by their norms twice. Once gives them norm 1."""
    return query / safe[0] ** 2


@Stage
def unit_key(key, safe):
    return key / safe[1]


@unit_key.slip
def keys_not_divided(key):
    """The norms of the keys are not divided out: each is still in its column, and that is the one that makes a key
    loud."""
    return key


@unit_key.slip
def keys_divided_twice(key, safe):
    """The keys are divided by their norms twice. Once gives them norm 1."""
    return key / safe[1] ** 2


product = score_stages.product.but(
    "cosines",
    "unit_keys",
    "distances",
    "negative_distances",
    "last_component_alone",
    "without_the_first_component",
    "without_the_last_component",
    "as_many_columns_as_queries",
    "components_summed_first",
    "summed_over_the_keys",
    "whole_components",
    "mean_of_products",
    query="unit_query",
    key="unit_key",
)


@product.slip
def distances_of_unit_vectors(query, key):
    """These are the distances between the vectors after both are brought to norm 1. The cosine is their dot
    product."""
    return np.sqrt(((query[..., :, None, :] - key[..., None, :, :]) ** 2).sum(axis=-1))


@Stage
def at_zero(product):
    return product


@at_zero.slip
def ones_at_zero(product, query, key):
    """A vector of zeros scores 1 with everything. Its scores are 0."""
    return np.where(_any_zero(query, key), 1, product).astype(product.dtype)


@at_zero.slip
def ones_at_zero_queries(product, query):
    """A query of zeros scores 1 with everything. Its scores are 0."""
    return np.where((query != 0).any(axis=-1, keepdims=True), product, 1).astype(product.dtype)


@at_zero.slip
def minus_infinity_at_zero(product, query, key):
    """A vector of zeros scores minus infinity with everything, as if it were hidden. Its scores are 0."""
    return np.where(_any_zero(query, key), -np.inf, product).astype(product.dtype)


@at_zero.slip
def nothing_where_any_is_zero(product, query, key):
    """As soon as one vector is zeros, all the scores are 0. Only the scores of that vector are."""
    return np.zeros_like(product) if _any_zero(query, key).any() else product


@at_zero.slip
def zero_keys_dropped(product, key):
    """Keys of zeros are left out, so that columns are missing. They keep their columns, with scores of 0."""
    return product[..., (key != 0).any(axis=(*range(key.ndim - 2), -1))]


@Stage
def finished(at_zero):
    return at_zero  # (..., q_len, k_len)


@finished.slip
def rows_are_keys(at_zero):
    """Rows and columns are swapped: row i should belong to query i and column j to key j."""
    return at_zero.swapaxes(-2, -1)


@finished.slip
def one_minus_cosine(at_zero):
    """This is the cosine distance, 1 - cos. Asked for is the cosine itself: 1 for the same direction, -1 for the
    opposite one."""
    return 1 - at_zero


@finished.slip
def angles(at_zero):
    """These are the angles. Asked for are their cosines, so `arccos` goes one step too far."""
    return np.arccos(np.clip(at_zero, -1, 1))


@finished.slip
def between_zero_and_one(at_zero):
    """The cosines are moved to the range from 0 to 1, as (1 + cos) / 2. The cosine itself lies between -1 and 1."""
    return (1 + at_zero) / 2


@finished.slip
def first_sentence_for_all(at_zero):
    """The scores of the first sentence, and of its first head, stand in the place of all the others."""
    return np.broadcast_to(at_zero[(0,) * (at_zero.ndim - 2)], at_zero.shape).copy()


@finished.slip
def leading_axes_flattened(at_zero):
    """The result always has three axes: those in front are laid into one, or one is added where there is none. They
    come back as they were."""
    return at_zero.reshape(-1, *at_zero.shape[-2:])


def _scores(query, key):
    return query @ key.swapaxes(-2, -1)


def _divided(scores, norms_of_both):
    return scores / np.where(norms_of_both == 0, 1, norms_of_both).astype(scores.dtype)


def _nothing_for_zeros(scores, query, key):
    return np.where(_any_zero(query, key), 0, scores).astype(scores.dtype)


@known.mistake
def plain_dot_products(query, key):
    """These are the plain dot products. Divide out the norm of each query and the norm of each key."""
    return _scores(query, key)


@known.mistake
def sum_of_the_norms(query, key):
    """The dot products are divided by the sum of the two norms. It is their product that stands below the line."""
    scores = _scores(query, key) / (_norm(query) + _norm(key).swapaxes(-2, -1))
    return _nothing_for_zeros(scores, query, key)


@known.mistake
def sum_of_the_norms_and_nan_at_zero(query, key):
    """The dot products are divided by the sum of the two norms. It is their product that stands below the line. Two
    vectors of zeros give NaN besides; their score is 0."""
    return _scores(query, key) / (_norm(query) + _norm(key).swapaxes(-2, -1))


@known.mistake
def larger_of_the_norms(query, key):
    """The dot products are divided by the square of the larger of the two norms. The product of the two stands below
    the line."""
    scores = _scores(query, key) / np.maximum(_norm(query), _norm(key).swapaxes(-2, -1)) ** 2
    return _nothing_for_zeros(scores, query, key)


@known.mistake
def root_of_d_k(query, key):
    """The dot products are divided by the root of d_k, where the norms of the two vectors should be."""
    return _scores(query, key) / query.shape[-1] ** 0.5


@known.mistake
def rows_of_scores_divided(query, key):
    """Each row of scores is divided by the norm of that row of scores. Below the line stand the norms of the
    vectors, of the query and of the key."""
    scores = _scores(query, key)
    return scores / np.where(_norm(scores) == 0, 1, _norm(scores)).astype(scores.dtype)


@known.mistake
def rows_of_scores_divided_and_nan_at_zero(query, key):
    """Each row of scores is divided by the norm of that row of scores, and a row of zeros gives NaN. Below the line
    stand the norms of the vectors, of the query and of the key."""
    scores = _scores(query, key)
    return scores / _norm(scores)


@known.mistake
def correlations(query, key):
    """The mean of its entries is subtracted from every vector first, so these are correlations. A cosine takes the
    vectors as they are."""
    return cosine_scores(query - query.mean(axis=-1, keepdims=True), key - key.mean(axis=-1, keepdims=True))


@known.mistake
def correlations_and_nan_at_zero(query, key):
    """The mean of its entries is subtracted from every vector first, so these are correlations, and a vector of zeros
    gives NaN. A cosine takes the vectors as they are."""
    unit = [_naive_unit(array - array.mean(axis=-1, keepdims=True)) for array in (query, key)]
    return _scores(*unit)


@known.mistake
def zero_entries_become_one(query, key):
    """Entries of 0 become 1, so that a vector of zeros becomes one of ones, with an angle. Only a norm of 0 needs
    another divisor."""
    return cosine_scores(*(np.where(array == 0, 1, array).astype(array.dtype) for array in (query, key)))


@known.mistake
def small_number_added_to_the_product(query, key):
    """A number of about 1e-6 is added to the product of the norms. It keeps zero out, and brings the cosines a little
    too near 0. Change only what is exactly 0."""
    return _scores(query, key) / (_norm(query) * _norm(key).swapaxes(-2, -1) + query.dtype.type(1e-6))


@known.mistake
def tiny_number_added_to_the_product(query, key):
    """A tiny number, about 1e-8, is added to the product of the norms. It keeps zero out, and brings the cosines of
    short vectors too near 0: theirs is exact as well. Change only what is exactly 0."""
    return _scores(query, key) / (_norm(query) * _norm(key).swapaxes(-2, -1) + query.dtype.type(1e-8))


@known.mistake
def a_tenth_added_to_the_product(query, key):
    """0.1 is added to the product of the norms, which keeps zero out, and brings the other cosines too near 0. Change
    only what is exactly 0."""
    return _scores(query, key) / (_norm(query) * _norm(key).swapaxes(-2, -1) + query.dtype.type(0.1))


@known.mistake
def one_added_to_the_product(query, key):
    """1 is added to the product of the norms, which keeps zero out, and brings the other cosines too near 0. Change
    only what is exactly 0."""
    return _scores(query, key) / (_norm(query) * _norm(key).swapaxes(-2, -1) + 1)


@known.mistake
def diagonal_alone(query, key):
    """Queries and keys are multiplied as they lie, row by row, and so are their norms. Every query must meet every
    key."""
    return (query * key).sum(axis=-1) / (np.linalg.norm(query, axis=-1) * np.linalg.norm(key, axis=-1))


@known.mistake
def norms_multiplied(query, key):
    """The dot products are multiplied by the norms. They are divided by them."""
    return _scores(query, key) * _norm(query) * _norm(key).swapaxes(-2, -1)


@known.mistake
def norms_without_axes(query, key):
    """The norms of the queries, (q_len,), and of the keys, (k_len,), do not fit each other. The scores need those of
    the queries as a column, (q_len, 1), and those of the keys as a row, (1, k_len): `keepdims=True` keeps the axis."""
    norms_of_queries, norms_of_keys = np.linalg.norm(query, axis=-1), np.linalg.norm(key, axis=-1)
    return _divided(_scores(query, key), norms_of_queries * norms_of_keys)


@known.mistake
def norms_without_axes_and_nan_at_zero(query, key):
    """The norms of the queries, (q_len,), and of the keys, (k_len,), do not fit each other: the scores need those of
    the queries as a column, (q_len, 1), and those of the keys as a row, (1, k_len). And a vector of zeros gives NaN,
    where the score is 0."""
    norms_of_queries, norms_of_keys = np.linalg.norm(query, axis=-1), np.linalg.norm(key, axis=-1)
    return _scores(query, key) / (norms_of_queries * norms_of_keys)


@known.mistake
def norms_multiplied_without_axes(query, key):
    """The norms of the queries, (q_len,), and of the keys, (k_len,), do not fit each other. The scores need those of
    the queries as a column, (q_len, 1), and those of the keys as a row, (1, k_len)."""
    return _divided(_scores(query, key), np.linalg.norm(query, axis=-1) * np.linalg.norm(key, axis=-1))


@known.mistake
def norms_multiplied_without_axes_and_nan_at_zero(query, key):
    """The norms of the queries, (q_len,), and of the keys, (k_len,), do not fit each other: the scores need a column
    for the queries, (q_len, 1), and a row for the keys, (1, k_len). And a vector of zeros gives NaN, where the score
    is 0."""
    return _scores(query, key) / (np.linalg.norm(query, axis=-1) * np.linalg.norm(key, axis=-1))


@known.mistake
def norms_with_axes_exchanged(query, key):
    """The norms of the queries lie along the columns and those of the keys along the rows. Row i belongs to query i:
    its norms are a column, (q_len, 1)."""
    s = _scores(query, key)
    nq = np.linalg.norm(query, axis=-1)[..., None, :]
    nk = np.linalg.norm(key, axis=-1)[..., :, None]
    nq, nk = np.where(nq == 0, 1, nq).astype(s.dtype), np.where(nk == 0, 1, nk).astype(s.dtype)
    return s / (nq * nk)


@known.mistake
def norms_with_axes_exchanged_and_nan_at_zero(query, key):
    """The norms of the queries lie along the columns and those of the keys along the rows; row i belongs to query i,
    so its norms are a column, (q_len, 1). And a vector of zeros gives NaN, where the score is 0."""
    s = _scores(query, key)
    nq = np.linalg.norm(query, axis=-1)[..., None, :]
    nk = np.linalg.norm(key, axis=-1)[..., :, None]
    return s / (nq * nk)


@known.mistake
def both_norms_as_columns(query, key):
    """The norms of the keys are a column, as those of the queries are, and so the two do not fit each other. Column j
    of the scores belongs to key j: its norms are a row, (1, k_len)."""
    nq = np.linalg.norm(query, axis=-1, keepdims=True)
    nk = np.linalg.norm(key, axis=-1, keepdims=True)
    return _divided(_scores(query, key), nq * nk)


@known.mistake
def both_norms_as_columns_each_made_safe(query, key):
    """The norms of the keys are a column, as those of the queries are, so the two do not fit each other. Column j of
    the scores belongs to key j: turn the norms of the keys into a row, (1, k_len)."""
    nq, nk = (np.where(norm == 0, 1, norm).astype(norm.dtype) for norm in (_norm(query), _norm(key)))
    return _scores(query, key) / (nq * nk)


@known.mistake
def both_norms_as_columns_and_a_tiny_number(query, key):
    """The norms of the keys are a column, as those of the queries are, so the two do not fit each other. Column j of
    the scores belongs to key j: turn the norms of the keys into a row, (1, k_len). And a tiny number is added below
    the line, where short vectors need theirs exact."""
    nq, nk = _norm(query), _norm(key)
    return _scores(query, key) / (nq * nk + query.dtype.type(1e-8))


@known.mistake
def both_norms_as_columns_and_nan_set_to_zero(query, key):
    """The norms of the keys are a column, as those of the queries are, so the two do not fit each other. Column j of
    the scores belongs to key j: turn the norms of the keys into a row, (1, k_len). NaN is set to 0 afterward."""
    nq, nk = _norm(query), _norm(key)
    scores = _scores(query, key) / (nq * nk)
    return np.where(np.isnan(scores), 0, scores).astype(scores.dtype)


@known.mistake
def both_norms_as_columns_and_nan_to_num(query, key):
    """The norms of the keys are a column, as those of the queries are, so the two do not fit each other. Column j of
    the scores belongs to key j: turn the norms of the keys into a row, (1, k_len). As it is, a
    number over 0 is infinite, and np.nan_to_num makes it huge."""
    nq, nk = _norm(query), _norm(key)
    return np.nan_to_num(_scores(query, key) / (nq * nk))


@known.mistake
def both_norms_as_columns_and_nan_at_zero(query, key):
    """The norms of the keys are a column, as those of the queries are, and so the two do not fit each other; column j
    of the scores belongs to key j. And a vector of zeros gives NaN, where the score is 0."""
    nq = np.linalg.norm(query, axis=-1, keepdims=True)
    nk = np.linalg.norm(key, axis=-1, keepdims=True)
    return _scores(query, key) / (nq * nk)


@known.mistake
def units_with_all_axes_reversed(query, key):
    """All the axes of the divided keys change places, the leading ones too, as with `.T`. Swap the last two alone, as
    in task 1."""
    nq, nk = (np.where(norm == 0, 1, norm).astype(norm.dtype) for norm in (_norm(query), _norm(key)))
    return (query / nq) @ (key / nk).T


@known.mistake
def units_with_all_axes_reversed_and_nan_at_zero(query, key):
    """All the axes of the divided keys change places, the leading ones too, as with `.T`: swap the last two alone, as
    in task 1. And a vector of zeros gives NaN, where the score is 0."""
    nq, nk = _norm(query), _norm(key)
    return (query / nq) @ (key / nk).T


@known.mistake
def keepdims_forgotten(query, key):
    """The norms have lost the last axis, and the division does not line the norms up with their vectors.
    `keepdims=True` keeps the axis."""
    return query / np.linalg.norm(query, axis=-1) @ (key / np.linalg.norm(key, axis=-1)).swapaxes(-2, -1)


@known.mistake
def norms_have_lost_their_axis(query, key):
    """The norms have shape (q_len,) and the vectors (q_len, d_k), so the division does not line them up. An axis of
    size 1 at the end does, as `keepdims=True` leaves it."""
    norm = np.linalg.norm(query, axis=-1)
    return query / norm @ key.swapaxes(-2, -1)


@known.mistake
def outer_product_of_norms(query, key):
    """`np.outer` lays all its numbers in one row, which is right for one sentence. With axes in front, new axes of
    size 1 bring every query's norm to every key's."""
    scores = _scores(query, key)
    norms_of_both = np.outer(np.linalg.norm(query, axis=-1), np.linalg.norm(key, axis=-1))
    norms_of_both = np.where(norms_of_both == 0, 1, norms_of_both).astype(scores.dtype)
    return scores / norms_of_both


@known.mistake
def outer_product_of_norms_and_nan_at_zero(query, key):
    """`np.outer` lays all its numbers in one row, which is right for one sentence; with axes in front, new axes of
    size 1 bring every query's norm to every key's. And a vector of zeros gives NaN, where the score is 0."""
    scores = _scores(query, key)
    norms_of_both = np.outer(np.linalg.norm(query, axis=-1), np.linalg.norm(key, axis=-1))
    return scores / norms_of_both


@known.mistake
def one_question_for_all_norms(query, key):
    """A condition asks one True or False of all norms at once. Each norm has its own answer: np.where(norm == 0,
    ..., ...) gives one for each."""
    norms_of_queries, norms_of_keys = _norm(query), _norm(key)
    if norms_of_queries == 0:
        norms_of_queries = 1
    if norms_of_keys == 0:
        norms_of_keys = 1
    return query / norms_of_queries @ (key / norms_of_keys).swapaxes(-2, -1)


@known.mistake
def one_question_for_all_norms_without_axis(query, key):
    """A condition asks one True or False of all norms of a sequence at once. Each norm has its own answer:
    np.where(norm == 0, ..., ...) gives one for each."""
    norms_of_queries, norms_of_keys = np.linalg.norm(query, axis=-1), np.linalg.norm(key, axis=-1)
    if norms_of_queries == 0 or norms_of_keys == 0:
        return np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    return _scores(query, key) / (norms_of_queries[..., :, None] * norms_of_keys[..., None, :])


@known.probe
def a_vector_with_itself(rng):
    vectors = _unit(rng.normal(size=(1, 4, 3))) * np.array([0.1, 1, 10, 100])[:, None]
    yours = yield {"query": vectors, "key": vectors[:, ::-1].copy()}
    for i, norm in enumerate((0.1, 1, 10, 100)):
        if abs(yours[0, i, 3 - i] - 1) > 1e-5:
            return (
                f"The cosine of a vector with itself is 1, however long it is: for one of norm {norm} yours is "
                f"{yours[0, i, 3 - i]:.6g}."
            )
    return None


@known.probe
def longer_keys(rng):
    inputs = query_and_key(rng, batch=2, q_len=3, k_len=5, d_k=4)
    once = yield inputs
    longer = yield {**inputs, "key": 3 * inputs["key"]}
    found = first_difference(longer, once)
    return found and (
        f"With keys three times as long, no cosine changes: at [{found[0]}] yours goes from {found[2]:.4g} to "
        f"{found[1]:.4g}."
    )


@known.probe
def longer_queries(rng):
    inputs = query_and_key(rng, batch=2, q_len=3, k_len=5, d_k=4)
    once = yield inputs
    longer = yield {**inputs, "query": 3 * inputs["query"]}
    found = first_difference(longer, once)
    return found and (
        f"With queries three times as long, no cosine changes: at [{found[0]}] yours goes from {found[2]:.4g} to "
        f"{found[1]:.4g}."
    )


@known.probe
def axes_of_the_plane(rng):
    query, key = np.array([[[2.0, 0.0], [0.0, 3.0]]]), np.array([[[0.0, 4.0], [-5.0, 0.0], [6.0, 0.0]]])
    yours = yield {"query": query, "key": key}
    found = first_difference(yours, cosine_scores(query, key))
    return found and (
        f"Two queries along the axes, [2, 0] and [0, 3], and three keys, [0, 4], [-5, 0] and [6, 0], have cosines of "
        f"0, -1 and 1: at [{found[0]}] yours is {found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.always
def between_minus_one_and_one(inputs, output):
    """A cosine lies between -1 and 1."""
    return bool((np.abs(output) <= 1 + 1e-5).all())


@known.legal
def with_divided_scores(query, key):
    scores = query @ key.mT
    norms = np.linalg.norm(query, axis=-1)[..., :, None] * np.linalg.norm(key, axis=-1)[..., None, :]
    return np.where(norms == 0, 0, scores / np.where(norms == 0, 1, norms))


@known.legal
def with_einsum(query, key):
    def unit(x):
        norm = np.sqrt(np.einsum("...d,...d->...", x, x))
        return x / np.where(norm > 0, norm, 1)[..., None]

    return np.einsum("...id,...jd->...ij", unit(query), unit(key))


@known.legal
def with_loops(query, key):
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for *leading, i, j in np.ndindex(scores.shape):
        q, k = query[(*leading, i)], key[(*leading, j)]
        norm = (sum(q * q) * sum(k * k)) ** 0.5
        scores[(*leading, i, j)] = sum(q * k) / norm if norm else 0
    return scores


@known.legal
def with_a_tiny_number(query, key):
    unit = [x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12) for x in (query, key)]
    return unit[0] @ unit[1].mT


@known.legal
def with_a_tiny_number_added(query, key):
    norms = [np.linalg.norm(x, axis=-1) for x in (query, key)]
    return query @ key.mT / (norms[0][..., :, None] * norms[1][..., None, :] + 1e-12)


@known.legal
def with_nan_to_num(query, key):
    with np.errstate(invalid="ignore"):
        unit = [np.nan_to_num(x / np.linalg.norm(x, axis=-1, keepdims=True)) for x in (query, key)]
    return unit[0] @ unit[1].mT


@known.legal
def with_torch(query, key):
    import torch

    unit = [x / torch.linalg.vector_norm(x, dim=-1, keepdim=True) for x in map(torch.from_numpy, (query, key))]
    return (unit[0].nan_to_num(0.0) @ unit[1].nan_to_num(0.0).mT).numpy()


@known.borrowed
def by_torch(query, key):
    import torch

    q, k = torch.from_numpy(query), torch.from_numpy(key)
    return torch.nn.functional.cosine_similarity(q[..., :, None, :], k[..., None, :, :], dim=-1)


TASK = Task(
    id="01.cosine_scores",
    title="Length taken out",
    difficulty=2,
    minutes=20,
    reference=cosine_scores,
    draw=of_many_norms,
    cases=(
        Case("the example of the text", {"q_len": 1, "k_len": 3, "d_k": 2}, draw=of_the_text),
        Case("2 queries, 3 keys", {"q_len": 2, "k_len": 3, "d_k": 4}),
        Case("vectors of zeros", {"q_len": 3, "k_len": 4, "d_k": 5}, points=2, draw=with_zero_vectors),
        Case("the same in float32", {"q_len": 4, "k_len": 2, "d_k": 5}, dtype="float32"),
        Case("short vectors, float32", {"q_len": 3, "k_len": 5, "d_k": 4}, dtype="float32", draw=short_vectors),
        Case("a batch of sentences, several heads", {"batch": 2, "num_heads": 5, "q_len": 4, "k_len": 3, "d_k": 6}),
    ),
    finished=(
        "torch.cosine_similarity",
        "torch.nn.functional.cosine_similarity",
        "torch.nn.functional.normalize",
    ),
    hints=(
        "If every query and every key had norm 1, what would their dot product be? So what can you do to the "
        "vectors first?",
        "The norm of a vector is the square root of the sum of its squares, along the last axis: `np.linalg.norm(x,"
        " axis=-1, keepdims=True)`. What does `keepdims` do to the shape?",
        "Divide each vector by its own norm, then take all dot products as in task 1. With norms of shape (..., "
        "q_len, 1) the division lines up.",
        "For a norm of 0, divide by 1 instead: `np.where(norm == 0, 1, norm)`. A vector of zeros then stays "
        "zeros, and its scores are 0.",
    ),
    stages=(norms, safe, unit_query, unit_key, product, at_zero, finished),
    coincidences={
        "queries_not_divided + keys_not_divided": "plain_dot_products",
        "queries_divided_twice + keys_divided_twice": "squared_norms",
    },
    **known.ways,
)
