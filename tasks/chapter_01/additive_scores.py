"""01.additive_scores: v^T tanh(W_q q + W_k k) for all pairs (Bahdanau et al. 2015, appendix A.1.2)."""

import numpy as np

from course_lib import additive_scores as reference
from course_lib import softmax
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.probes import first_difference

known = Known()


def draw(rng, q_len, k_len, d_q, d_k, d_hidden, **leading):
    """Return queries and keys of different size, and parameters that bring every sum to where tanh bends and is not yet
    flat."""
    axes = tuple(leading.values())
    return {
        "query": rng.normal(size=(*axes, q_len, d_q)),
        "key": rng.normal(size=(*axes, k_len, d_k)),
        "W_q": rng.normal(size=(d_q, d_hidden)) / np.sqrt(d_q),
        "W_k": rng.normal(size=(d_k, d_hidden)) / np.sqrt(d_k),
        "v": rng.normal(size=d_hidden),
    }


def draw_loud(rng, **sizes):
    """As `draw`, with queries and keys a thousand times as long: tanh is flat, exp(x) overflows."""
    inputs = draw(rng, **sizes)
    return inputs | {"query": 1000 * inputs["query"], "key": 1000 * inputs["key"]}


def of_the_text(rng, **sizes):
    given = {"query": [[1]], "key": [[-1], [0]], "W_q": [[1, 0]], "W_k": [[1, 2]], "v": [1, 3]}
    return {name: np.array(value, dtype=float) for name, value in given.items()}


def _sums(query, key, W_q, W_k):
    return (query @ W_q)[..., :, None, :] + (key @ W_k)[..., None, :, :]


@Stage
def hidden_query(query, W_q):
    return query @ W_q  # (..., q_len, d_hidden)


@hidden_query.slip
def tanh_of_the_queries(query, W_q):
    """The queries go through a tanh of their own before the sum. Add first: one tanh sees query and key together."""
    return np.tanh(query @ W_q)


@hidden_query.slip
def queries_have_no_part(query, W_q):
    """The queries have no part in the sums, so that all the rows are the same."""
    return np.zeros_like(query @ W_q)


@hidden_query.slip
def matrix_before_the_queries(query, W_q):
    """W_q stands on the left, as in the formula, where vectors are columns. Here every query is a row:
    `query @ W_q`."""
    return W_q @ query


@hidden_query.slip
def matrix_of_the_queries_transposed(query, W_q):
    """W_q is transposed, which does not fit. It has a row for each component of the query: `query @ W_q` as it is."""
    return query @ W_q.T


@hidden_query.slip
def queries_with_the_matrix_of_the_keys(query, W_k):
    """The queries meet W_k, the matrix of the keys. Each has a matrix of its own."""
    return query @ W_k


@hidden_query.slip
def matrix_of_the_queries_entry_by_entry(query, W_q):
    """Queries and W_q meet entry by entry, which does not fit. A matrix product, `@`, takes rows with columns and adds
    up."""
    return query * W_q


@Stage
def hidden_key(key, W_k):
    return key @ W_k  # (..., k_len, d_hidden)


@hidden_key.slip
def tanh_of_the_keys(key, W_k):
    """The keys go through a tanh of their own before the sum. Add first: one tanh sees query and key together."""
    return np.tanh(key @ W_k)


@hidden_key.slip
def keys_have_no_part(key, W_k):
    """The keys have no part in the sums, so that all the columns are the same."""
    return np.zeros_like(key @ W_k)


@hidden_key.slip
def matrix_of_the_keys_transposed(key, W_k):
    """W_k is transposed, which does not fit. It has a row for each component of the key: `key @ W_k` as it is."""
    return key @ W_k.T


@hidden_key.slip
def keys_with_the_matrix_of_the_queries(key, W_q):
    """The keys meet W_q, the matrix of the queries. Each has a matrix of its own."""
    return key @ W_q


@Stage
def sums(hidden_query, hidden_key):
    return hidden_query[..., :, None, :] + hidden_key[..., None, :, :]  # (..., q_len, k_len, d_hidden)


