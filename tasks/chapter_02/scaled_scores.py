"""02.scaled_scores: dot products divided by the square root of d_k (Vaswani et al. 2017, eq. 1)."""

import math

import numpy as np

from course_lib import dot_product_scores, softmax
from grader.known import Known
from grader.task import Case, Task
from tasks import attention_stages, score_stages
from tasks.draws import query_and_key
from tasks.probes import first_difference
from tasks.rules import informative

known = Known()


def scaled_scores(query, key):
    return dot_product_scores(query, key) / math.sqrt(query.shape[-1])


def of_the_text(rng, q_len, k_len, d_k):
    return {"query": np.array([[2.0, 0.0, 0.0, 1.0]]), "key": np.array([[3.0, 1.0, 0.0, 2.0]])}


def _products(query, key):
    return query @ key.swapaxes(-2, -1)


product = score_stages.product.but(
    "mean_of_products",
    "whole_components",
    "components_summed_first",
    "as_many_columns_as_queries",
    "last_component_alone",
    "without_the_last_component",
)
scaled = attention_stages.scaled.but(rare=["root_of_the_first_axis"], product="laid")
finished = score_stages.finished.but("rounded", scores="scaled")


@scaled.slip
def divided_by_two(product):
    """All scores are divided by 2, whatever d_k is. That is the root in the example of the text, where d_k is 4; it
    changes with d_k."""
    return product / 2


@scaled.slip
def divided_by_eight(product):
    """All scores are divided by 8, whatever d_k is. That is the root of 64; it changes with d_k."""
    return product / 8


@scaled.slip
def fourth_root(product, query):
    """The scores are divided by the fourth root of d_k: the root is taken twice. Once is enough."""
    return product / query.shape[-1] ** 0.25


@scaled.slip
def whole_root(product, query):
    """The root of d_k is cut to a whole number before it divides."""
    return product / math.isqrt(query.shape[-1])


@scaled.slip
def root_three_times(product, query):
    """The scores are divided by the root of d_k three times over, as where query and key are both divided by it
    besides. Once is enough."""
    return product / query.shape[-1] ** 1.5


@scaled.slip
def square_of_d_k(product, query):
    """The scores are divided by the square of d_k; the square root was asked for."""
    return product / query.shape[-1] ** 2


@scaled.slip
def logarithm_of_d_k(product, query):
    """The scores are divided by the logarithm of d_k; the square root was asked for."""
    return product / math.log(max(query.shape[-1], 2))


@scaled.rare
def root_subtracted(product, query):
    """The root of d_k is subtracted from the scores. They are divided by it."""
    return product - math.sqrt(query.shape[-1])


@scaled.slip
def twice_the_root(product, query):
    """The scores are divided by twice the root of d_k, as if the components of query and key together were counted, or
    2 stood below the line besides."""
    return product / (2 * math.sqrt(query.shape[-1]))


@scaled.slip
def root_of_twice_d_k(product, query):
    """The scores are divided by the root of 2 d_k. d_k is the size of one query, or of one key: the two are not
    added."""
    return product / math.sqrt(2 * query.shape[-1])


@scaled.slip
def root_of_one_more(product, query):
    """The scores are divided by the root of d_k + 1. d_k is the number of components itself."""
    return product / math.sqrt(query.shape[-1] + 1)


@scaled.slip
def root_of_axis_one(product, query):
    """The scores are divided by the root of the size of axis 1. Right for one sentence; with a batch, axis 1 counts
    words or heads. d_k is the last axis: query.shape[-1]."""
    return product / math.sqrt(query.shape[1])


@scaled.rare
def root_of_the_first_axis_of_keys(product, key):
    """The scores are divided by the root of `len(key)`, the size of the first axis: the number of keys, or of sentences
    in a batch. d_k is the length of one key vector: the last axis, `key.shape[-1]`."""
    return product / math.sqrt(len(key))


