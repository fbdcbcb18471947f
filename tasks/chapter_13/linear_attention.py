"""13.linear_attention: every query asks one sum of keys and values (Katharopoulos et al. 2020, eq. 6)."""

import math

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Drawn, Task
from tasks import linear_stages
from tasks.linear_stages import feature_map
from tasks.probes import apart, first_difference, weights_seen
from tasks.rules import is_informative

known = Known()


def draw(rng, q_len, k_len, d_k, d_v, **leading):
    """Keys far enough from 0 that the feature map bends, and that some of them weigh more than others."""
    axes = tuple(leading.values())
    query, key = (1.5 * rng.normal(size=(*axes, length, d_k)) for length in (q_len, k_len))
    return {"query": query, "key": key, "value": rng.normal(size=(*axes, k_len, d_v))}


def of_the_text(rng, q_len, k_len, d_k, d_v):
    return {
        "query": np.array([[0.0, 1.0], [0.0, 0.0]]),
        "key": np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.0]]),
        "value": np.array([[8.0], [38.0], [4.0]]),
    }


def reference(query, key, value):
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    z = keys.sum(axis=-2)[..., None]
    return queries @ S / (queries @ z)


def weights(query, key, value):
    products = feature_map(query) @ feature_map(key).swapaxes(-2, -1)
    return products / products.sum(axis=-1, keepdims=True)


def _softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


phi = linear_stages.phi.but()
queries = linear_stages.queries.but("keys_for_queries")
keys = linear_stages.keys.but(rare=["key_mapped_twice"])
remembered = linear_stages.remembered.but()


@keys.rare
def key_features_that_sum_to_one(phi, key):
    """Each key's features are divided by their sum, as in the course's delta rule. Here they stay as the map gives
    them."""
    return phi(key) / phi(key).sum(axis=-1, keepdims=True)


@keys.rare
def last_key_left_out(phi, key):
    """The last key is neither in S nor in z, as if the sum ended too early. Every query reads all keys."""
    features = phi(key).copy()
    features[..., -1, :] = 0
    return features


@keys.rare
def first_key_left_out(phi, key):
    """The first key is neither in S nor in z, as if the sum began with 1. Positions count from 0, and every query reads
    all keys."""
    features = phi(key).copy()
    features[..., 0, :] = 0
    return features


@Stage
def S(keys, remembered):
    return keys.swapaxes(-2, -1) @ remembered  # (..., d_k, d_v)


@S.slip
def S_of_unmapped_keys(key, remembered):
    """S is made of the keys as they came, without the feature map. The same features of the keys are in S and in z."""
    return key.swapaxes(-2, -1) @ remembered


@S.slip
def S_averaged(keys, remembered):
    """S is divided by the number of keys. It is a sum; dividing by the features' own sum, at the end, is all."""
    return keys.swapaxes(-2, -1) @ remembered / keys.shape[-2]


@S.slip
def S_of_all_sentences(keys, remembered):
    """One S serves all sentences and heads: it is summed over the leading axes as well. Sum over the keys alone, axis
    -2."""
    of_each = keys.swapaxes(-2, -1) @ remembered
    return of_each.sum(axis=tuple(range(of_each.ndim - 2)))


@S.slip
def S_of_the_last_key(keys, remembered):
    """S holds the last key and its value alone. It is the sum over all keys."""
    return keys[..., -1:, :].swapaxes(-2, -1) @ remembered[..., -1:, :]


@S.rare
def keys_reshaped(keys, remembered):
    """The keys' features are reshaped to (..., d_k, k_len), which mixes those of different keys. Swapping the last two
    axes keeps each with its key."""
    return keys.reshape(*keys.shape[:-2], keys.shape[-1], keys.shape[-2]) @ remembered


@S.slip
def S_of_the_separate_sums(keys, remembered):
    """Every output is the sum of all values, whatever the queries and keys are. Each key has to be multiplied with its
    own value before anything is added up: S is the sum of phi(k) v^T."""
    return keys.sum(axis=-2)[..., :, None] * remembered.sum(axis=-2)[..., None, :]


@Stage
def z(keys):
    return keys.sum(axis=-2)  # (..., d_k)


@z.slip
def z_of_unmapped_keys(key):
    """z is the sum of the keys as they came, without the feature map. The same features of the keys are in S and in
    z."""
    return key.sum(axis=-2)


@z.rare
def map_of_the_sum(key):
    """z is the feature map of the sum of the keys. Each key goes through the map first, and then they are summed."""
    return feature_map(key.sum(axis=-2))


