"""13.recurrent_linear_attention: one position after the other, with a state (Katharopoulos et al. 2020, eq. 16-20)."""

import math

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Drawn, Task
from tasks import linear_stages
from tasks.linear_stages import feature_map
from tasks.probes import apart, first_difference, seen_from_a_change, weights_seen
from tasks.rules import is_informative

known = Known()


def draw(rng, length, d_k, d_v, **leading):
    axes = tuple(leading.values())
    query, key = (scale * rng.normal(size=(*axes, length, d_k)) for scale in (1.5, 2.5))
    return {"query": query, "key": key, "value": rng.normal(size=(*axes, length, d_v))}


def of_the_text(rng, length, d_k, d_v):
    return {
        "query": np.array([[-1.0], [0.0], [1.0]]),
        "key": np.array([[0.0], [1.0], [2.0]]),
        "value": np.array([[10.0], [40.0], [60.0]]),
    }


def reference(query, key, value):
    queries, keys = feature_map(query), feature_map(key)
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    z = np.zeros_like(key[..., 0, :])
    output = np.empty((*query.shape[:-1], value.shape[-1]), dtype=value.dtype)
    for i in range(query.shape[-2]):
        S = S + keys[..., i, :, None] * value[..., i, None, :]
        z = z + keys[..., i, :]
        q = queries[..., i, None, :]
        output[..., i, :] = ((q @ S) / (q @ z[..., None]))[..., 0, :]
    return output


def weights(query, key, value):
    products = np.tril(feature_map(query) @ feature_map(key).swapaxes(-2, -1))
    return products / products.sum(axis=-1, keepdims=True)


phi = linear_stages.phi.but(rare=["both_divided_by_the_root"])
queries = linear_stages.queries.but()
keys = linear_stages.keys.but(rare=["key_mapped_twice"])
remembered = linear_stages.remembered.but()


@keys.rare
def queries_for_keys(phi, query):
    """S and z are made of the queries' features. What is written are the keys'; the queries read."""
    return phi(query)


@Stage
def products(keys, remembered):
    return keys[..., :, None] * remembered[..., None, :]  # (..., length, d_k, d_v): what each position writes


@products.slip
def products_of_unmapped_keys(key, remembered):
    """S is made of the keys as they came, without the feature map. The same features of the keys are in S and in z."""
    return key[..., :, None] * remembered[..., None, :]


@Stage
def kept():
    """What a state is at each position, of what the positions write: (..., length, n) -> (..., length, n)."""
    return lambda written: written.cumsum(axis=-2)


@kept.slip
def read_before_written():
    """A position reads the state before its own key and value are in it, and the first one finds it empty. Write first,
    then read: a position sees itself."""
    return lambda written: written.cumsum(axis=-2) - written


@kept.slip
def nothing_kept():
    """Every output is the position's own value: the state holds the current position alone. Add to S and to z, position
    by position."""
    return lambda written: written


@kept.slip
def future_kept_too():
    """Every position reads all positions, the future with them, as if from the last state. Position i reads when i has
    just been written."""
    return lambda written: np.broadcast_to(written.sum(axis=-2, keepdims=True), written.shape)


@kept.slip
def from_ones():
    """The state begins with ones. It begins with zeros: nothing has been read yet."""
    return lambda written: 1 + written.cumsum(axis=-2)


@kept.slip
def backward():
    """The positions are read from the last to the first: each sees itself and the future. Begin with position 0."""
    return lambda written: np.flip(np.flip(written, -2).cumsum(axis=-2), -2)


@kept.slip
def carried_over():
    """The state goes on from one sentence, or head, to the next. Each has a state of its own, which begins with
    zeros."""
    return lambda written: written.reshape(-1, written.shape[-1]).cumsum(axis=0).reshape(written.shape)


@kept.slip
def shared_by_all_sentences():
    """One state serves all sentences and heads: what they write is added up. Each has a state of its own."""

    def of_all(written):
        together = written.sum(axis=tuple(range(written.ndim - 2)), keepdims=True)
        return np.broadcast_to(together.cumsum(axis=-2), written.shape)

    return of_all


