"""01.best_keys: which key answers each query best, by dot product."""

import numpy as np

from course_lib import dot_product_scores
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import score_stages
from tasks.draws import query_and_key
from tasks.probes import first_difference

known = Known()


def best_keys(query, key):
    return dot_product_scores(query, key).argmax(axis=-1)


def of_the_text(rng, q_len, k_len, d_k):
    return {"query": np.array([[1.0, 2.0]]), "key": np.array([[3.0, 0.0], [0.0, 1.0], [2.0, 1.0]])}


def a_key_far_away(rng, q_len, k_len, d_k):
    """Keys of very different length, and queries opposed to the long ones: the largest score is near zero or below
    it. The first key is the longest, and so never the best."""
    directions = rng.normal(size=(k_len, d_k))
    directions[:, 0] = -np.abs(directions[:, 0]) - 2
    lengths = np.linspace(1, 9, k_len)[:, None]
    query = 0.3 * rng.normal(size=(q_len, d_k))
    query[:, 0] = np.abs(query[:, 0]) + 2
    return {
        "query": query,
        "key": np.concatenate([lengths[-1:] * directions[-1:], rng.permutation(lengths[:-1] * directions[:-1])]),
    }


def first_and_last_win(rng, q_len, k_len, d_k):
    """The first query finds its best key in the last place, the second one in the first."""
    query, key = rng.normal(size=(q_len, d_k)), 0.3 * rng.normal(size=(k_len, d_k))
    query[1] = -query[0]
    key[0], key[-1] = 3 * query[1], 3 * query[0]
    return {"query": query, "key": key}


def _scores(query, key):
    return query @ key.swapaxes(-2, -1)


def _without(scores, place):
    """Return the scores with the key at `place` out of the race: neither the highest nor the lowest is there."""
    others = np.delete(scores, place, axis=-1)
    middle = np.median(others, axis=-1, keepdims=True) if others.size else 0
    return np.where(np.arange(scores.shape[-1]) == place, middle, scores)


product = score_stages.product.but(
    "mean_of_products",
    "cosines",
    "whole_components",
    "negative_distances",
    "as_many_columns_as_queries",
    "loops_for_one_sentence",
    "dots_for_one_sentence",
    "one_loop_over_sentences",
    "entry_by_entry",
    "entry_by_entry_transposed",
    "entry_by_entry_summed",
)


@Stage
def compared(product):
    return product  # (..., q_len, k_len)


@compared.slip
def largest_size(product):
    """The sign of the scores is lost: a large negative score counts as a good one here. It says that the key has what
    the query refuses."""
    return np.abs(product)


@compared.slip
def whole_scores(product):
    """The scores lose what stands behind the point before they are compared, so that close ones tie, and the first of
    them wins."""
    return np.trunc(product)


@compared.slip
def highest_begins_at_zero(product):
    """Scores below 0 do not count, as when a running maximum begins at 0: where all are negative, the result is 0. The
    best may well be below 0."""
    return np.maximum(product, 0)


@compared.slip
def last_key_skipped(product):
    """The last key is never looked at."""
    return _without(product, product.shape[-1] - 1)


@compared.slip
def first_key_skipped(product):
    """The first key, number 0, is never looked at."""
    return _without(product, 0)


@compared.slip
def first_query_for_all(product):
    """Every query gets the best key of the first one."""
    return np.repeat(product[..., :1, :], product.shape[-2], axis=-2)


@compared.slip
def last_query_for_all(product):
    """Every query gets the best key of the last one."""
    return np.repeat(product[..., -1:, :], product.shape[-2], axis=-2)


@compared.slip
def first_sentence_for_all(product):
    """Every sentence, and every head, gets what the first one finds."""
    return np.broadcast_to(product[(0,) * (product.ndim - 2)], product.shape).copy()


@compared.slip
def queries_together(product):
    """The scores of all queries are added up first, so that one key is found for all of them. Every query has a best
    key of its own."""
    return product.sum(axis=-2)