@z.slip
def z_averaged(keys):
    """z is the mean of the keys' features. It is their sum, as S is a sum."""
    return keys.mean(axis=-2)


@z.slip
def z_of_all_sentences(keys):
    """One z serves all sentences and heads: it is summed over the leading axes as well. Sum over the keys alone, axis
    -2."""
    return keys.sum(axis=tuple(range(keys.ndim - 1)))


@z.slip
def z_of_the_last_key(keys):
    """z holds the last key alone. It is the sum over all keys."""
    return keys[..., -1, :]


@z.slip
def z_of_the_queries(queries):
    """z is the sum of the queries' features. It is the sum over the keys: what S would be if every value were 1."""
    return queries.sum(axis=-2)


@Stage
def numerator(queries, S):
    return queries @ S  # (..., q_len, d_v)


@Stage
def normalizer(queries, z):
    return (queries @ z[..., None])[..., 0]  # (..., q_len)


@normalizer.slip
def no_normalizer(queries):
    """Nothing is divided by, and the weights of a query do not sum to 1. Divide by phi(q)^T z."""
    return np.ones_like(queries[..., 0])


@normalizer.slip
def normalizer_without_the_query(queries, z):
    """The query has no part in what is divided by: it is the sum of all features of all keys, the same for every query.
    It should be phi(q)^T z."""
    return np.broadcast_to(z.sum(axis=-1)[..., None], queries.shape[:-1])


@normalizer.slip
def number_of_keys(queries, keys):
    """The sum is divided by the number of keys. It should be divided by the sum of the weights, phi(q)^T z."""
    return np.full_like(queries[..., 0], keys.shape[-2])


@normalizer.slip
def root_of_d_k(queries):
    """The sum is divided by the square root of d_k, and by nothing else. There is no root in linear attention: divide
    by phi(q)^T z."""
    return np.full_like(queries[..., 0], math.sqrt(queries.shape[-1]))


@normalizer.slip
def one_normalizer_for_all_queries(queries, z):
    """All queries are divided by the same number, the sum of what each should be divided by, so that all weights of a
    sentence together sum to 1. Each query has its own, phi(q)^T z."""
    own = (queries @ z[..., None])[..., 0]
    return np.broadcast_to(own.sum(axis=-1, keepdims=True), own.shape)


@normalizer.rare
def normalizer_without_the_map(query, key):
    """What is divided by is q^T and the sum of the keys, both without the feature map. It is phi(q)^T z: the same
    features above and below."""
    return (query @ key.sum(axis=-2)[..., None])[..., 0]


@normalizer.rare
def one_normalizer_for_all_sentences(queries, z):
    """All queries of all sentences and heads are divided by one number, the sum over everything. Each query has its
    own, phi(q)^T z: sum over the keys alone."""
    own = (queries @ z[..., None])[..., 0]
    return np.broadcast_to(own.sum(), own.shape)


@normalizer.slip
def small_number_in_the_normalizer(queries, z):
    """A small number, 1e-6, is added to what is divided by. All features are positive, so that it is never 0, and the
    text asks for nothing to be added."""
    return (queries @ z[..., None])[..., 0] + queries.dtype.type(1e-6)


def _small_number(number):
    def slip(queries, z):
        return (queries @ z[..., None])[..., 0] + queries.dtype.type(number)

    slip.__name__ = f"small_number_{number}_in_the_normalizer"
    slip.__doc__ = f"""A number, {number}, is added to what is divided by. It is phi(q)^T z alone, which is positive: no
    feature is 0, and nothing has to be added."""
    return slip


for number in ("1e-7", "1e-5", "1e-4", "1e-3", "1e-2"):
    normalizer.rare(_small_number(number))


@normalizer.slip
def one_in_the_normalizer(queries, z):
    """What is divided by is too large by 1. It is phi(q)^T z, without anything added."""
    return (queries @ z[..., None])[..., 0] + queries.dtype.type(1)


@normalizer.slip
def length_of_the_query_for_z(queries):
    """The sum is divided by the sum of the query's own features. The keys' are missing: it is phi(q)^T z."""
    return queries.sum(axis=-1)


@Stage
def output(numerator, normalizer):
    return numerator / normalizer[..., None]


@output.slip
def multiplied_by_the_normalizer(numerator, normalizer):
    """The sum is multiplied by phi(q)^T z. It is divided by it."""
    return numerator * normalizer[..., None]