@scaled.slip
def root_of_all_numbers(product, query):
    """The scores are divided by the root of the number of all entries of query. d_k is the length of one vector: the
    last axis."""
    return product / math.sqrt(query.size)


@scaled.slip
def root_of_all_numbers_of_keys(product, key):
    """The scores are divided by the root of the number of all entries of key. d_k is the length of one vector: the last
    axis."""
    return product / math.sqrt(key.size)


@scaled.slip
def root_of_the_number_of_axes(product, query):
    """The scores are divided by the root of the number of axes. d_k is the size of the last of them."""
    return product / math.sqrt(query.ndim)


@scaled.slip
def root_of_the_shape(product, query):
    """A root is taken of the whole shape, which is a tuple of sizes. d_k is the last of them: query.shape[-1]."""
    return product / math.sqrt(query.shape)


@scaled.slip
def root_of_the_shape_of_keys(product, key):
    """A root is taken of the whole shape of key, which is a tuple of sizes. d_k is the last of them: key.shape[-1]."""
    return product / math.sqrt(key.shape)


@scaled.slip
def root_of_axis_two(product, query):
    """d_k is looked for on axis 2, which is there only with an axis in front, and is the last one only with exactly
    one. Counted from the back it is query.shape[-1], always."""
    return product / math.sqrt(query.shape[2])


@scaled.slip
def root_of_axis_two_of_keys(product, key):
    """d_k is looked for on axis 2 of key, which is there only with an axis in front, and is the last one only with
    exactly one. Counted from the back it is key.shape[-1], always."""
    return product / math.sqrt(key.shape[2])


@scaled.slip
def shape_called(product, query):
    """The shape is called like a function. It is a tuple: its entries stand in square brackets, query.shape[-1]."""
    return product / math.sqrt(query.shape(-1))


@scaled.slip
def shape_of_keys_called(product, key):
    """The shape of key is called like a function. It is a tuple: its entries stand in square brackets,
    key.shape[-1]."""
    return product / math.sqrt(key.shape(-1))


@known.mistake
def root_of_every_size(query, key):
    """The root is taken of every size in the shape of query, so that the divisor is an array with a number for each
    axis. One number divides all scores: the root of the last size, query.shape[-1]."""
    scores = query @ key.swapaxes(-2, -1)
    return scores / np.sqrt(query.shape)


@known.mistake
def root_of_every_size_in_one_line(query, key):
    """The divisor is an array, with the root of every size in the shape of query. One number divides all scores: the
    root of the last size, query.shape[-1]."""
    return _products(query, key) / np.sqrt(query.shape)


@known.mistake
def root_of_every_size_of_keys(query, key):
    """The root is taken of every size in the shape of key, so that the divisor is an array with a number for each axis.
    One number divides all scores: the root of the last size, key.shape[-1]."""
    scores = query @ key.swapaxes(-2, -1)
    return scores / np.sqrt(key.shape)


@known.mistake
def root_of_everything(query, key):
    """The root is taken of the scores as well, and a negative score has none. Only d_k stands under the root."""
    return np.sqrt(query @ key.swapaxes(-2, -1) / query.shape[-1])


@known.mistake
def root_of_the_scores(query, key):
    """The root is taken of the scores, and a negative score has none. The scores are divided by the root of d_k."""
    return np.sqrt(query @ key.swapaxes(-2, -1))


@known.mistake
def measured_spread(query, key):
    """The scores are divided by the spread measured on these very scores. The divisor is the root of d_k, whatever the
    numbers are."""
    scores = query @ key.swapaxes(-2, -1)
    return scores / scores.std()


@known.mistake
def measured_spread_where_there_is_one(query, key):
    """The scores are divided by the spread measured on these very scores, where there are several. The divisor is the
    root of d_k, whatever the numbers are."""
    scores = query @ key.swapaxes(-2, -1)
    return scores / (scores.std() or 1)