@sums.slip
def multiplied_not_added(hidden_query, hidden_key):
    """Query and key are multiplied inside the tanh. Additive scores add them, as the name says."""
    return hidden_query[..., :, None, :] * hidden_key[..., None, :, :]


@sums.slip
def subtracted(hidden_query, hidden_key):
    """The key is subtracted inside the tanh. The formula adds it."""
    return hidden_query[..., :, None, :] - hidden_key[..., None, :, :]


@sums.slip
def query_subtracted(hidden_query, hidden_key):
    """The query is subtracted from the key inside the tanh. The formula adds the two."""
    return hidden_key[..., None, :, :] - hidden_query[..., :, None, :]


@sums.slip
def average_of_query_and_key(hidden_query, hidden_key):
    """Inside the tanh stands half of the sum of query and key. The formula has the whole sum."""
    return (hidden_query[..., :, None, :] + hidden_key[..., None, :, :]) / 2


@sums.slip
def larger_of_query_and_key(hidden_query, hidden_key):
    """Inside the tanh stands the larger of query and key, unit by unit. The formula adds them."""
    return np.maximum(hidden_query[..., :, None, :], hidden_key[..., None, :, :])


@sums.slip
def rows_are_keys(hidden_query, hidden_key):
    """Rows and columns are swapped: row i should belong to query i. Lay the queries along the axis before the last two,
    the keys along the one after."""
    return hidden_query[..., None, :, :] + hidden_key[..., :, None, :]


@sums.slip
def keys_before_added_as_well(hidden_query, hidden_key):
    """Key j is added to what the keys before it have left, so that their sum meets the query. Each key meets the query
    alone."""
    return hidden_query[..., :, None, :] + hidden_key.cumsum(axis=-2)[..., None, :, :]


@sums.slip
def first_key_for_all(hidden_query, hidden_key):
    """Every query meets the first key alone, in every column."""
    first = np.repeat(hidden_key[..., :1, :], hidden_key.shape[-2], axis=-2)
    return hidden_query[..., :, None, :] + first[..., None, :, :]


@sums.slip
def all_keys_together(hidden_query, hidden_key):
    """Every query meets the sum of all keys at once. It should meet every key alone, and get a score from each."""
    return hidden_query[..., :, None, :] + hidden_key.sum(axis=-2, keepdims=True)[..., None, :, :]


@sums.slip
def no_new_axes(hidden_query, hidden_key):
    """Queries and keys are added as they lie, row to row, which gives no axis for the queries beside one for the keys,
    and does not fit where their numbers differ, unless one is 1. Give each an axis of size 1, so that every query
    meets every key."""
    return hidden_query + hidden_key


@sums.slip
def same_new_axis(hidden_query, hidden_key):
    """Queries and keys have their new axis in the same place, so they still do not spread out against each other.
    Query: (..., q_len, 1, d_hidden). Key: (..., 1, k_len, d_hidden)."""
    return hidden_query[..., None, :] + hidden_key[..., None, :]


@sums.slip
def axes_for_one_sentence(hidden_query, hidden_key):
    """The new axes are counted from the front, at places 1 and 0, which is right for one sentence only. With a batch
    in front they belong among the last three axes: (..., q_len, 1, d_hidden) and (..., 1, k_len, d_hidden)."""
    queries, keys = hidden_query[:, None], hidden_key[None]
    return queries + keys


@sums.slip
def axes_for_one_batch(hidden_query, hidden_key):
    """The new axes are counted from the front, at places 2 and 1, which is right with exactly one axis in front. There
    may be none, or more: count from the back, `[..., :, None, :]`."""
    queries, keys = hidden_query[:, :, None, :], hidden_key[:, None, :, :]
    return queries + keys


@sums.slip
def axis_for_the_queries_alone(hidden_query, hidden_key):
    """The queries alone have a new axis, which is right for one sentence only. With axes in front the keys need one as
    well: (..., 1, k_len, d_hidden)."""
    queries = hidden_query[..., :, None, :]
    return queries + hidden_key


@Stage
def bent(sums):
    return np.tanh(sums)


@bent.slip
def without_tanh(sums):
    """There is no tanh around the sum. Without it every query ranks the keys alike."""
    return sums