@output.slip
def divided_by_its_own_sum(numerator):
    """The output is divided by the sum of its own components, so that they sum to 1. It is the weights that should sum
    to 1: divide by phi(q)^T z."""
    return numerator / numerator.sum(axis=-1, keepdims=True)


@output.slip
def divided_by_the_root_of_the_normalizer(numerator, normalizer):
    """The sum is divided by the root of phi(q)^T z. Divide by phi(q)^T z itself."""
    return numerator / np.sqrt(normalizer)[..., None]


@output.rare
def last_query_alone(numerator, normalizer):
    """Only the output of the last query comes back. Each query has one: (..., q_len, d_v)."""
    return numerator[..., -1, :] / normalizer[..., -1, None]


@output.rare
def normalizer_alone(normalizer):
    """This is what the outputs are to be divided by, phi(q)^T z. The output is phi(q)^T S, divided by it."""
    return normalizer[..., None]


@output.slip
def divided_twice(numerator, normalizer):
    """The sum is divided by phi(q)^T z twice. Once is enough."""
    return numerator / normalizer[..., None] ** 2


@output.slip
def output_divided_by_the_root(numerator, normalizer, key):
    """The output is divided by the square root of d_k besides. There is no root in linear attention."""
    return numerator / normalizer[..., None] / math.sqrt(key.shape[-1])


@known.mistake
def softmax_attention(query, key, value):
    """This is softmax attention, with scores divided by the square root of d_k. Linear attention has neither: the
    weight of a key is phi(q)^T phi(k), divided by the sum of these."""
    return _softmax(query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])) @ value


@known.mistake
def softmax_attention_not_scaled(query, key, value):
    """This is softmax attention: the weights are made of e^(q^T k). In linear attention the weight of a key is phi(q)^T
    phi(k), divided by the sum of these."""
    return _softmax(query @ key.swapaxes(-2, -1)) @ value


@known.mistake
def softmax_of_the_features(query, key, value):
    """A softmax is taken of phi(q)^T phi(k). These products are positive already; they are divided by their sum, and
    that is all."""
    return _softmax(feature_map(query) @ feature_map(key).swapaxes(-2, -1)) @ value


@known.mistake
def softmax_of_the_scaled_features(query, key, value):
    """A softmax is taken of phi(q)^T phi(k), divided by the square root of d_k. These products are positive already;
    they are divided by their sum, and that is all."""
    scores = feature_map(query) @ feature_map(key).swapaxes(-2, -1)
    return _softmax(scores / math.sqrt(query.shape[-1])) @ value


@known.mistake
def map_of_the_scores(query, key, value):
    """The feature map is applied to the scores q^T k. It belongs to queries and keys, each alone, before they meet."""
    products = feature_map(query @ key.swapaxes(-2, -1))
    return products / products.sum(axis=-1, keepdims=True) @ value


@known.mistake
def map_of_the_scaled_scores(query, key, value):
    """The feature map is applied to the scores q^T k, divided by the square root of d_k. It belongs to queries and
    keys, each alone, before they meet; and there is no root."""
    products = feature_map(query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1]))
    return products / products.sum(axis=-1, keepdims=True) @ value


@known.mistake
def S_divided_by_z(query, key, value):
    """Each row of S is divided by its component of z, and the queries read from that. Then the weights of a query do
    not sum to 1. It is phi(q)^T S that is divided, by phi(q)^T z."""
    keys = feature_map(key)
    return feature_map(query) @ (keys.swapaxes(-2, -1) @ value / keys.sum(axis=-2)[..., None])


@known.mistake
def features_of_both_sum_to_one(query, key, value):
    """Each query's features are divided by their sum, and each feature of the keys by its sum over the keys. The
    weights sum to 1, but they are others than phi(q)^T phi(k), divided by the sum over the keys."""
    queries, keys = feature_map(query), feature_map(key)
    queries = queries / queries.sum(axis=-1, keepdims=True)
    return queries @ ((keys / keys.sum(axis=-2, keepdims=True)).swapaxes(-2, -1) @ value)


@known.mistake
def number_by_number(query, key, value):
    """Keys and values are multiplied number by number, k * v, and d_k and d_v differ. S wants every component of one
    with every component of the other: phi(K)^T V, by `@`."""
    queries, keys = feature_map(query), feature_map(key)
    S = (keys * value).sum(axis=-2)
    return queries * S / (queries @ keys.sum(axis=-2)[..., None])


