"""The stages of attention with what else goes wrong where people build it for the first time, in chapters 03 and 04."""

import math

import numpy as np

from tasks import attention_stages

product = attention_stages.product.but()
scaled = attention_stages.scaled.but()
weights = attention_stages.weights.but()
output = attention_stages.output.but()


@product.slip
def keys_reshaped(query, key):
    """The keys are laid out anew, with d_k rows, and their numbers end up in other vectors: a reshape reads on row by
    row. Swap the last two axes instead: key.swapaxes(-2, -1)."""
    return query @ key.reshape((*key.shape[:-2], key.shape[-1], key.shape[-2]))


@product.slip
def values_for_keys(query, value):
    """The queries are compared with the values. The scores come from queries and keys; the values come last."""
    return query @ value.swapaxes(-2, -1)


@product.slip
def entries_of_queries_and_keys(query, key):
    """Queries and keys are multiplied entry by entry, with `*`. Each score is the dot product of a whole query with a
    whole key: `@`, with the keys transposed."""
    return query * key


@product.slip
def entries_of_queries_and_swapped_keys(query, key):
    """Queries and transposed keys are multiplied entry by entry, with `*`. The matrix product is `@`."""
    return query * key.swapaxes(-2, -1)


@product.slip
def negative_distances(query, key):
    """The scores are squared distances between queries and keys, with a minus. They should be dot products."""
    return -((query[..., :, None, :] - key[..., None, :, :]) ** 2).sum(axis=-1)


@scaled.slip
def multiplied_by_d_k(product, query):
    """The scores are multiplied by d_k; they should be divided by its square root."""
    return product * query.shape[-1]


@scaled.slip
def root_of_d_v(product, value):
    """Under the root stands d_v, the length of a value. It has to be d_k: the scores come from queries and keys, and
    the values have no part in them."""
    return product / math.sqrt(value.shape[-1])


@scaled.slip
def divided_by_two(product):
    """The scores are divided by 2, whatever d_k is. Divide by its square root; that is 2 for d_k = 4 alone."""
    return product / 2


@scaled.slip
def root_of_two(product):
    """The scores are divided by the root of 2, whatever d_k is. It has to be the root of d_k."""
    return product / math.sqrt(2)


@scaled.slip
def fourth_root(product, query):
    """The scores are divided by the fourth root of d_k, as if the square root were taken twice. Once is enough."""
    return product / query.shape[-1] ** 0.25


@scaled.slip
def divided_by_the_square(product, query):
    """The scores are divided by d_k squared. It has to be the square root of d_k."""
    return product / query.shape[-1] ** 2


@weights.slip
def powers_of_two(scores):
    """The weights are made of powers of 2. Softmax takes powers of e, as np.exp does."""
    return attention_stages.weights(scores * math.log(2))


@weights.slip
def divided_by_the_largest(scores):
    """The largest weight of each row is 1, whatever the others are: the exponentials are not divided by their sum."""
    weights = attention_stages.weights(scores)
    return weights / np.maximum(weights.max(axis=-1, keepdims=True), np.finfo(weights.dtype).tiny)


@output.slip
def sum_of_the_values(weights, value):
    """Every query gets the plain sum of all values; the weights have no part in it."""
    return np.zeros_like(weights @ value) + value.sum(axis=-2, keepdims=True)


@output.slip
def output_divided_by_the_root(weights, value, query):
    """The output is divided by the square root of d_k. Only the scores are, before the softmax."""
    return weights @ value / math.sqrt(query.shape[-1])


@output.slip
def output_divided_by_the_keys(weights, value):
    """The output is divided by the number of keys. The weights of a row sum to 1, so it is an average already."""
    return weights @ value / weights.shape[-1]


@output.slip
def softmax_of_the_output(weights, value):
    """Softmax is taken of the output as well. It belongs on the scores alone: it makes the weights."""
    return attention_stages.weights(weights @ value)


@output.slip
def entries_of_weights_and_values(weights, value):
    """Weights and values are multiplied entry by entry, with `*`. The output sums over the keys: `@`."""
    return weights * value


@output.slip
def values_transposed(weights, value):
    """The values are transposed before they meet the weights: (q_len, k_len) times (d_v, k_len) does not fit. They come
    as they are: (k_len, d_v)."""
    return weights @ value.swapaxes(-2, -1)


@output.slip
def queries_added(weights, value, query):
    """The queries are added to the output. The formula has no such sum, and d_k need not be d_v."""
    return query + weights @ value