@bent.slip
def sigmoid_for_tanh(sums):
    """The bend is a sigmoid, between 0 and 1. The formula has tanh, between -1 and 1."""
    return 1 / (1 + np.exp(-sums))


@bent.slip
def relu_for_tanh(sums):
    """The bend is a ReLU, which has no upper bound. The formula has tanh, so that no score grows beyond the sum of
    |v|."""
    return np.maximum(sums, 0)


@bent.slip
def tanh_that_overflows(sums):
    """The tanh is made of exponentials that overflow for large sums and leave NaN. `np.tanh` is the same function in a
    form that holds."""
    up, down = np.exp(sums), np.exp(-sums)
    return (up - down) / (up + down)


@bent.slip
def half_of_the_difference(sums):
    """The bend is (e^x - e^-x) / 2, which is sinh, and has no bound. tanh divides that by cosh, (e^x + e^-x) / 2."""
    return np.sinh(sums)


@bent.slip
def sine_for_tanh(sums):
    """The bend is a sine, which goes up and down for ever. The formula has tanh."""
    return np.sin(sums)


@bent.slip
def tangent_for_tanh(sums):
    """The bend is a tangent, the one of triangles. The formula has the hyperbolic tangent, tanh."""
    return np.tan(sums)


@bent.slip
def arctangent_for_tanh(sums):
    """The bend is an arctangent. The formula has the hyperbolic tangent, tanh."""
    return np.arctan(sums)


@bent.slip
def tanh_twice(sums):
    """The sum goes through two tanh, one after the other. Once is what the formula has."""
    return np.tanh(np.tanh(sums))


@bent.slip
def softmax_for_tanh(sums):
    """The hidden units go through a softmax, so that they sum to 1. The formula has a tanh, for each by itself."""
    return softmax(sums)


@Stage
def weighed(bent, v):
    return bent @ v  # (..., q_len, k_len)


@weighed.slip
def v_has_no_part(bent):
    """The hidden axis is summed as it is. Each hidden unit counts with its own entry of v."""
    return bent.sum(axis=-1)


@weighed.slip
def average_without_v(bent):
    """The hidden units are averaged, all alike. Each counts with its own entry of v, and they are summed."""
    return bent.mean(axis=-1)


@weighed.slip
def hidden_axis_left(bent, v):
    """The hidden units are multiplied by v and not added up: the last axis, d_hidden, is still there. Sum over it."""
    return bent * v


@weighed.slip
def hidden_axis_left_without_v(bent):
    """The hidden units are all still there, and v has had no part: the last axis, d_hidden, is to be weighed with v and
    summed."""
    return bent


@weighed.slip
def mean_over_hidden(bent, v):
    """The weighted hidden units are averaged. The formula sums them."""
    return (bent * v).mean(axis=-1)


@weighed.slip
def largest_over_hidden(bent, v):
    """The largest of the weighted hidden units is taken. The formula sums them."""
    return (bent * v).max(axis=-1)


@weighed.slip
def v_added(bent, v):
    """v is added to the hidden units before they are summed. The formula multiplies each with its entry of v."""
    return (bent + v).sum(axis=-1)


@weighed.slip
def sizes_of_v(bent, v):
    """The entries of v have lost their sign."""
    return bent @ np.abs(v)


@weighed.slip
def shares_of_v(bent, v):
    """v goes through a softmax before it weighs the hidden units. It weighs them as it is."""
    return bent @ softmax(v)


@weighed.slip
def last_unit_missing(bent, v):
    """The last hidden unit is left out of the sum."""
    return bent[..., :-1] @ v[:-1]


@weighed.slip
def first_unit_missing(bent, v):
    """The first hidden unit, number 0, is left out of the sum."""
    return bent[..., 1:] @ v[1:]


@weighed.slip
def last_unit_alone(bent, v):
    """Each score is what the last hidden unit gives alone. It is the sum over all of them."""
    return bent[..., -1] * v[-1]


@weighed.slip
def v_on_the_left(bent, v):
    """v stands on the left, as in the formula. `v @ x` runs over the axis before the last, here the keys; the hidden
    units lie along the last one, which `x @ v` takes."""
    return v @ bent