@kept.slip
def first_position_not_written():
    """The first position is never written into the state, and finds it empty when it reads. The loop begins with
    position 0."""
    return lambda written: written.cumsum(axis=-2) - written[..., :1, :]


@kept.rare
def first_position_written_twice():
    """The first position is in S and z twice: the state begins with it, and the loop adds it once more. Begin with
    zeros, or the loop with position 1."""
    return lambda written: written.cumsum(axis=-2) + written[..., :1, :]


@kept.slip
def two_positions_kept():
    """The state holds the current position and the one before, and no other. Every position adds to what is there."""

    def two(written):
        before = np.zeros_like(written)
        before[..., 1:, :] = written[..., :-1, :]
        return written + before

    return two


@kept.rare
def one_position_too_far():
    """Every position sees one position of the future. Position i reads when positions 0 to i have been written."""

    def too_far(written):
        states = written.cumsum(axis=-2)
        return np.concatenate([states[..., 1:, :], states[..., -1:, :]], axis=-2)

    return too_far


@kept.rare
def halved_at_every_position():
    """What the state holds counts half as much after every position: it is averaged with what is written, or halved. It
    is added to, and keeps everything as it was."""

    def halved(written):
        state, states = np.zeros_like(written[..., 0, :]), []
        for i in range(written.shape[-2]):
            state = state / written.dtype.type(2) + written[..., i, :]
            states.append(state)
        return np.stack(states, axis=-2)

    return halved


@kept.slip
def added_up_along_the_first_axis():
    """S and z are added up along the first axis, and there may stand sentences or heads. The positions are on the last
    axis but one of the keys: axis=-2, and -3 once each has its d_k x d_v products."""
    return lambda written: written.cumsum(axis=0)


def _flat(kept, products):
    return kept(products.reshape((*products.shape[:-2], -1))).reshape(products.shape)


@Stage
def S(kept, products):
    return _flat(kept, products)  # (..., length, d_k, d_v)


@S.slip
def S_before_the_position(kept, products):
    """S is read before the position itself is in it, though z has it. Write both, then read."""
    return _flat(kept, products) - products


@S.slip
def S_overwritten(products):
    """S holds the current position alone: it is set anew each time. Add to it: S = S + phi(k) v^T."""
    return products


@S.slip
def S_of_all_positions(products):
    """S is that of all positions, the future with them, wherever it is read. Position i reads S as it is when i has
    just been written."""
    return np.broadcast_to(products.sum(axis=-3, keepdims=True), products.shape)


@S.slip
def S_from_ones(kept, products):
    """S begins with ones. It begins with zeros: nothing has been read yet."""
    return 1 + _flat(kept, products)


@S.slip
def S_of_the_separate_sums(keys, remembered):
    """Every output is the sum of the values so far, whatever the queries and keys are. Each key has to be multiplied
    with its own value before anything is added up: S grows by phi(k) v^T of one position."""
    return keys.cumsum(axis=-2)[..., :, None] * remembered.cumsum(axis=-2)[..., None, :]


@S.slip
def z_for_the_key(keys, remembered):
    """S grows by z v^T, where z has all keys so far in it. It grows by phi(k) v^T, with the position's own key."""
    return (keys.cumsum(axis=-2)[..., :, None] * remembered[..., None, :]).cumsum(axis=-3)


@Stage
def z(kept, keys):
    return kept(keys)  # (..., length, d_k)


@z.slip
def z_of_unmapped_keys(key):
    """z is the sum of the keys as they came, without the feature map. The same features of the keys are in S and in
    z."""
    return key.cumsum(axis=-2)


@z.slip
def z_overwritten(keys):
    """z holds the current key alone: it is set anew each time. Add to it: z = z + phi(k)."""
    return keys


@z.slip
def z_of_all_positions(keys):
    """What a position is divided by counts the keys of the future, though what it reads from S does not, so that its
    weights do not sum to 1. Position i reads S and z as they are when i has just been written."""
    return np.broadcast_to(keys.sum(axis=-2, keepdims=True), keys.shape)


@z.slip
def z_from_ones(kept, keys):
    """z begins with ones. It begins with zeros: nothing has been read yet."""
    return 1 + kept(keys)


