"""Stages of linear attention, and the slips that people make there; what several tasks share."""

import math

import numpy as np

from grader.stages import Stage


def feature_map(x):
    """elu(x) + 1"""
    return np.maximum(x, 0) + np.exp(np.minimum(x, 0))


@Stage
def phi():
    return feature_map


@phi.slip
def elu_without_the_one():
    """The feature map is elu alone, without the 1 added, and features may be negative. elu(x) + 1 is positive
    everywhere."""
    return lambda x: feature_map(x) - 1


@phi.slip
def relu_as_the_map():
    """The feature map is max(0, x), for queries and keys alike. elu(x) + 1 is positive everywhere: e^x below 0, x + 1
    above."""
    return lambda x: np.maximum(x, 0)


@phi.rare
def relu_and_a_little_as_the_map():
    """The feature map is max(0, x) with 1e-6 added, for queries and keys alike, so that all numbers below 0 are nearly
    0. There it is e^x, and above 0 it is x + 1."""
    return lambda x: np.maximum(x, 0) + x.dtype.type(1e-6)


@phi.rare
def relu_plus_one_as_the_map():
    """The feature map is max(0, x) + 1, for queries and keys alike, and 1 for everything below 0. There it is e^x."""
    return lambda x: np.maximum(x, 0) + 1


@phi.slip
def exponential_as_the_map():
    """The feature map is e^x, for queries and keys alike. elu(x) + 1 is e^x below 0 alone; above 0 it is x + 1."""
    return np.exp


@phi.slip
def softmax_as_the_map():
    """A softmax over d_k stands in the place of the feature map, for queries and keys alike. elu(x) + 1 treats every
    number alone, and there is no softmax in linear attention."""
    return lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


@phi.slip
def no_map():
    """Neither queries nor keys go through the feature map. It makes all features positive, and with them the weights
    and what they are divided by."""
    return lambda x: x


@phi.slip
def both_divided_by_the_root():
    """Queries and keys are both divided by the square root of d_k before the feature map. There is no division by it
    here."""
    return lambda x: feature_map(x / math.sqrt(x.shape[-1]))


@Stage
def queries(phi, query):
    return phi(query)  # (..., q_len, d_k)


@queries.slip
def query_not_mapped(query):
    """The queries do not go through the feature map; only the keys do. Both do."""
    return query


@queries.slip
def query_divided_by_the_root(phi, query):
    """The queries are divided by the square root of d_k before the feature map. There is no division by it here."""
    return phi(query / math.sqrt(query.shape[-1]))


@queries.rare
def exponential_of_the_queries(query):
    """The queries go through e^x, or a softmax over d_k, where the keys go through elu(x) + 1. Both have the same
    feature map."""
    return np.exp(query)


@queries.slip
def keys_for_queries(phi, key, query):
    """The keys stand in the place of the queries: each position asks with its own key."""
    return phi(np.broadcast_to(key, query.shape))


@Stage
def keys(phi, key):
    return phi(key)  # (..., k_len, d_k)


@keys.slip
def key_not_mapped(key):
    """The keys do not go through the feature map; only the queries do. Both do."""
    return key


@keys.slip
def key_mapped_twice(phi, key):
    """The keys go through the feature map twice. Once is enough: is it in a function that is called already?"""
    return phi(phi(key))


@Stage
def remembered(value):
    return value  # (..., k_len, d_v)


@remembered.slip
def value_mapped(phi, value):
    """The values go through the feature map as well. It is for queries and keys; values stay as they are."""
    return phi(value)