@weighed.slip
def v_on_the_left_of_a_dot(bent, v):
    """v stands on the left, as in the formula. `np.dot(v, x)` runs over the axis before the last of x, here the keys;
    the hidden units lie along the last one, which `x @ v` takes."""
    return np.dot(v, bent)


@Stage
def finished(weighed):
    return weighed


@finished.slip
def over_the_root_of_d_hidden(weighed, v):
    """The scores are divided by the root of d_hidden, which the formula does not have."""
    return weighed / len(v) ** 0.5


@finished.slip
def over_the_root_of_d_k(weighed, key):
    """The scores are divided by the root of d_k, the size of a key. The formula of additive scores has no such
    divisor."""
    return weighed / key.shape[-1] ** 0.5


@finished.slip
def softmax_of_the_scores(weighed):
    """These are weights: a softmax over the keys follows the scores. The scores themselves are asked for."""
    return softmax(weighed)


@finished.slip
def first_sentence_for_all(weighed):
    """The scores of the first sentence, and of its first head, stand in the place of all the others."""
    return np.broadcast_to(weighed[(0,) * (weighed.ndim - 2)], weighed.shape).copy()


@finished.slip
def tanh_of_the_scores(weighed):
    """The finished scores go through a tanh. It belongs to the hidden units, before v weighs them."""
    return np.tanh(weighed)


@known.mistake
def tanh_before_the_sum(query, key, W_q, W_k, v):
    """Query and key each go through a tanh of their own and are added afterward. Add first: the tanh must see both
    together."""
    return (np.tanh(query @ W_q)[..., :, None, :] + np.tanh(key @ W_k)[..., None, :, :]) @ v


@known.mistake
def tanh_before_the_matrices(query, key, W_q, W_k, v):
    """Query and key each go through a tanh before their matrices, and the sum through none. The tanh belongs around
    the sum."""
    return _sums(np.tanh(query), np.tanh(key), W_q, W_k) @ v


@known.mistake
def tanh_before_the_matrices_as_well(query, key, W_q, W_k, v):
    """Query and key each go through a tanh before their matrices, besides the one around the sum. One is what the
    formula has."""
    return np.tanh(_sums(np.tanh(query), np.tanh(key), W_q, W_k)) @ v


@known.mistake
def tanh_last(query, key, W_q, W_k, v):
    """The tanh is taken last, of the finished score. It belongs to the hidden units, before v weighs them."""
    return np.tanh(_sums(query, key, W_q, W_k) @ v)


@known.mistake
def v_inside(query, key, W_q, W_k, v):
    """v is multiplied inside the tanh. It weighs what comes out of the tanh."""
    return np.tanh(_sums(query, key, W_q, W_k) * v).sum(axis=-1)


@known.mistake
def v_on_the_left_of_the_tanh(query, key, W_q, W_k, v):
    """v stands on the left of the tanh, as in the formula, and there `@` runs over the axis before the last, here the
    keys. The hidden units lie along the last one: v on the right takes it."""
    return v @ np.tanh((query @ W_q)[..., :, None, :] + (key @ W_k)[..., None, :, :])


@known.mistake
def products_of_projections(query, key, W_q, W_k, v):
    """These are dot products of the hidden queries with the hidden keys; tanh and v have no part in them. Additive
    scores add the two, bend the sum, and weigh it with v."""
    return query @ W_q @ (key @ W_k).swapaxes(-2, -1)


@known.mistake
def products_of_projections_weighed(query, key, W_q, W_k, v):
    """Queries and keys each go through a tanh, and their products are summed with the weights v. Additive scores add
    the two inside one tanh."""
    return np.tanh(query @ W_q) * v @ np.tanh(key @ W_k).swapaxes(-2, -1)


@known.mistake
def added_as_they_are(query, key, W_q, W_k, v):
    """Hidden queries and hidden keys are added as they lie, row to row, which does not fit where their numbers differ,
    and leaves one axis for both. With an axis of size 1 in each, every query meets every key."""
    return np.tanh(query @ W_q + key @ W_k) @ v