@z.slip
def z_before_the_position(kept, keys):
    """z is read before the position itself is in it, though S has it; at the first position it is still 0. Write both,
    then read."""
    return kept(keys) - keys


@z.rare
def z_added_up_along_the_features(keys):
    """z is added up along the features, the last axis of the keys, so that it keeps nothing of earlier positions. It is
    added up along the positions, axis -2."""
    return keys.cumsum(axis=-1)


@z.slip
def z_of_the_queries(queries):
    """z is the sum of the queries' features. It is the sum over the keys: what S would be if every value were 1."""
    return queries.cumsum(axis=-2)


@Stage
def numerator(queries, S):
    return (queries[..., None, :] @ S)[..., 0, :]  # (..., length, d_v)


@Stage
def normalizer(queries, z):
    return (queries * z).sum(axis=-1)  # (..., length)


@normalizer.slip
def no_normalizer(queries):
    """Nothing is divided by, and the weights of a position do not sum to 1. Divide by phi(q)^T z."""
    return np.ones_like(queries[..., 0])


@normalizer.slip
def normalizer_without_the_query(z):
    """The query has no part in what is divided by: it is the sum of the components of z. It should be phi(q)^T z."""
    return z.sum(axis=-1)


@normalizer.slip
def number_of_positions(queries):
    """The sum is divided by the number of positions so far. It should be divided by the sum of the weights, phi(q)^T
    z."""
    return np.broadcast_to(np.arange(1, queries.shape[-2] + 1, dtype=queries.dtype), queries.shape[:-1])


@normalizer.slip
def small_number_in_the_normalizer(queries, z):
    """A small number, 1e-6, is added to what is divided by. All features are positive, so that it is never 0, and the
    text asks for nothing to be added."""
    return (queries * z).sum(axis=-1) + queries.dtype.type(1e-6)


def _small_number(number):
    def slip(queries, z):
        return (queries * z).sum(axis=-1) + queries.dtype.type(number)

    slip.__name__ = f"small_number_{number}_in_the_normalizer"
    slip.__doc__ = f"""A number, {number}, is added to what is divided by. It is phi(q)^T z alone, which is positive: no
    feature is 0, and nothing has to be added."""
    return slip


for number in ("1e-5", "1e-4", "1e-3", "1e-2"):
    normalizer.rare(_small_number(number))


@normalizer.rare
def one_normalizer_for_all_sentences(queries, z):
    """At each position, what is divided by is summed over all sentences and heads. Each has its own, phi(q)^T z: sum
    over the features alone, axis -1."""
    own = (queries * z).sum(axis=-1)
    return np.broadcast_to(own.sum(axis=tuple(range(own.ndim - 1)), keepdims=True), own.shape)


@normalizer.slip
def one_in_the_normalizer(queries, z):
    """What is divided by is too large by 1. It is phi(q)^T z, without anything added."""
    return (queries * z).sum(axis=-1) + queries.dtype.type(1)


@Stage
def output(numerator, normalizer):
    return numerator / normalizer[..., None]


@output.slip
def multiplied_by_the_normalizer(numerator, normalizer):
    """What is read from S is multiplied by phi(q)^T z. It is divided by it."""
    return numerator * normalizer[..., None]


@output.slip
def divided_by_its_own_sum(numerator):
    """The output is divided by the sum of its own components, so that they sum to 1. It is the weights that should sum
    to 1: divide by phi(q)^T z."""
    return numerator / numerator.sum(axis=-1, keepdims=True)


@output.slip
def added_up_along_the_way(numerator, normalizer):
    """The outputs are added up from position to position. S and z are; each output is read from them anew."""
    return (numerator / normalizer[..., None]).cumsum(axis=-2)


@output.slip
def last_position_alone(numerator, normalizer):
    """Only the output of the last position comes back. Keep that of every position: (..., length, d_v)."""
    return numerator[..., -1, :] / normalizer[..., -1, None]


@output.slip
def last_output_everywhere(numerator, normalizer):
    """The last position's output stands at every position. Keep each as it comes."""
    last = numerator[..., -1:, :] / normalizer[..., -1:, None]
    return np.broadcast_to(last, numerator.shape)