@known.mistake
def keepdim_of_torch(query, key, value):
    """keepdim is PyTorch's word; in NumPy it is keepdims."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    z = keys.sum(axis=-2, keepdim=True)
    return (queries @ S) / (queries * z).sum(axis=-1, keepdims=True)


@known.mistake
def weights_alone(query, key, value):
    """These are the weights, a number for each query and key. The output is one step further: the values, shared out by
    them."""
    return weights(query, key, value)


@known.mistake
def columns_sum_to_one(query, key, value):
    """The weights of each key sum to 1 over the queries. Those of each query should, over the keys."""
    products = feature_map(query) @ feature_map(key).swapaxes(-2, -1)
    return products / products.sum(axis=-2, keepdims=True) @ value


@known.mistake
def softmax_on_both_sides(query, key, value):
    """The queries go through a softmax over d_k, the keys through one over the positions, as in another linear
    attention (Shen et al. 2018). Here both go through elu(x) + 1, and the sum is divided by phi(q)^T z."""
    return _softmax(query) @ (_softmax(key.swapaxes(-2, -1)) @ value)


@known.mistake
def memory_alone(query, key, value):
    """This is S, which the queries have not been asked yet: (..., d_k, d_v). Each query reads from it: phi(q)^T S."""
    return feature_map(key).swapaxes(-2, -1) @ value


@known.mistake
def average_of_the_values(query, key, value):
    """Every query gets the plain average of all values. A value counts as much as phi(q)^T phi(k) of its key says."""
    mean = value.mean(axis=-2, keepdims=True)
    return np.broadcast_to(mean, (*query.shape[:-1], value.shape[-1]))


@known.mistake
def keys_not_transposed(query, key, value):
    """The keys' features are multiplied with the values as they are, (..., k_len, d_k) with (..., k_len, d_v), and the
    shapes do not fit. What both share, the positions, is summed over: swap the last two axes of the keys."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys @ value
    z = keys.sum(axis=-2)
    return (queries @ S) / (queries @ z[..., None])


@known.mistake
def all_axes_turned(query, key, value):
    """`.T` turns all axes around, the leading ones too. `.swapaxes(-2, -1)` swaps the last two."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.T @ value
    return (queries @ S) / (queries @ keys.sum(axis=-2)[..., None])


@known.mistake
def transposed_for_tensors(query, key, value):
    """NumPy's transpose wants the order of all axes, where PyTorch's takes two to swap: `.swapaxes(-2, -1)`."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.transpose(-2, -1) @ value
    return (queries @ S) / (queries @ keys.sum(axis=-2)[..., None])


@known.mistake
def normalizer_without_an_axis(query, key, value):
    """The sum has shape (..., q_len, d_v), what it is divided by (..., q_len), and the last axes do not meet as they
    should. Give the second an axis of size 1 at the end: [..., None]."""
    queries, keys = feature_map(query), feature_map(key)
    numerator = queries @ (keys.swapaxes(-2, -1) @ value)
    normalizer = np.einsum("...nd,...d->...n", queries, keys.sum(axis=-2))
    return numerator / normalizer


@known.mistake
def z_as_one_vector(query, key, value):
    """z has shape (..., d_k), and a matrix product takes the leading axes of it for a matrix. As a column, z[...,
    None], it gives one number for each query."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    z = keys.sum(axis=-2)
    return (queries @ S) / (queries @ z)


@known.mistake
def normalizer_without_an_axis_at_once(query, key, value):
    """What is divided by has one number for each query, (..., q_len), and meets (..., q_len, d_v), where the last axis
    is that of the components. Give it an axis of size 1 at the end: [..., None]."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    normalizer = (queries * keys.sum(axis=-2)[..., None, :]).sum(axis=-1)
    return (queries @ S) / normalizer


@known.mistake
def z_over_axis_one(query, key, value):
    """z is summed over axis 1, which is that of the keys only if one axis stands in front. The keys are on the last
    axis but one: axis=-2."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    return (queries @ S) / (queries @ keys.sum(axis=1)[..., None])


@known.mistake
def z_as_a_row(query, key, value):
    """z is kept as a row, (..., 1, d_k), and a matrix product with the queries wants a column. z.swapaxes(-2, -1) is
    one; so is z[..., None] of a z summed without keepdims."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    return (queries @ S) / (queries @ keys.sum(axis=-2, keepdims=True))