@known.mistake
def added_as_they_are_and_v_on_the_left(query, key, W_q, W_k, v):
    """Hidden queries and hidden keys are added as they lie, row to row: with an axis of size 1 in each, every query
    meets every key. And v stands on the left, where `@` sums over another axis than that of the hidden units."""
    return v @ np.tanh(query @ W_q + key @ W_k)


@known.mistake
def added_as_they_are_without_v(query, key, W_q, W_k, v):
    """Queries and keys are added as they lie, row to row, which does not fit where their numbers differ: give each an
    axis of size 1, so that every query meets every key. And the hidden units are summed without v."""
    return np.tanh(query @ W_q + key @ W_k).sum(axis=-1)


@known.mistake
def one_tanh_around_the_queries(query, key, W_q, W_k, v):
    """The queries alone go through a tanh, before the sum. It belongs around the sum of query and key."""
    return (np.tanh(query @ W_q)[..., :, None, :] + (key @ W_k)[..., None, :, :]) @ v


@known.mistake
def one_tanh_around_the_keys(query, key, W_q, W_k, v):
    """The keys alone go through a tanh, before the sum. It belongs around the sum of query and key."""
    return ((query @ W_q)[..., :, None, :] + np.tanh(key @ W_k)[..., None, :, :]) @ v


@known.mistake
def axes_for_one_sentence_in_one_line(query, key, W_q, W_k, v):
    """The new axes are counted from the front, which is right for one sentence only. They belong among the last three
    axes: the queries are (..., q_len, 1, d_hidden), the keys (..., 1, k_len, d_hidden)."""
    return np.tanh((query @ W_q)[:, None, :] + (key @ W_k)[None, :, :]) @ v


@known.mistake
def hidden_keys_transposed(query, key, W_q, W_k, v):
    """The keys are transposed before they are added, so that axes meet that do not fit. New axes of size 1 bring every
    query to every key; nothing is transposed."""
    return np.tanh(query @ W_q + (key @ W_k).swapaxes(-2, -1)) @ v


@known.mistake
def keys_not_projected(query, key, W_q, W_k, v):
    """The keys are added as they are, and W_k has no part: d_k is not d_hidden. Project them first: `key @ W_k`."""
    return np.tanh((query @ W_q)[..., :, None, :] + key[..., None, :, :]) @ v


@known.mistake
def queries_not_projected(query, key, W_q, W_k, v):
    """The queries are added as they are, and W_q has no part: d_q is not d_hidden. Project them first:
    `query @ W_q`."""
    return np.tanh(query[..., :, None, :] + (key @ W_k)[..., None, :, :]) @ v


@known.mistake
def vectors_added_before_the_matrices(query, key, W_q, W_k, v):
    """Query and key are added before their matrices, and their sizes differ. Each goes through its own matrix first;
    then both have d_hidden entries."""
    return np.tanh((query[..., :, None, :] + key[..., None, :, :]) @ W_q) @ v


@known.mistake
def queries_and_keys_in_one_sequence(query, key, W_q, W_k, v):
    """Queries and keys are put one after the other into one sequence, and their sizes differ. Every query meets every
    key in a sum, of the two after their matrices."""
    both = np.concatenate([query, key], axis=-2)
    matrices = np.concatenate([W_q, W_k])
    return np.tanh(both @ matrices) @ v


@known.mistake
def queries_and_keys_side_by_side(query, key, W_q, W_k, v):
    """Queries and keys are joined along their components as they are, and their numbers differ. Every query must meet
    every key first."""
    both = np.concatenate([query, key], axis=-1)
    return np.tanh(both @ np.concatenate([W_q, W_k])) @ v


@known.mistake
def loops_for_one_sentence(query, key, W_q, W_k, v):
    """The loops are right for one sentence. With a batch in front, an entry of query is a whole sentence and no query:
    loop over the axes in front as well, or do without loops."""
    return np.array([[v @ np.tanh(W_q.T @ q + W_k.T @ k) for k in key] for q in query])


@known.mistake
def loops_over_rows_of_one_sentence(query, key, W_q, W_k, v):
    """The loops are right for one sentence. With a batch in front, an entry of key is a whole sentence and no key: loop
    over the axes in front as well, or do without loops."""
    return np.array([[v @ np.tanh(q @ W_q + k @ W_k) for k in key] for q in query])