@output.slip
def first_position_alone(numerator, normalizer):
    """Only the output of the first position comes back, as if the function returned within its loop. Keep that of every
    position: (..., length, d_v)."""
    return numerator[..., 0, :] / normalizer[..., 0, None]


@output.rare
def first_output_in_a_row(numerator, normalizer):
    """Only the output of the first position comes back, as if the function returned within its loop. Return once all
    positions have been read."""
    return (numerator / normalizer[..., None])[..., :1, :]


@output.rare
def averaged_along_the_way(numerator, normalizer):
    """Each output is the mean of the outputs so far. Each is read from the state by itself."""
    outputs = numerator / normalizer[..., None]
    return outputs.cumsum(axis=-2) / np.arange(1, outputs.shape[-2] + 1, dtype=outputs.dtype)[:, None]


@output.rare
def positions_on_axis_one(numerator, normalizer):
    """The outputs are right, and the positions stand on axis 1, which is theirs only if one axis stands in front. They
    belong on the last but one, (..., length, d_v): np.stack(outputs, axis=-2)."""
    return np.moveaxis((numerator / normalizer[..., None]), -2, 1)


@output.slip
def positions_in_front(numerator, normalizer):
    """The outputs are right, and the positions stand on the first axis. They belong on the last but one, (..., length,
    d_v): np.stack(outputs, axis=-2)."""
    return np.moveaxis(numerator / normalizer[..., None], -2, 0)


@known.mistake
def softmax_attention(query, key, value):
    """This is causal softmax attention, with scores divided by the square root of d_k. Linear attention has neither: it
    reads phi(q)^T S, divided by phi(q)^T z."""
    scores = query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])
    past = np.tri(query.shape[-2], dtype=bool)
    exponentials = np.where(past, np.exp(scores), scores.dtype.type(0))
    return exponentials / exponentials.sum(axis=-1, keepdims=True) @ value


@known.mistake
def softmax_attention_not_scaled(query, key, value):
    """This is causal softmax attention: the weights are made of e^(q^T k). Linear attention reads phi(q)^T S, divided
    by phi(q)^T z."""
    exponentials = np.tril(np.exp(query @ key.swapaxes(-2, -1)))
    return exponentials / exponentials.sum(axis=-1, keepdims=True) @ value


@known.mistake
def zero_at_the_first_position(query, key, value):
    """The first output is 0, and each of the others leaves out its own position: the state is read before key and value
    are in it. Write first, then read."""
    output = reference(query, key, value)
    queries, keys = feature_map(query), feature_map(key)
    S = _flat(lambda written: written.cumsum(axis=-2) - written, keys[..., :, None] * value[..., None, :])
    z = keys.cumsum(axis=-2) - keys
    output[..., 0, :] = 0
    output[..., 1:, :] = ((queries[..., None, :] @ S)[..., 0, :] / (queries * z).sum(axis=-1)[..., None])[..., 1:, :]
    return output


@known.mistake
def first_output_left_at_zero(query, key, value):
    """The first output is 0, and the first position is not in the state when the others read: the loop begins with 1.
    Positions count from 0."""
    products = np.tril(feature_map(query) @ feature_map(key).swapaxes(-2, -1))
    products[..., 0] = 0
    output = np.zeros((*query.shape[:-1], value.shape[-1]), dtype=value.dtype)
    output[..., 1:, :] = (products @ value / products.sum(axis=-1, keepdims=True))[..., 1:, :]
    return output


@known.mistake
def columns_sum_to_one(query, key, value):
    """The weights of each key sum to 1 over the positions that read it. Those of each position should, over the
    keys."""
    products = np.tril(feature_map(query) @ feature_map(key).swapaxes(-2, -1))
    return products / products.sum(axis=-2, keepdims=True) @ value


@known.mistake
def softmax_of_the_features(query, key, value):
    """A softmax is taken of phi(q)^T phi(k). These products are positive already; they are divided by their sum, and
    that is all."""
    products = np.tril(np.exp(feature_map(query) @ feature_map(key).swapaxes(-2, -1)))
    return products / products.sum(axis=-1, keepdims=True) @ value


