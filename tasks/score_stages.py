"""Dot products of every query with every key as stages: how a pair is scored, how the scores are laid out, and what is
made of them. They hold more slips than the stages of attention, for tasks that end with the scores (NumPy arrays)."""

import numpy as np

from course_lib import softmax
from grader.stages import Stage
from tasks import attention_stages
from tasks.probes import first_difference

product = attention_stages.product.but("rows_are_keys", "all_axes_reversed", "keys_not_transposed")


def _pairs(query, key):
    return query[..., :, None, :] * key[..., None, :, :]  # (..., q_len, k_len, d_k)


@product.slip
def all_axes_reversed(query, key):
    """All the axes of key change places, the leading ones too, as with `.T`. Swap the last two alone:
    key.swapaxes(-2, -1)."""
    return query @ key.T


@product.slip
def keys_not_transposed(query, key):
    """The keys are not transposed: (q_len, d_k) times (k_len, d_k) does not fit. Swap the last two axes of key
    first."""
    return query @ key


@product.slip
def first_two_axes_swapped(query, key):
    """The first two axes of key are swapped. They are the last two of one sentence; with a batch in front, count from
    the back: swapaxes(-2, -1)."""
    return query @ key.swapaxes(0, 1)


@product.slip
def axes_one_and_two_swapped(query, key):
    """Axes 1 and 2 of key are swapped, which is right with exactly one axis in front, a batch. Count from the back: the
    last two axes."""
    return query @ key.swapaxes(1, 2)


@product.slip
def transposed_as_in_torch(query, key):
    """NumPy's `transpose` takes the order of all axes, where PyTorch's takes two to swap. In NumPy two axes change
    places with swapaxes(-2, -1)."""
    return query @ key.transpose(-2, -1)


@product.slip
def order_of_three_axes(query, key):
    """The axes of key are put in an order of three, which fits exactly one axis in front. There may be none, or more:
    swapaxes(-2, -1) takes the last two, whatever stands before them."""
    return query @ key.transpose(0, 2, 1)


@product.slip
def keys_reshaped(query, key):
    """The keys get the right shape and the wrong content: they are refilled in the order of memory, as `reshape` does.
    A transpose moves each number to its mirrored place: swapaxes."""
    return query @ key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])


@product.slip
def entry_by_entry(query, key):
    """Queries and keys are multiplied as they lie, entry by entry. Every query must meet every key in a row and a
    column of its own, and the products must be added up: that is `@`."""
    return query * key


@product.slip
def entry_by_entry_transposed(query, key):
    """Queries and transposed keys meet entry by entry, which does not fit. A matrix product, `@`, takes rows with
    columns and adds up."""
    return query * np.swapaxes(key, -1, -2)


@product.slip
def entry_by_entry_summed(query, key):
    """Queries and keys are multiplied as they lie, row by row, and each row is summed. The result has no axis for the
    queries beside one for the keys: every query must meet every key."""
    return (query * key).sum(axis=-1)


@product.slip
def not_summed(query, key):
    """The products of the components are not added up: the axis d_k is still there. A score is their sum over that
    axis."""
    return _pairs(query, key)


@product.slip
def summed_over_the_keys(query, key):
    """The products are added up over the keys, and the components are left. A score adds up the components of one
    query and one key: d_k goes, the keys stay."""
    return _pairs(query, key).sum(axis=-2)


@product.slip
def mean_of_products(query, key):
    """The products are averaged: their sum is divided by d_k. The dot product is the sum itself."""
    return _pairs(query, key).mean(axis=-1)


@product.slip
def last_component_alone(query, key):
    """Each score is the product of the last components alone. It is the sum of all d_k products: each one is added to
    those before it."""
    return _pairs(query, key)[..., -1]


@product.slip
def without_the_first_component(query, key):
    """The first component of every vector, number 0, is left out of the sums."""
    return _pairs(query, key)[..., 1:].sum(axis=-1)


@product.slip
def without_the_last_component(query, key):
    """The last component of every vector is left out of the sums."""
    return _pairs(query, key)[..., :-1].sum(axis=-1)