@known.mistake
def query_times_z_without_a_sum(query, key, value):
    """phi(q) and z are multiplied component by component, and d_k numbers are left. phi(q)^T z is their sum, one
    number for each query."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    return (queries @ S) / (queries * keys.sum(axis=-2, keepdims=True))


@known.mistake
def weights_over_sums_without_an_axis(query, key, value):
    """There is one sum of weights for each query, (..., q_len), and the last axis of what it divides is that of the
    keys. keepdims=True leaves an axis of size 1 there."""
    products = feature_map(query) @ feature_map(key).swapaxes(-2, -1)
    return (products / products.sum(axis=-1)) @ value


@known.mistake
def outputs_over_sums_without_an_axis(query, key, value):
    """There is one sum of weights for each query, (..., q_len), and the last axis of what it divides is that of the
    values' components. keepdims=True leaves an axis of size 1 there."""
    products = feature_map(query) @ feature_map(key).swapaxes(-2, -1)
    return products @ value / products.sum(axis=-1)


@known.mistake
def z_over_the_first_axis(query, key, value):
    """z is summed over the first axis, axis 0, and there may stand sentences or heads. The keys are on the last axis
    but one: axis=-2."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    z = keys.sum(axis=0)
    return (queries @ S) / (queries @ z[..., None])


@known.mistake
def z_over_the_features(query, key, value):
    """z is summed over the features, axis -1, so that one number for each key is left. It is summed over the keys, axis
    -2: d_k numbers are left."""
    queries, keys = feature_map(query), feature_map(key)
    S = keys.swapaxes(-2, -1) @ value
    z = keys.sum(axis=-1)
    return (queries @ S) / (queries @ z[..., None])


@known.mistake
def einsum_of_two_axes(query, key, value):
    """The letters of einsum name two axes, and there may be more in front. "...nd,...nv->...dv" takes them along."""
    queries, keys = feature_map(query), feature_map(key)
    S = np.einsum("nd,nv->dv", keys, value)
    return (queries @ S) / (queries @ keys.sum(axis=-2)[..., None])


@known.mistake
def past_alone(query, key, value):
    """Query i reads keys 0 to i alone, as under a causal mask. Here there is no mask: every query reads all keys."""
    products = np.tril(feature_map(query) @ feature_map(key).swapaxes(-2, -1))
    return products / products.sum(axis=-1, keepdims=True) @ value


@known.mistake
def two_axes_expected(query, key, value):
    """Two axes are expected, and there may be leading ones: (..., q_len, d_k). Count axes from the end, -2 and -1."""
    q_len, d_k = query.shape
    S = feature_map(key).T.reshape(d_k, -1) @ value
    normalizer = feature_map(query) @ feature_map(key).sum(axis=0)
    return feature_map(query) @ S / normalizer.reshape(q_len, 1)


@known.probe
def identity_values(rng):
    inputs = draw(rng, q_len=3, k_len=5, d_k=4, d_v=5)
    seen = weights_seen((yield {**inputs, "value": np.eye(5)}))
    return seen and f"With values that are the identity, your result is your weights: {seen}."


@known.probe
def values_of_one(rng):
    inputs = draw(rng, q_len=3, k_len=5, d_k=4, d_v=2)
    yours = yield {**inputs, "value": np.ones((5, 2))}
    found = first_difference(yours, np.ones_like(yours))
    return found and (
        f"With values that are all 1, every output should be 1, since the weights of a query sum to 1; at [{found[0]}] "
        f"yours is {found[1]:.4g}."
    )


@known.probe
def keys_of_zeros(rng):
    inputs = draw(rng, q_len=3, k_len=4, d_k=2, d_v=3)
    yours = yield {**inputs, "key": np.zeros((4, 2))}
    found = first_difference(yours, np.broadcast_to(inputs["value"].mean(axis=0), yours.shape))
    return found and (
        "With keys of zeros, all weights of a query are equal, and it should get the average of the values: at [{}] "
        "yours is {}, the average {}.".format(found[0], *apart(*found[1:]))
    )


@known.probe
def one_feature(rng):
    query, key = np.array([[1.0]]), np.array([[-1.0], [3.0]])
    yours = yield {"query": query, "key": key, "value": np.array([[0.0], [1.0]])}
    right = 4 / (4 + math.exp(-1))
    if abs(yours[0, 0] - right) > 1e-6:
        return (
            "With d_k = 1, the query 1, the keys -1 and 3, the values 0 and 1, the result is the weight of the second "
            "key, {1}; yours is {0}.".format(*apart(yours[0, 0], right))
        )
    return None


@known.legal
def by_the_weights(query, key, value):
    products = np.einsum("...id,...jd->...ij", feature_map(query), feature_map(key))
    return np.einsum("...ij,...jv->...iv", products / products.sum(axis=-1)[..., None], value)


@known.legal
def with_loops(query, key, value):
    output = np.zeros((*query.shape[:-1], value.shape[-1]), dtype=query.dtype)
    for place in np.ndindex(query.shape[:-2]):
        S, z = 0, 0
        for k, v in zip(key[place], value[place], strict=True):
            S, z = S + np.outer(feature_map(k), v), z + feature_map(k)
        for i, q in enumerate(query[place]):
            output[place][i] = feature_map(q) @ S / (feature_map(q) @ z)
    return output


@known.legal
def with_a_value_of_one(query, key, value):
    """z is one more column of S: that of a value that is always 1."""
    longer = np.concatenate([value, np.ones_like(value[..., :1])], axis=-1)
    read = feature_map(query) @ (feature_map(key).swapaxes(-2, -1) @ longer)
    return read[..., :-1] / read[..., -1:]


@known.legal
def with_torch(query, key, value):
    import torch

    query, key, value = map(torch.from_numpy, (query, key, value))
    query, key = torch.nn.functional.elu(query) + 1, torch.nn.functional.elu(key) + 1
    return ((query @ (key.mT @ value)) / (query * key.sum(-2, keepdim=True)).sum(-1, keepdim=True)).numpy()


@known.legal
def in_double_precision(query, key, value):
    shifted = [np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))) for x in (query.astype(float), key.astype(float))]
    S = (shifted[1][..., :, None] * value[..., None, :]).sum(axis=-3)
    return (shifted[0] @ S / (shifted[0] * shifted[1].sum(axis=-2)[..., None, :]).sum(axis=-1)[..., None]).astype(
        query.dtype
    )


@known.borrowed
def by_course_lib(query, key, value):
    from course_lib.relatives import linear_attention

    return linear_attention.linear_attention(query, key, value)


@known.borrowed
def by_course_lib_weights(query, key, value):
    from course_lib.relatives import linear_attention

    return linear_attention.linear_attention_weights(query, key) @ value


TASK = Task(
    id="13.linear_attention",
    title="One sum for all queries",
    difficulty=2,
    minutes=12,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", dict(q_len=2, k_len=3, d_k=2, d_v=1), draw=of_the_text),
        Case("4 queries, 5 keys", dict(q_len=4, k_len=5, d_k=3, d_v=2)),
        Case("2 sentences", dict(batch=2, q_len=3, k_len=6, d_k=4, d_v=5), points=2),
        Case(
            "3 sentences, 2 heads, float32", dict(batch=3, num_heads=2, q_len=4, k_len=7, d_k=5, d_v=6), dtype="float32"
        ),
        Case("one query, one feature", dict(batch=3, q_len=1, k_len=4, d_k=1, d_v=2), draw=draw),
    ),
    finished=(
        "course_lib.relatives.linear_attention.linear_attention",
        "course_lib.relatives.linear_attention.linear_attention_weights",
    ),
    hints=(
        "The sum over the keys does not depend on the query. What can be summed once, before any query comes?",
        "S is the sum of phi(k_j) v_j^T, a matrix (d_k, d_v); z is the sum of phi(k_j), a vector. Which matrix product "
        "sums over the positions that keys and values share?",
        "S = phi(K)^T V, with the last two axes of phi(K) swapped. Every query's sum is a row of phi(Q) S; it is "
        "divided by that query's phi(q)^T z.",
        "`S = keys.swapaxes(-2, -1) @ value` and `z = keys.sum(axis=-2)`. As a column, z[..., None], z gives (..., "
        "q_len, 1) behind the queries: the shape that divides (..., q_len, d_v).",
    ),
    drawn=(Drawn("some keys weigh more than others", lambda *inputs: is_informative(weights(*inputs))),),
    stages=(phi, queries, keys, remembered, S, z, numerator, normalizer, output),
    coincidences={
        "query_not_mapped + key_not_mapped": "no_map",
        "S_of_unmapped_keys + z_of_unmapped_keys": "key_not_mapped",
        "S_averaged + no_normalizer": "number_of_keys",
        "no_normalizer + output_divided_by_the_root": "root_of_d_k",
    },
    cancelling=("S_averaged + z_averaged",),
    **known.ways,
)