@known.mistake
def hidden_by_minus_infinity(query, key, value):
    """Weights of the future are minus infinity, which goes into their sum, and makes NaN of it. That is for scores,
    before a softmax; here they are 0."""
    products = feature_map(query) @ feature_map(key).swapaxes(-2, -1)
    products = np.where(np.tri(query.shape[-2], dtype=bool), products, products.dtype.type(-np.inf))
    return products / products.sum(axis=-1, keepdims=True) @ value


@known.mistake
def outputs_as_wide_as_the_queries(query, key, value):
    """The array for the outputs is as wide as the queries, d_k. Outputs are made of values: (..., length, d_v)."""
    output = np.zeros_like(query)
    right = reference(query, key, value)
    for i in range(query.shape[-2]):
        output[..., i, :] = right[..., i, :]
    return output


@known.mistake
def S_alone(query, key, value):
    """These are the states S, one for each position, which no query has been asked of. The output is read from them:
    phi(q)^T S, divided by phi(q)^T z."""
    return (feature_map(key)[..., :, None] * value[..., None, :]).cumsum(axis=-3)


@known.mistake
def last_S_alone(query, key, value):
    """This is the last state S, (..., d_k, d_v). What is asked for are the outputs, one for each position."""
    return feature_map(key).swapaxes(-2, -1) @ value


@known.mistake
def running_average(query, key, value):
    """Every position gets the plain average of the values so far. A value counts as much as phi(q)^T phi(k) of its key
    says."""
    counts = np.arange(1, value.shape[-2] + 1, dtype=value.dtype)
    return value.cumsum(axis=-2) / counts[:, None]


@known.mistake
def first_axis_for_the_positions(query, key, value):
    """The positions are looked for on the first axis, query[i], and there may stand sentences or heads. They are on the
    last axis but one: query[..., i, :]."""
    S = np.zeros((key.shape[-1], value.shape[-1]))
    z = np.zeros(key.shape[-1])
    outputs = []
    for i in range(query.shape[-2]):
        q, k = feature_map(query[i]), feature_map(key[i])
        S = S + np.outer(k, value[i])
        z = z + k
        outputs.append(q @ S / (q @ z))
    return np.stack(outputs)


@known.mistake
def loop_over_the_first_axis(query, key, value):
    """The loop goes over the first axis, and there may stand sentences or heads. The positions are on the last axis but
    one: query[..., i, :]."""
    S = np.zeros((key.shape[-1], value.shape[-1]))
    z = np.zeros(key.shape[-1])
    outputs = []
    for q, k, v in zip(feature_map(query), feature_map(key), value, strict=True):
        S = S + np.outer(k, v)
        z = z + k
        outputs.append(q @ S / (q @ z))
    return np.stack(outputs)


@known.mistake
def query_as_a_row_of_a_matrix(query, key, value):
    """A query of several sentences, (..., d_k), meets S by @, and its leading axes are taken for those of a matrix. As
    a row, q[..., None, :] @ S, each sentence's query meets its own S."""
    S, z, outputs = 0, 0, []
    for i in range(query.shape[-2]):
        q, k = feature_map(query[..., i, :]), feature_map(key[..., i, :])
        S = S + k[..., :, None] * value[..., i, None, :]
        z = z + k
        outputs.append(q @ S / (q * z).sum(axis=-1, keepdims=True))
    return np.stack(outputs, axis=-2)


@known.mistake
def queries_as_rows_of_a_matrix(query, key, value):
    """queries[..., i, :] @ S takes the leading axes of the queries for those of a matrix. As a row, [..., i, None, :],
    each sentence's query meets its own S."""
    queries, keys = feature_map(query), feature_map(key)
    S, z, outputs = 0, 0, []
    for i in range(query.shape[-2]):
        S = S + keys[..., i, :, None] * value[..., i, None, :]
        z = z + keys[..., i, :]
        outputs.append(queries[..., i, :] @ S / (queries[..., i, :] * z).sum(axis=-1, keepdims=True))
    return np.stack(outputs, axis=-2)