@product.slip
def components_summed_first(query, key):
    """The components of each vector are added up first, and the two sums are multiplied. Multiply component by
    component first, then add up."""
    return query.sum(axis=-1)[..., :, None] * key.sum(axis=-1)[..., None, :]


@product.slip
def negative_distances(query, key):
    """These are negative squared distances between queries and keys. A dot product multiplies component by component
    and adds up."""
    return -((query[..., :, None, :] - key[..., None, :, :]) ** 2).sum(axis=-1)


@product.slip
def unit_keys(query, key):
    """The keys are brought to norm 1 before the product. A dot product keeps the norms."""
    return query @ (key / np.linalg.norm(key, axis=-1, keepdims=True)).swapaxes(-2, -1)


@product.slip
def whole_components(query, key):
    """The components are rounded to whole numbers before the product."""
    return np.rint(query) @ np.rint(key).swapaxes(-2, -1)


@product.slip
def every_sentence_with_every_other(query, key):
    """Every sentence of the first batch is paired with every sentence of the second, as `np.dot` and `np.inner` do. `@`
    keeps each sentence with its own keys."""
    return np.dot(query, key.swapaxes(-2, -1))


@product.slip
def every_axis_with_reversed_keys(query, key):
    """All the axes of key are turned around, and `np.dot` pairs every sentence with every other. Swap the last two
    alone, and use `@`."""
    return np.dot(query, key.T)


@product.slip
def keys_of_the_first_sentence(query, key):
    """All queries meet the keys of the first sentence, and of its first head. Every sentence has keys of its own."""
    return query @ key[(0,) * (key.ndim - 2)].T


@product.slip
def loops_for_one_sentence(query, key):
    """The loops are right for one sentence. With a batch in front, an entry of query is a whole sentence and no query:
    loop over the axes in front as well, or use `@`, which does it for you."""
    return np.array([[q @ k for k in key] for q in query])


@product.slip
def dots_for_one_sentence(query, key):
    """The calls of `np.dot` are right for one sentence. With a batch in front, an entry of query is a whole sentence
    and no query: go through the axes in front as well, or use `@`, which does it for you."""
    return np.array([[np.dot(q, k) for k in key] for q in query])


@product.slip
def one_loop_over_sentences(query, key):
    """The first axis is taken for sentences, which is right with exactly one axis in front. There may be none, or more:
    `@` takes the last two axes, whatever stands before them."""
    return np.stack([q @ k.T for q, k in zip(query, key, strict=False)])


@product.slip
def names_for_one_sentence(query, key):
    """The shape of query is taken apart into two names, which fits one sentence. There may be axes in front: counted
    from the back, query.shape[-2] and [-1] fit all."""
    q_len, d_k = query.shape
    return query.reshape(q_len, d_k) @ key.swapaxes(-2, -1)


@product.slip
def names_for_one_batch(query, key):
    """The shape of query is taken apart into three names, which fits exactly one axis in front. There may be none, or
    more: counted from the back, query.shape[-2] and [-1] fit all."""
    batch, q_len, d_k = query.shape
    return query.reshape(batch, q_len, d_k) @ key.swapaxes(-2, -1)


@product.slip
def einsum_for_one_sentence(query, key):
    """The letters of the einsum name two axes for each array, which fits one sentence. Dots stand for any axes in
    front: `...id`."""
    return np.einsum("id,jd->ij", query, key)


@product.slip
def einsum_for_one_batch(query, key):
    """The letters of the einsum name one axis in front. There may be none, or more: dots stand for any, as in
    `...id`."""
    return np.einsum("bid,bjd->bij", query, key)


@product.slip
def as_many_columns_as_queries(query, key):
    """The result has as many columns as there are queries, where it should have one for every key."""
    out = np.zeros((*query.shape[:-1], query.shape[-2]), dtype=query.dtype)
    for j in range(key.shape[-2]):
        out[..., j] = (query * key[..., j : j + 1, :]).sum(axis=-1)
    return out


@Stage
def laid(product):
    return product  # (..., q_len, k_len)


@laid.slip
def rows_are_keys(product):
    """Rows and columns are swapped: row i should belong to query i and column j to key j."""
    return product.swapaxes(-2, -1)