@known.mistake
def loops_over_places_of_one_sentence(query, key, W_q, W_k, v):
    """The loops count the places of one sentence. With a batch in front, query[0] is a whole sentence and no query:
    loop over the axes in front as well, or do without loops."""
    scores = np.zeros((query.shape[0], key.shape[0]), dtype=query.dtype)
    for i in range(query.shape[0]):
        for j in range(key.shape[0]):
            scores[i, j] = v @ np.tanh(query[i] @ W_q + key[j] @ W_k)
    return scores


@known.mistake
def names_for_one_sentence(query, key, W_q, W_k, v):
    """The shape of query is taken apart into two names, which fits one sentence. There may be axes in front: counted
    from the back, query.shape[-2] and [-1] fit all."""
    q_len, d_q = query.shape
    return np.tanh(_sums(query.reshape(q_len, d_q), key, W_q, W_k)) @ v


@known.mistake
def names_for_one_batch(query, key, W_q, W_k, v):
    """The shape of query is taken apart into three names, which fits exactly one axis in front. There may be none, or
    more: counted from the back, query.shape[-2] and [-1] fit all."""
    batch, q_len, d_q = query.shape
    return np.tanh(_sums(query.reshape(batch, q_len, d_q), key, W_q, W_k)) @ v


@known.probe
def all_zeros(rng):
    inputs = draw(rng, batch=2, q_len=3, k_len=4, d_q=5, d_k=6, d_hidden=7)
    inputs |= {"query": np.zeros_like(inputs["query"]), "key": np.zeros_like(inputs["key"])}
    found = first_difference((yield inputs), np.zeros(()))
    return found and (
        f"With queries and keys of zeros, every sum is 0, and so are tanh(0) and the scores: at [{found[0]}] yours is "
        f"{found[1]:.4g}."
    )


@known.probe
def v_of_zeros(rng):
    inputs = draw(rng, batch=2, q_len=3, k_len=4, d_q=5, d_k=6, d_hidden=7)
    found = first_difference((yield inputs | {"v": np.zeros(7)}), np.zeros(()))
    return found and f"With v = 0, every score should be 0: at [{found[0]}] yours is {found[1]:.4g}."


@known.probe
def one_hidden_unit(rng):
    inputs = {"query": rng.normal(size=(1, 3, 1)), "key": rng.normal(size=(1, 4, 1))}
    inputs |= {name: np.ones((1, 1)) for name in ("W_q", "W_k")} | {"v": np.ones(1)}
    yours = yield inputs
    place = (0, 1, 2)
    q, k = inputs["query"][0, 1, 0], inputs["key"][0, 2, 0]
    if abs(yours[place] - np.tanh(q + k)) < 1e-6:
        return None
    return (
        f"With one hidden unit, and 1 in both matrices and in v, a score is tanh(q + k): for q = {q:.3f} and "
        f"k = {k:.3f} yours is {yours[place]:.4g}, expected {np.tanh(q + k):.4g}."
    )


@known.probe
def very_large_sums(rng):
    ones = {"query": np.full((1, 2, 3), 50.0), "key": np.full((1, 4, 2), 50.0), "W_q": np.ones((3, 5))}
    v = rng.normal(size=5)
    found = first_difference((yield ones | {"W_k": np.ones((2, 5)), "v": v}), np.full((), v.sum()))
    return found and (
        f"Where all sums are 250, tanh is 1, and every score is the sum of v, {found[2]:.4g}: at [{found[0]}] yours is "
        f"{found[1]:.4g}."
    )


@known.probe
def keys_in_reverse(rng):
    inputs = draw(rng, batch=2, q_len=3, k_len=4, d_q=5, d_k=6, d_hidden=7)
    before = yield inputs
    after = yield inputs | {"key": inputs["key"][:, ::-1].copy()}
    found = first_difference(after, before[..., ::-1])
    return found and (
        f"With the keys in reverse order, the columns of the scores should be, too: at [{found[0]}] yours is "
        f"{found[1]:.4g}, expected {found[2]:.4g} by your own scores before."
    )