@known.mistake
def query_times_z_as_matrices(query, key, value):
    """Queries of several sentences, (..., d_k), meet z of the same shape by @, as if both were matrices. One number for
    each sentence is (q * z).sum(axis=-1)."""
    queries, keys = feature_map(query), feature_map(key)
    S, z, outputs = 0, 0, []
    for i in range(query.shape[-2]):
        S = S + keys[..., i, :, None] * value[..., i, None, :]
        z = z + keys[..., i, :]
        outputs.append((queries[..., i, None, :] @ S)[..., 0, :] / (queries[..., i, :] @ z))
    return np.stack(outputs, axis=-2)


@known.mistake
def loop_from_one(query, key, value):
    """The first position is left out: the loop begins with 1, and there is one output too few. Positions count from
    0."""
    rest = reference(query[..., 1:, :], key[..., 1:, :], value[..., 1:, :])
    return np.stack([rest[..., i, :] for i in range(rest.shape[-2])], axis=-2)


@known.mistake
def loop_without_the_last(query, key, value):
    """The last position is left out: the loop ends one too early, and there is one output too few. range(length) ends
    with length - 1 by itself."""
    right, outputs = reference(query, key, value), []
    for i in range(query.shape[-2] - 1):
        outputs.append(right[..., i, :])
    return np.stack(outputs, axis=-2)


@known.mistake
def position_on_the_last_axis(query, key, value):
    """key[..., i] is component i of all keys: an index stands for the last axis where no other follows. Position i is
    key[..., i, :]."""
    queries, keys = feature_map(query), feature_map(key)
    S, z, outputs = 0, 0, []
    for i in range(query.shape[-2]):
        k = keys[..., i]
        v = value[..., i]
        q = queries[..., i]
        S = S + k[..., :, None] * v[..., None, :]
        z = z + k
        outputs.append((q[..., None, :] @ S)[..., 0, :] / (q * z).sum(axis=-1, keepdims=True))
    return np.stack(outputs, axis=-2)


@known.mistake
def S_divided_by_z(query, key, value):
    """Each row of S is divided by its component of z, and the queries read from that. Then the weights of a query do
    not sum to 1. It is phi(q)^T S that is divided, by phi(q)^T z."""
    keys = feature_map(key)
    S = (keys[..., :, None] * value[..., None, :]).cumsum(axis=-3)
    return (feature_map(query)[..., None, :] @ (S / keys.cumsum(axis=-2)[..., None]))[..., 0, :]


@known.mistake
def weights_over_sums_without_an_axis(query, key, value):
    """There is one sum of weights for each position, (..., length), and the last axis of what it divides is that of the
    keys. keepdims=True leaves an axis of size 1 there."""
    products = np.tril(feature_map(query) @ feature_map(key).swapaxes(-2, -1))
    return (products / products.sum(axis=-1)) @ value