@laid.slip
def scores_of_a_query_summed(product):
    """The scores of a query are added up over its keys: one number for each query is left. Every key keeps its own
    score."""
    return product.sum(axis=-1)


@laid.slip
def scores_of_a_key_summed(product):
    """The scores of a key are added up over the queries: one number for each key is left. Every query keeps its own
    scores."""
    return product.sum(axis=-2)


@laid.slip
def first_sentence_for_all(product):
    """The scores of the first sentence, and of its first head, stand in the place of all the others."""
    first = product[(0,) * (product.ndim - 2)]
    return np.broadcast_to(first, product.shape).copy()


@laid.slip
def leading_axes_flattened(product):
    """The result always has three axes: those in front are laid into one, or one is added where there is none. They
    come back as they were."""
    return product.reshape(-1, *product.shape[-2:])


@laid.slip
def last_key_zero(product):
    """The scores of the last key are 0, as if a loop over the keys had ended one too early."""
    return np.where(np.arange(product.shape[-1]) == product.shape[-1] - 1, 0, product).astype(product.dtype)


@laid.slip
def first_query_for_all(product):
    """Every row holds the scores of the first query, number 0."""
    return np.repeat(product[..., :1, :], product.shape[-2], axis=-2)


@Stage
def finished(scores):
    return scores


@finished.slip
def softmax_of_the_scores(scores):
    """These are weights: a softmax over the last axis follows the scores. The scores themselves are asked for."""
    return softmax(scores)


@finished.slip
def sign_turned(scores):
    """The scores have the wrong sign."""
    return -scores


@finished.slip
def rounded(scores):
    """The scores are rounded to the nearest whole number."""
    return np.rint(scores)


@finished.slip
def rounded_down(scores):
    """The scores are rounded down to whole numbers, as `//` and `floor` do."""
    return np.floor(scores)


@finished.slip
def whole_numbers(scores):
    """The scores have lost what stands behind the point: they come back as integers. What is filled with floating-point
    numbers needs their dtype."""
    return scores.astype(int)


def identity_keys(rng, name, divisor=1.0):
    """Experiment: with keys that are the identity, the scores are the components of the queries (over a divisor)."""
    query = rng.normal(size=(2, 3, 4))
    yours = yield {"query": query, "key": np.broadcast_to(np.eye(4), (2, 4, 4)).copy()}
    found = first_difference(yours, query / divisor)
    return found and (
        f"With keys that are the identity, {name} is component j of query i{_over(divisor)}: at [{found[0]}] yours is "
        f"{found[1]:.4g}, expected {found[2]:.4g}."
    )


def doubled_queries(rng, inputs):
    """Experiment: with queries twice as long every score is twice as large."""
    once = yield inputs
    twice = yield {**inputs, "query": 2 * inputs["query"]}
    found = first_difference(twice, 2 * once)
    return found and (
        f"With queries twice as long, every score should be twice as large: at [{found[0]}] yours goes from "
        f"{found[2] / 2:.4g} to {found[1]:.4g}."
    )


def swapped_keys(rng, inputs):
    """Experiment: keys in reverse order reverse the columns of the scores."""
    before = yield inputs
    after = yield {**inputs, "key": inputs["key"][..., ::-1, :].copy()}
    found = first_difference(after, before[..., ::-1])
    return found and (
        f"With the keys in reverse order, the columns of the scores should be, too: at [{found[0]}] yours is "
        f"{found[1]:.4g}, expected {found[2]:.4g} by your own scores before."
    )


def one_sentence_changed(rng, inputs):
    """Experiment: what is changed in the second sentence leaves the scores of the first alone, and changes its own."""
    before = yield inputs
    key = inputs["key"].copy()
    key[1] += 1
    after = yield {**inputs, "key": key}
    if first_difference(after[:1], before[:1]):
        return "When the keys of the second sentence alone are changed, your scores of the first sentence change."
    if not first_difference(after[1:], before[1:]):
        return "When the keys of the second sentence are changed, your scores of the second sentence stay the same."
    return None


def _over(divisor):
    return "" if divisor == 1 else f", divided by {divisor:.4g}"