@compared.slip
def queries_in_one_row(product):
    """The queries of all sentences stand in one row, without the axes in front. Those stay: (..., q_len)."""
    return product.reshape(-1, product.shape[-1])


@Stage
def chosen(compared):
    return compared.argmax(axis=-1)  # (..., q_len)


@chosen.slip
def best_queries(compared):
    """This finds the best query of each key: the keys ask, as if query and key had changed places. Asked for is the
    best key of each query: a row for each query, and the search along it, over the last axis."""
    return compared.argmax(axis=-2)


@chosen.slip
def along_axis_zero(compared):
    """The search runs over the first axis: that of the queries, or of the batch where there is one. You look for the
    best key, and the keys lie along the last axis."""
    return compared.argmax(axis=0)


@chosen.slip
def along_axis_one(compared):
    """The search runs over axis 1, which is that of the keys only while there is no batch. Count from the back, so that
    any leading axes may stand in front."""
    return compared.argmax(axis=1)


@chosen.slip
def along_axis_two(compared):
    """The search runs over axis 2, which is that of the keys only with exactly one axis in front. Count from the back,
    so that any leading axes may stand there, or none."""
    return compared.argmax(axis=2)


@chosen.slip
def best_of_all(compared):
    """The search runs over all scores together and gives one number. Every query has a best key of its own: name the
    axis."""
    return compared.argmax()


@chosen.slip
def compared_with_the_highest_of_all(compared):
    """The scores of a query are compared with the highest of all the scores: a query whose row does not hold it gets
    key 0. Every query has a highest score of its own."""
    return (compared == compared.max()).argmax(axis=-1)


@chosen.slip
def compared_with_the_highest_of_the_sentence(compared):
    """The scores of a query are compared with the highest of its sentence: a query whose row does not hold it gets
    key 0. Every query has a highest score of its own."""
    return (compared == compared.max(axis=(-2, -1), keepdims=True)).argmax(axis=-1)


@chosen.slip
def highest_score(compared):
    """This is how high the best score is. Asked for is which key has it, its number: that is what `argmax` tells."""
    return compared.max(axis=-1)


@chosen.slip
def worst_keys(compared):
    """These are the keys with the lowest scores. The best key is the one with the highest."""
    return compared.argmin(axis=-1)


@chosen.slip
def second_best(compared):
    """These are the keys with the second highest scores. The best key is the one with the highest."""
    return np.argsort(compared, axis=-1)[..., -2]


@chosen.slip
def ranks_of_all(compared):
    """All the keys come back, in the order of their scores. Asked for is the best one alone, one number for each
    query."""
    return np.argsort(compared, axis=-1)


@chosen.slip
def ranks_of_all_downward(compared):
    """All the keys come back, the best one first. Asked for is the best one alone, one number for each query."""
    return np.argsort(-compared, axis=-1)


@chosen.slip
def one_hot(compared):
    """The best key of each query is marked with a 1 among zeros. Asked for is its number."""
    return (compared == compared.max(axis=-1, keepdims=True)).astype(int)


@chosen.slip
def marked(compared):
    """The best key of each query is marked with True. Asked for is its number."""
    return compared == compared.max(axis=-1, keepdims=True)


@chosen.slip
def vector_of_the_best(compared, key):
    """These are the best keys themselves, as vectors. Asked for is the number of the best key."""
    return np.take_along_axis(key, compared.argmax(axis=-1)[..., None], axis=-2)


@Stage
def numbered(chosen):
    return chosen


@numbered.slip
def counted_from_one(chosen):
    """The keys are counted from 1. Python counts from 0: the first key is number 0."""
    return chosen + 1


@numbered.slip
def one_too_low(chosen):
    """Every number is one too low: the first key is number 0, and comes out as -1."""
    return chosen - 1


@numbered.slip
def counted_from_the_back(chosen, key):
    """The keys are counted from the back. The first key is number 0."""
    return key.shape[-2] - 1 - chosen


@numbered.slip
def axis_kept(chosen):
    """The result has an axis of size 1 too many at the end, that of the keys, which the search should take away: one
    number for each query."""
    return chosen[..., None]