@known.mistake
def outer_product_of_everything(query, key, value):
    """np.outer makes one long row of each of its arguments, the leading axes too. With axes of size 1, k[..., :, None]
    * v[..., None, :], each sentence has its own product."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]))
    z, outputs = 0, []
    for i in range(query.shape[-2]):
        q, k, v = feature_map(query[..., i, :]), feature_map(key[..., i, :]), value[..., i, :]
        S = S + np.outer(k, v)
        z = z + k
        outputs.append((q[..., None, :] @ S)[..., 0, :] / (q * z).sum(axis=-1, keepdims=True))
    return np.stack(outputs, axis=-2)


@known.mistake
def number_by_number(query, key, value):
    """Key and value are multiplied number by number, k * v, and d_k and d_v differ. S wants every component of one with
    every component of the other: k[..., :, None] * v[..., None, :]."""
    S, z, outputs = 0, 0, []
    for i in range(query.shape[-2]):
        q, k, v = feature_map(query[..., i, :]), feature_map(key[..., i, :]), value[..., i, :]
        S = S + k * v
        z = z + k
        outputs.append(q * S / (q * z).sum(axis=-1, keepdims=True))
    return np.stack(outputs, axis=-2)


@known.mistake
def two_axes_expected(query, key, value):
    """Two axes are expected, and there may be leading ones: (..., length, d_k). Count axes from the end, -2 and -1."""
    length, d_k = query.shape
    S, z, outputs = np.zeros((d_k, value.shape[-1])), np.zeros(d_k), []
    for i in range(length):
        q, k = feature_map(query[i]), feature_map(key[i])
        S, z = S + np.outer(k, value[i]), z + k
        outputs.append(q @ S / (q @ z))
    return np.stack(outputs)


@known.mistake
def three_axes_expected(query, key, value):
    """Three axes are expected, and there may be two, or four: (..., length, d_k). Count axes from the end, -2 and
    -1."""
    batch, length, d_k = query.shape
    outputs = np.zeros((batch, length, value.shape[-1]), dtype=value.dtype)
    for b in range(batch):
        S, z = np.zeros((d_k, value.shape[-1])), np.zeros(d_k)
        for i in range(length):
            q, k = feature_map(query[b, i]), feature_map(key[b, i])
            S, z = S + np.outer(k, value[b, i]), z + k
            outputs[b, i] = q @ S / (q @ z)
    return outputs


@known.probe
def identity_values(rng):
    inputs = draw(rng, length=5, d_k=3, d_v=5)
    yours = yield {**inputs, "value": np.eye(5)}
    seen = weights_seen(yours, np.tri(5, dtype=bool))
    return seen and f"With values that are the identity, your result is your weights: {seen}."


@known.probe
def first_position(rng):
    inputs = draw(rng, length=4, d_k=3, d_v=2)
    yours = yield inputs
    found = first_difference(yours[0], inputs["value"][0])
    return found and (
        "The first position sees itself alone, so its output should be its own value: component {} is {} in yours, {} "
        "in the value.".format(found[0], *apart(*found[1:]))
    )


@known.probe
def future_changed(rng):
    inputs = draw(rng, length=5, d_k=3, d_v=2)
    before = yield inputs
    key, value = inputs["key"].copy(), inputs["value"].copy()
    key[3], value[3] = rng.normal(size=3), rng.normal(size=2)
    after = yield {**inputs, "key": key, "value": value}
    return seen_from_a_change(before, after, 3)


@known.probe
def keys_of_zeros(rng):
    inputs = draw(rng, length=4, d_k=2, d_v=3)
    yours = yield {**inputs, "key": np.zeros((4, 2))}
    averages = inputs["value"].cumsum(axis=0) / np.arange(1, 5)[:, None]
    found = first_difference(yours, averages)
    return found and (
        "With keys of zeros, all weights of a position are equal, and it should get the average of the values so far: "
        "at [{}] yours is {}, the average {}.".format(found[0], *apart(*found[1:]))
    )


@known.legal
def by_masked_weights(query, key, value):
    products = np.einsum("...id,...jd->...ij", feature_map(query), feature_map(key))
    products = np.where(np.tri(query.shape[-2], dtype=bool), products, 0)
    return (products / products.sum(axis=-1, keepdims=True)).astype(value.dtype) @ value


@known.legal
def by_running_sums(query, key, value):
    queries, keys = feature_map(query), feature_map(key)
    S = np.cumsum(keys[..., :, None] * value[..., None, :], axis=-3)
    z = np.cumsum(keys, axis=-2)
    return np.einsum("...d,...dv->...v", queries, S) / np.sum(queries * z, axis=-1, keepdims=True)


@known.legal
def sentence_by_sentence(query, key, value):
    output = np.zeros((*query.shape[:-1], value.shape[-1]), dtype=query.dtype)
    for place in np.ndindex(query.shape[:-2]):
        S, z = 0, 0
        for i, (q, k, v) in enumerate(zip(query[place], key[place], value[place], strict=True)):
            S, z = S + np.outer(feature_map(k), v), z + feature_map(k)
            output[place][i] = feature_map(q) @ S / (feature_map(q) @ z)
    return output


@known.legal
def written_into_one_array(query, key, value):
    """S and z in one array that changes in place, z as the column of a value that is always 1."""
    longer = np.concatenate([value, np.ones_like(value[..., :1])], axis=-1)
    state = np.zeros((*key.shape[:-2], key.shape[-1], longer.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        state += np.einsum("...d,...v->...dv", feature_map(key[..., i, :]), longer[..., i, :])
        read = np.einsum("...d,...dv->...v", feature_map(query[..., i, :]), state)
        outputs.append(read[..., :-1] / read[..., -1:])
    return np.stack(outputs, axis=-2)


@known.legal
def with_torch(query, key, value):
    import torch

    query, key, value = map(torch.from_numpy, (query, key, value))
    query, key = torch.nn.functional.elu(query) + 1, torch.nn.functional.elu(key) + 1
    products = (query @ key.mT).tril()
    return (products @ value / products.sum(dim=-1, keepdim=True)).numpy()


@known.legal
def past_by_past(query, key, value):
    """Each position anew, from all keys and values up to it."""
    queries, keys, outputs = feature_map(query), feature_map(key), []
    for i in range(query.shape[-2]):
        products = keys[..., : i + 1, :] @ queries[..., i, :, None]
        outputs.append((products * value[..., : i + 1, :]).sum(axis=-2) / products.sum(axis=-2))
    return np.stack(outputs, axis=-2)


@known.borrowed
def by_course_lib(query, key, value):
    from course_lib.relatives import linear_attention

    return linear_attention.causal_linear_attention(query, key, value)


@known.borrowed
def by_course_lib_steps(query, key, value):
    from course_lib.relatives import linear_attention

    state, outputs = None, []
    for i in range(query.shape[-2]):
        one, state = linear_attention.linear_attention_step(query[..., i, :], key[..., i, :], value[..., i, :], state)
        outputs.append(one)
    return np.stack(outputs, axis=-2)


@known.borrowed
def by_course_lib_weights(query, key, value):
    from course_lib.relatives import linear_attention

    mask = np.tri(query.shape[-2], dtype=bool)
    return linear_attention.linear_attention_weights(query, key, mask) @ value


TASK = Task(
    id="13.recurrent_linear_attention",
    title="One position after the other",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", dict(length=3, d_k=1, d_v=1), draw=of_the_text),
        Case("6 positions", dict(length=6, d_k=3, d_v=2), points=2),
        Case("2 sentences", dict(batch=2, length=5, d_k=3, d_v=4), points=2),
        Case("3 sentences, 2 heads, float32", dict(batch=3, num_heads=2, length=6, d_k=4, d_v=5), dtype="float32"),
        Case("a single position", dict(batch=2, length=1, d_k=3, d_v=4), draw=draw),
    ),
    finished=(
        "course_lib.relatives.linear_attention.causal_linear_attention",
        "course_lib.relatives.linear_attention.linear_attention_step",
        "course_lib.relatives.linear_attention.linear_attention_weights",
    ),
    hints=(
        "What do you have to keep of all the positions read so far, so that the next query can be answered? It must "
        "not grow with their number.",
        "S and z begin as zeros, of the shapes (..., d_k, d_v) and (..., d_k). At each position, three things happen, "
        "in this order: S grows, z grows, and the query reads from both.",
        "The query reads a vector from S and a number from z, by summing over d_k in both. With leading axes, it "
        "meets S as a row: (..., 1, d_k) @ (..., d_k, d_v) is (..., 1, d_v).",
        "With q and k the features at position i and v its value: S grows by k[..., :, None] * v[..., None, :], z by "
        "k. Append (q[..., None, :] @ S)[..., 0, :], divided by the sum of q * z over the last axis with "
        "keepdims=True; stack the outputs on axis -2.",
    ),
    drawn=(Drawn("some keys weigh more than others", lambda *inputs: is_informative(weights(*inputs))),),
    stages=(phi, queries, keys, remembered, products, kept, S, z, numerator, normalizer, output),
    coincidences={
        "query_not_mapped + key_not_mapped": "no_map",
        "products_of_unmapped_keys + z_of_unmapped_keys": "key_not_mapped",
        "nothing_kept + added_up_along_the_way": "S_of_the_separate_sums",
        "S_before_the_position + z_before_the_position": "read_before_written",
        "S_overwritten + z_overwritten": "nothing_kept",
        "S_of_all_positions + z_of_all_positions": "future_kept_too",
        "S_from_ones + z_from_ones": "from_ones",
    },
    **known.ways,
)