@known.mistake
def measured_spread_of_each_row(query, key):
    """Each row of scores is divided by its own measured spread. The divisor is the root of d_k, for all of them."""
    scores = query @ key.swapaxes(-2, -1)
    return scores / scores.std(axis=-1, keepdims=True)


@known.mistake
def standardized(query, key):
    """The scores are brought to mean 0 and standard deviation 1 by what is measured on them. They are divided by the
    root of d_k, whatever the numbers are."""
    scores = query @ key.swapaxes(-2, -1)
    return (scores - scores.mean()) / scores.std()


@known.mistake
def measured_lengths_of_queries(query, key):
    """The scores of a query are divided by its length, the root of its sum of squares. The divisor is the root of d_k,
    for all of them."""
    return query @ key.swapaxes(-2, -1) / np.linalg.norm(query, axis=-1, keepdims=True)


@known.mistake
def over_the_largest(query, key):
    """The scores are divided by the largest of them. The divisor is the root of d_k, whatever the numbers are."""
    scores = query @ key.swapaxes(-2, -1)
    return scores / scores.max()


@known.mistake
def softmax_before_the_root(query, key):
    """A softmax over the keys is taken of the scores before they are divided by the root of d_k. The scaled scores
    themselves are asked for."""
    return softmax(query @ key.swapaxes(-2, -1)) / math.sqrt(query.shape[-1])


def _batch(rng):
    return query_and_key(rng, batch=2, q_len=3, k_len=5, d_k=4)


@known.probe
def vectors_of_ones(rng):
    yours = yield {"query": np.ones((2, 3, 16)), "key": np.ones((2, 5, 16))}
    found = first_difference(yours, np.full((), 4.0))
    return found and (
        f"With 16 ones in every query and every key, each dot product is 16, and each scaled score 16 / 4 = 4: at "
        f"[{found[0]}] yours is {found[1]:.4g}."
    )


@known.probe
def identity_keys(rng):
    return (yield from score_stages.identity_keys(rng, "scaled score [i, j]", 2.0))


@known.probe
def one_sentence_changed(rng):
    return (yield from score_stages.one_sentence_changed(rng, _batch(rng)))


@known.probe
def doubled_queries(rng):
    return (yield from score_stages.doubled_queries(rng, _batch(rng)))


@known.probe
def swapped_keys(rng):
    return (yield from score_stages.swapped_keys(rng, _batch(rng)))


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

    return (torch.from_numpy(query) @ torch.from_numpy(key).mT / query.shape[-1] ** 0.5).numpy()


@known.borrowed
def by_course_lib(query, key):
    import course_lib

    return course_lib.dot_product_scores(query, key) / math.sqrt(query.shape[-1])


TASK = Task(
    id="02.scaled_scores",
    title="Scaled dot-product scores",
    difficulty=1,
    minutes=8,
    reference=scaled_scores,
    draw=query_and_key,
    cases=(
        Case("the example of the text", dict(q_len=1, k_len=1, d_k=4), draw=of_the_text),
        Case("3 queries, 4 keys", dict(q_len=3, k_len=4, d_k=5)),
        Case("the same in float32", dict(q_len=2, k_len=3, d_k=7), dtype="float32"),
        Case("a batch of sentences", dict(batch=2, q_len=4, k_len=3, d_k=6)),
        Case("a batch of sentences, several heads", dict(batch=2, num_heads=3, q_len=4, k_len=5, d_k=10)),
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
        "The product is query @ key.swapaxes(-2, -1); what divides it is one plain number, the root of the last hint.",
    ),
    drawn=(informative(lambda query, key: softmax(scaled_scores(query, key))),),
    stages=(product, score_stages.laid, scaled, finished),
    coincidences={
        "distances + sign_turned": "negative_distances",
        "negative_distances + sign_turned": "distances",
        "not_summed + scores_of_a_key_summed": "summed_over_the_keys",
    },
    cancelling=("not_summed + scores_of_a_query_summed",),
    **known.ways,
)