@numbered.slip
def with_a_point(chosen):
    """The numbers of the keys come back as floating-point numbers. A number that is to be used as an index is an
    integer."""
    return chosen.astype(float)


@numbered.slip
def numbered_through_the_batch(chosen, key):
    """The keys are numbered on and on, through all queries, as in one long row of scores. Every query counts its keys
    from 0."""
    return chosen + (np.arange(chosen.size) * key.shape[-2]).reshape(chosen.shape)


@known.mistake
def nearest_keys(query, key):
    """These are the keys at the smallest distance from each query. The highest dot product is another question: a long
    key may win it from far away."""
    return ((query[..., :, None, :] - key[..., None, :, :]) ** 2).sum(axis=-1).argmin(axis=-1)


@known.mistake
def future_hidden(query, key):
    """A query looks only at keys up to its own place, as under a causal mask. It may take any key."""
    scores = _scores(query, key)
    return np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf).argmax(axis=-1)


@known.mistake
def longest_key(query, key):
    """Every query gets the longest key; the queries have no part in it."""
    return np.repeat((key**2).sum(axis=-1).argmax(axis=-1)[..., None], query.shape[-2], axis=-1)


@known.mistake
def largest_sum(query, key):
    """Every query gets the key with the largest sum of components; the queries have no part in it."""
    return np.repeat(key.sum(axis=-1).argmax(axis=-1)[..., None], query.shape[-2], axis=-1)


@known.mistake
def place_in_the_row(query, key):
    """Every query gets a key by its own place: query i gets key i. Asked for is the key with the highest score."""
    return np.broadcast_to(np.arange(query.shape[-2]), query.shape[:-1]).copy()


@known.mistake
def always_the_first(query, key):
    """Every query gets key 0. Asked for is the key with the highest score."""
    return np.zeros(query.shape[:-1], dtype=int)


@known.mistake
def counted_without_the_first(query, key):
    """The search leaves the first key out and counts on from the second one, so that key 1 comes out as number 0."""
    return _scores(query, key)[..., min(1, key.shape[-2] - 1) :].argmax(axis=-1)


@known.mistake
def rows_as_lists(query, key):
    """The rows of an array are no lists: `index` is a list's. An array tells where its highest entry stands with
    `argmax`."""
    result = []
    for row in _scores(query, key):
        result.append(row.index(max(row)))
    return np.array(result)


@known.mistake
def rows_compared(query, key):
    """The loop takes the first axis for the queries, which is right for one sentence. With a batch in front whole
    rows are compared, and which of two rows is the larger has no single answer."""
    result = []
    for row in _scores(query, key):
        best = 0
        for j in range(len(row)):
            if row[j] > row[best]:
                best = j
        result.append(best)
    return np.array(result)


@known.mistake
def loop_for_one_sentence(query, key):
    """The loop is right for one sentence. With a batch in front, an entry of query is a whole sentence and no query: go
    through the axes in front as well, or use `@` for all at once."""
    return np.array([np.argmax(key @ q) for q in query])


@known.mistake
def loops_for_one_sentence(query, key):
    """The loops are right for one sentence. With a batch in front, an entry of query is a whole sentence and no query:
    go through the axes in front as well, or use `@` for all at once."""
    return np.array([np.argmax([q @ k for k in key]) for q in query])


@known.mistake
def loops_of_dots_for_one_sentence(query, key):
    """The calls of `np.dot` are right for one sentence. With a batch in front, an entry of query is a whole sentence
    and no query: go through the axes in front as well, or use `@` for all at once."""
    return np.array([np.argmax([np.dot(q, k) for k in key]) for q in query])


@known.mistake
def one_argmax_for_each_sentence(query, key):
    """One best key is found for each entry of the first axis, among all of its scores: of a batch, one number for each
    sentence. Every query has a best key of its own."""
    return np.array([np.argmax(row) for row in _scores(query, key)])