@known.always
def bounded_by_v(inputs, output):
    """tanh stays between -1 and 1, so no score can exceed the sum of |v|."""
    return bool((np.abs(output) <= np.abs(inputs["v"]).sum() * (1 + 1e-5)).all())


@known.legal
def with_expand_dims(query, key, W_q, W_k, v):
    queries, keys = np.expand_dims(query @ W_q, -2), np.expand_dims(key @ W_k, -3)
    return (np.tanh(queries + keys) * v).sum(axis=-1)


@known.legal
def with_einsum(query, key, W_q, W_k, v):
    queries = np.einsum("...id,dh->...ih", query, W_q)[..., :, None, :]
    keys = np.einsum("...jd,dh->...jh", key, W_k)[..., None, :, :]
    return np.einsum("...ijh,h->...ij", np.tanh(queries + keys), v)


@known.legal
def with_loops(query, key, W_q, W_k, v):
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for *leading, i, j in np.ndindex(scores.shape):
        scores[(*leading, i, j)] = v @ np.tanh(W_q.T @ query[(*leading, i)] + W_k.T @ key[(*leading, j)])
    return scores


@known.legal
def with_one_key_at_a_time(query, key, W_q, W_k, v):
    queries, keys = query @ W_q, key @ W_k
    columns = [np.tanh(queries + keys[..., j : j + 1, :]) @ v for j in range(key.shape[-2])]
    return np.stack(columns, axis=-1)


@known.legal
def with_torch(query, key, W_q, W_k, v):
    import torch

    q, k, a, b, c = (torch.from_numpy(x) for x in (query, key, W_q, W_k, v))
    return (torch.tanh((q @ a).unsqueeze(-2) + (k @ b).unsqueeze(-3)) @ c).numpy()


@known.borrowed
def by_course_lib(query, key, W_q, W_k, v):
    import course_lib

    return course_lib.additive_scores(query, key, W_q, W_k, v)


TASK = Task(
    id="01.additive_scores",
    title="Additive scores",
    difficulty=3,
    minutes=30,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", {"q_len": 1, "k_len": 2, "d_q": 1, "d_k": 1, "d_hidden": 2}, draw=of_the_text),
        Case("2 queries, 3 keys", {"q_len": 2, "k_len": 3, "d_q": 4, "d_k": 5, "d_hidden": 6}, points=2),
        Case("the same in float32", {"q_len": 4, "k_len": 2, "d_q": 3, "d_k": 7, "d_hidden": 5}, dtype="float32"),
        Case("a batch of sentences", {"batch": 3, "q_len": 2, "k_len": 4, "d_q": 6, "d_k": 5, "d_hidden": 7}),
        Case(
            "a batch of sentences, several heads",
            {"batch": 2, "num_heads": 4, "q_len": 5, "k_len": 3, "d_q": 7, "d_k": 6, "d_hidden": 8},
        ),
        Case(
            "very long vectors",
            {"q_len": 3, "k_len": 4, "d_q": 2, "d_k": 6, "d_hidden": 5},
            draw=draw_loud,
        ),
    ),
    finished=("course_lib.additive_scores",),
    hints=(
        "What are the shapes of `query @ W_q` and of `key @ W_k`? Which axis do they share, and which not?",
        "Every query must meet every key before the tanh. If one array has shape (..., q_len, 1, d_hidden) and the "
        "other (..., 1, k_len, d_hidden), what shape has their sum?",
        "`None` in an index makes a new axis of size 1. `x[..., :, None, :]` puts it before the last axis, with "
        "anything in front.",
        "After the tanh the shape is (..., q_len, k_len, d_hidden), and the score is the dot product of its last axis"
        " with v: `@ v`.",
        "Line by line: `queries = (query @ W_q)[..., :, None, :]`, the keys in the same way with `None` one axis "
        "earlier, then the tanh of their sum, then `@ v`.",
    ),
    stages=(hidden_query, hidden_key, sums, bent, weighed, finished),
    coincidences={
        "without_tanh + tanh_of_the_scores": "tanh_last",
        "tanh_of_the_queries + without_tanh": "one_tanh_around_the_queries",
        "tanh_of_the_keys + without_tanh": "one_tanh_around_the_keys",
    },
    **known.ways,
)