@known.mistake
def entry_by_entry(query, key):
    """Queries and keys are multiplied as they lie, entry by entry. Every query must meet every key, and the products
    must be added up: that is `@`."""
    return (query * key).argmax(axis=-1)


@known.mistake
def entry_by_entry_summed(query, key):
    """Queries and keys are multiplied as they lie, row by row, and each row is summed. Every query must meet every key:
    that is `@`."""
    return (query * key).sum(axis=-1).argmax(axis=-1)


@known.probe
def identity_keys(rng):
    query = rng.permuted(np.broadcast_to(np.arange(-7.0, 5.0, 2.0), (2, 4, 6)), axis=-1)
    yours = yield {"query": query, "key": np.broadcast_to(np.eye(6), (2, 6, 6)).copy()}
    found = first_difference(yours, query.argmax(axis=-1))
    return found and (
        f"With keys that are the identity, the best key of a query is the place of its largest component: at "
        f"[{found[0]}] yours is {found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def keys_of_many_lengths(rng):
    key = rng.permutation(np.arange(1.0, 7.0))[:, None] * np.ones((6, 3))
    yours = yield {"query": np.ones((2, 3)), "key": key}
    found = first_difference(yours, np.full(2, key[:, 0].argmax()))
    return found and (
        f"When all keys point exactly along the query, the longest one has the highest score, here key {found[2]:.0f}; "
        f"yours is {found[1]:.4g}."
    )


@known.probe
def all_scores_below_zero(rng):
    key = -rng.permutation(np.arange(1.0, 7.0))[:, None] * np.ones((6, 3))
    yours = yield {"query": np.ones((2, 3)), "key": key}
    found = first_difference(yours, np.full(2, key[:, 0].argmax()))
    return found and (
        f"When all keys point away from the query, all scores are negative, and the shortest key has the highest, here "
        f"key {found[2]:.0f}; yours is {found[1]:.4g}."
    )


@known.probe
def keys_in_reverse(rng):
    inputs = query_and_key(rng, batch=2, q_len=3, k_len=6, d_k=4)
    before = yield inputs
    after = yield {**inputs, "key": inputs["key"][..., ::-1, :].copy()}
    found = first_difference(after, 5 - before)
    return found and (
        f"With the 6 keys in reverse order, key j is called 5 - j: at [{found[0]}] yours goes from "
        f"{5 - found[2]:.4g} to {found[1]:.4g}."
    )


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

    return (torch.from_numpy(query) @ torch.from_numpy(key).mT).argmax(dim=-1).numpy()


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
        Case("the example of the text", {"q_len": 1, "k_len": 3, "d_k": 2}, draw=of_the_text),
        Case("4 queries, 7 keys", {"q_len": 4, "k_len": 7, "d_k": 3}),
        Case("keys that all point the other way", {"q_len": 3, "k_len": 5, "d_k": 4}, draw=a_key_far_away),
        Case("the first and the last key win", {"q_len": 4, "k_len": 6, "d_k": 3}, draw=first_and_last_win),
        Case("a batch of sentences", {"batch": 2, "q_len": 5, "k_len": 8, "d_k": 3}),
        Case("several heads, float32", {"batch": 3, "num_heads": 2, "q_len": 6, "k_len": 7, "d_k": 4}, dtype="float32"),
    ),
    hints=(
        "The scores are a matrix with a row for each query and a column for each key. In which direction do you look "
        "for the best key of one query?",
        "`max` says how high the highest entry is, `argmax` says where it stands. Both take an `axis`.",
        "The axis over which you search disappears from the shape: (..., q_len, k_len) becomes (..., q_len). So it is"
        " the last one, whatever stands in front.",
        "Compute the scores as in task 1, then `.argmax(axis=-1)`.",
    ),
    stages=(product, compared, chosen, numbered),
    coincidences={
        "distances + worst_keys": "nearest_keys",
        "first_key_skipped + one_too_low": "counted_without_the_first",
        "not_summed + queries_together": "summed_over_the_keys",
    },
    **known.ways,
)
