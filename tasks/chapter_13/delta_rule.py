"""13.delta_rule: a memory that corrects itself before it writes (Schlag, Irie and Schmidhuber 2021, section 4.2)."""

import math

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.linear_stages import feature_map
from tasks.probes import apart, first_difference, seen_from_a_change

known = Known()


def draw(rng, length, d_k, d_v, **leading):
    """Keys of about length 1, none exactly so; no beta near 0 or 1."""
    axes = tuple(leading.values())
    query, key = (rng.normal(size=(*axes, length, d_k)) / math.sqrt(d_k) for _ in range(2))
    value = rng.normal(size=(*axes, length, d_v))
    return {"query": query, "key": key, "value": value, "beta": rng.uniform(0.2, 0.8, size=(*axes, length))}


def of_the_text(rng, length, d_k, d_v):
    return {
        "query": np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]]),
        "key": np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]),
        "value": np.array([[5.0], [7.0], [9.0]]),
        "beta": np.array([1.0, 1.0, 0.5]),
    }


def keys_that_come_back(rng, batch, length, d_k, d_v):
    """Keys of which one component is 1, each twice or more often; beta is 1, or 0 here and there."""
    places = np.stack([rng.permutation(np.arange(length) % d_k) for _ in range(batch)])
    beta = np.ones((batch, length))
    beta[np.arange(batch), rng.integers(1, length, size=batch)] = 0
    return {
        "query": rng.normal(size=(batch, length, d_k)),
        "key": np.eye(d_k)[places],
        "value": rng.normal(size=(batch, length, d_v)),
        "beta": beta,
    }


def _column(vector):
    return vector[..., :, None]


def _row(vector):
    return vector[..., None, :]


def _recall(S, k):
    return (_row(k) @ S)[..., 0, :]  # (..., d_v)


def _corrected(S, q, k, v, b):
    return S + _column(k) * _row(b * (v - _recall(S, k)))


def _states(key, value, beta, query, begin, write):
    """The states after every position: (..., length, d_k, d_v)."""
    S, states = begin, []
    for i in range(key.shape[-2]):
        S = write(S, query[..., i, :], key[..., i, :], value[..., i, :], beta[..., i, None])
        states.append(S)
    return np.stack(states, axis=-3)


def reference(query, key, value, beta):
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    return (_row(query) @ _states(key, value, beta, query, S, _corrected))[..., 0, :]


@Stage
def mapped():
    return lambda x: x


@mapped.slip
def feature_map_on_both():
    """Queries and keys go through the feature map elu(x) + 1. Here they are used as they come."""
    return feature_map


@mapped.slip
def both_of_length_one():
    """Queries and keys are brought to length 1. Here they are used as they come."""
    return lambda x: x / np.sqrt((x**2).sum(axis=-1, keepdims=True))


@mapped.slip
def features_that_sum_to_one():
    """Queries and keys go through the feature map and are divided by their sum, as in the paper. Here they are used as
    they come."""
    return lambda x: feature_map(x) / feature_map(x).sum(axis=-1, keepdims=True)


@mapped.rare
def relu_on_both():
    """Queries and keys go through max(0, x). Here they are used as they come."""
    return lambda x: np.maximum(x, 0)


@mapped.slip
def softmax_on_both():
    """Queries and keys go through a softmax over d_k. Here they are used as they come."""
    return lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


@Stage
def keys(mapped, key):
    return mapped(key)


@keys.slip
def keys_of_length_one(key):
    """The keys are brought to length 1. Here they are used as they come."""
    return key / np.sqrt((key**2).sum(axis=-1, keepdims=True))


@keys.slip
def keys_mapped_alone(key):
    """The keys go through the feature map elu(x) + 1. Here they are used as they come."""
    return feature_map(key)


@Stage
def queries(mapped, query):
    return mapped(query)


@queries.slip
def queries_divided_by_the_root(mapped, query):
    """What is read is divided by the square root of d_k. There is no such division here."""
    return mapped(query) / math.sqrt(query.shape[-1])


@queries.rare
def queries_of_length_one(query):
    """The queries are brought to length 1. Here they are used as they come."""
    return query / np.sqrt((query**2).sum(axis=-1, keepdims=True))


@queries.slip
def queries_mapped_alone(query):
    """The queries go through the feature map elu(x) + 1. Here they are used as they come."""
    return feature_map(query)


@queries.slip
def keys_for_queries(keys):
    """The state is read with the key of each position. It is read with the query, q^T S."""
    return keys


@Stage
def strength(beta):
    return beta


@strength.slip
def beta_ignored(beta):
    """beta has no effect: every correction is made in full. It says how much of it is made, from 0 to 1."""
    return np.ones_like(beta)


@strength.slip
def one_minus_beta(beta):
    """1 - beta stands in the place of beta. With beta = 1 the correction is made in full, with 0 not at all."""
    return 1 - beta


@strength.slip
def beta_squared(beta):
    """beta multiplies the correction twice. Once is enough."""
    return beta**2


@strength.slip
def sigmoid_of_beta(beta):
    """beta goes through a sigmoid. It lies between 0 and 1 as it comes."""
    return 1 / (1 + np.exp(-beta))


@strength.rare
def beta_of_the_next_position(beta):
    """Every position takes the beta of the next one. Its own is beta[..., i]."""
    return np.roll(beta, -1, axis=-1)


@strength.rare
def beta_of_the_previous_position(beta):
    """Every position takes the beta of the one before, the first that of the last, beta[..., i - 1]. Its own is
    beta[..., i]."""
    return np.roll(beta, 1, axis=-1)


@strength.slip
def first_beta_for_all(beta):
    """The first beta serves for all positions. Each has its own, beta[..., i]."""
    return np.broadcast_to(beta[..., :1], beta.shape)


@Stage
def begin(key, value):
    return np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)


@begin.slip
def begin_with_ones(key, value):
    """S begins with ones. It begins with zeros: nothing has been written yet."""
    return np.ones((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)


@begin.slip
def begin_with_the_identity(key, value):
    """S begins with ones on its diagonal. It begins with zeros: nothing has been written yet."""
    shape = key.shape[-1], value.shape[-1]
    return np.broadcast_to(np.eye(*shape, dtype=value.dtype), (*key.shape[:-2], *shape))


@Stage
def write():
    return _corrected


@write.slip
def nothing_taken_away():
    """Nothing is taken away before writing: S grows by beta k v^T, as in linear attention, so that an old value stays
    under its key. Write the difference, v minus what S holds for k."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * v)


@write.slip
def sign_of_the_recall():
    """What S holds for k is added to v. It is subtracted: only the difference is written."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * (v + _recall(S, k)))


@write.slip
def sign_of_the_correction():
    """The correction has the wrong sign: what S holds is moved away from v. S grows by beta k (v - k^T S)^T."""
    return lambda S, q, k, v, b: S - _column(k) * _row(b * (v - _recall(S, k)))


@write.slip
def beta_on_the_value_alone():
    """beta multiplies the new value alone, and what S holds for k is taken away in full. It multiplies the difference
    of the two."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * v - _recall(S, k))


@write.slip
def beta_on_the_recall_alone():
    """beta multiplies only what is taken away, and the new value is written in full. It multiplies the difference of
    the two."""
    return lambda S, q, k, v, b: S + _column(k) * _row(v - b * _recall(S, k))


@write.slip
def everything_fades():
    """All of S fades by 1 - beta, whatever the key is. Only what S holds for this key is taken away: beta k (k^T S)."""
    return lambda S, q, k, v, b: (1 - b[..., None]) * S + _column(k) * _row(b * v)


@write.slip
def all_of_it_taken_away():
    """All that S held is gone when something is written: S is set anew. Add the correction to S."""
    return lambda S, q, k, v, b: _column(k) * _row(b * (v - _recall(S, k)))


@write.slip
def value_alone_kept():
    """S holds the current position alone, beta k v^T. Add the correction to the S of before."""
    return lambda S, q, k, v, b: _column(k) * _row(b * v)


@write.slip
def recalled_by_the_query():
    """What is taken away is what S holds for the query, q^T S. It is what S holds for the key, k^T S: the key's old
    value makes room for the new one."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * (v - _recall(S, q)))


@write.slip
def written_under_the_query():
    """The correction is written under the query, S + beta q (v - k^T S)^T. It is written under the key, where it was
    looked up."""
    return lambda S, q, k, v, b: S + _column(q) * _row(b * (v - _recall(S, k)))


@write.slip
def written_then_taken_away():
    """What S holds for the key is taken away after the new value has been written, so that part of the new one goes
    with it. Look up first, then write the difference."""

    def late(S, q, k, v, b):
        written = S + _column(k) * _row(b * v)
        return written - _column(k) * _row(b * _recall(written, k))

    return late


@write.slip
def written_within_the_lookup():
    """What S holds for the key is looked up as if the position's own correction were in it already, so that the
    correction is too small. It is looked up in the S of before: in a triangular system, the diagonal is that of the
    identity alone."""
    return lambda S, q, k, v, b: (
        S + _column(k) * _row(b * (v - _recall(S, k)) / (1 + b * (k**2).sum(-1, keepdims=True)))
    )


@write.slip
def taken_away_without_the_key():
    """The recalled value is taken away from every row of S alike. It is taken away under the key: k (k^T S)."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * v) - _row(b * _recall(S, k))


@write.rare
def beta_on_the_old_state():
    """S is multiplied by beta, and k v^T is added in full. beta belongs to the correction: S + beta k (v - k^T S)^T."""
    return lambda S, q, k, v, b: b[..., None] * S + _column(k) * _row(v)


@write.rare
def beta_on_everything():
    """All of S is multiplied by beta, what it held with what is written. beta belongs to the correction alone."""
    return lambda S, q, k, v, b: b[..., None] * (S + _column(k) * _row(v - _recall(S, k)))


@write.rare
def beta_on_the_key():
    """The key is multiplied by beta wherever it stands, when S is asked as well as when it is written. beta belongs to
    the correction: the lookup is k^T S."""
    return lambda S, q, k, v, b: S + _column(b * k) * _row(v - _recall(S, b * k))


@write.rare
def beta_on_the_value_and_the_difference():
    """The new value is multiplied by beta twice, alone and in the difference. beta multiplies the difference once: beta
    (v - k^T S)."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * (b * v - _recall(S, k)))


@write.rare
def faded_and_taken_away():
    """All of S fades by 1 - beta before the correction is added, whatever the key is. S stays, and the correction alone
    changes it."""
    return lambda S, q, k, v, b: (1 - b[..., None]) * S + _column(k) * _row(b * (v - _recall(S, k)))


@write.rare
def mixed_without_taking_away():
    """The new value is mixed with the old one, and the mixture is added to S, where the old one still is. Add the
    difference of the two: beta (v - k^T S)."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * v + (1 - b) * _recall(S, k))


@write.rare
def number_for_the_matrix():
    """All of S is multiplied by 1 - beta k^T k, a number. k k^T is a matrix, and takes away under the key alone: k (k^T
    S)."""
    return lambda S, q, k, v, b: S * (1 - b * (k**2).sum(-1, keepdims=True))[..., None] + _column(k) * _row(b * v)


@write.rare
def rows_fade_by_the_key():
    """Each row of S fades by beta times its component of the key. What is taken away is k (k^T S): what all rows
    together hold for the key."""
    return lambda S, q, k, v, b: S * (1 - _column(b * k)) + _column(k) * _row(b * v)


@write.slip
def divided_by_the_squared_length():
    """The correction is divided by k^T k, so that with beta = 1 the key holds exactly v. Here it is not divided."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * (v - _recall(S, k))) / (k**2).sum(-1)[..., None, None]


@write.rare
def recall_divided_by_the_squared_length():
    """What S holds for k is divided by k^T k before it is taken away. It is k^T S, as it comes."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * (v - _recall(S, k) / (k**2).sum(-1, keepdims=True)))


@write.rare
def recalled_by_a_key_of_length_one():
    """S is asked with a key of length 1, and written under the key as it comes. Both are done with the key as it
    comes."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * (v - _recall(S, k / np.sqrt((k**2).sum(-1, keepdims=True)))))


@write.slip
def tanh_of_the_correction():
    """The correction goes through tanh before it is written. It is written as it is."""
    return lambda S, q, k, v, b: S + _column(k) * _row(b * np.tanh(v - _recall(S, k)))


@Stage
def states(keys, value, strength, queries, begin, write):
    return _states(keys, value, strength, queries, begin, write)  # (..., length, d_k, d_v)


@states.slip
def read_before_written(keys, value, strength, queries, begin, write):
    """A position reads S before its own key and value are in it, so the first output is what S began with. Write first,
    then read."""
    after = _states(keys, value, strength, queries, begin, write)
    return np.concatenate([begin[..., None, :, :], after[..., :-1, :, :]], axis=-3)


@states.slip
def last_state_for_all(keys, value, strength, queries, begin, write):
    """Every position reads the last S, so it sees the future. Position i reads S when i has just been written."""
    after = _states(keys, value, strength, queries, begin, write)
    return np.broadcast_to(after[..., -1:, :, :], after.shape)


@states.slip
def backward(keys, value, strength, queries, begin, write):
    """The positions are written from the last to the first. Begin with position 0."""
    turned = [np.flip(x, -2) for x in (keys, value, queries)]
    after = _states(turned[0], turned[1], np.flip(strength, -1), turned[2], begin, write)
    return np.flip(after, -3)


@states.slip
def carried_over(keys, value, strength, queries, begin, write):
    """S goes on from one sentence, or head, to the next. Each has an S of its own, which begins with zeros."""
    shape = (*keys.shape[:-1], keys.shape[-1], value.shape[-1])
    rows = [x.reshape(-1, x.shape[-1]) for x in (keys, value, queries)]
    first = begin.reshape(-1, *begin.shape[-2:])[0]
    return _states(rows[0], rows[1], strength.reshape(-1), rows[2], first, write).reshape(shape)


@states.slip
def first_position_not_written(keys, value, strength, queries, begin, write):
    """The first position is never written into S. The loop begins with position 0."""
    silent = strength.copy()
    silent[..., 0] = 0
    without = value.copy()
    without[..., 0, :] = 0
    return _states(keys, without, silent, queries, begin, write)


@states.rare
def first_position_written_twice(keys, value, strength, queries, begin, write):
    """The first position is written twice: before the loop, and once more within it. Once is enough."""
    k, v = keys[..., 0, :], value[..., 0, :]
    first = write(begin, queries[..., 0, :], k, v, strength[..., 0, None])
    return _states(keys, value, strength, queries, first, write)


@Stage
def output(queries, states):
    return (_row(queries) @ states)[..., 0, :]  # (..., length, d_v)


@output.slip
def divided_by_the_sum_of_keys(queries, keys, states):
    """What is read is divided by q^T z, with z the sum of the keys. The delta rule has no z, and divides by nothing."""
    z = (queries * keys.cumsum(axis=-2)).sum(axis=-1, keepdims=True)
    return (_row(queries) @ states)[..., 0, :] / z


@output.slip
def last_position_alone(queries, states):
    """Only the output of the last position comes back. Keep that of every position: (..., length, d_v)."""
    return (_row(queries) @ states)[..., -1, 0, :]


@output.slip
def added_up_along_the_way(queries, states):
    """The outputs are added up from position to position. S grows; each output is read from it anew."""
    return (_row(queries) @ states)[..., 0, :].cumsum(axis=-2)


@output.slip
def first_position_alone(queries, states):
    """Only the output of the first position comes back, as if the function returned within its loop. Keep that of every
    position: (..., length, d_v)."""
    return (_row(queries) @ states)[..., 0, 0, :]


@output.rare
def first_output_in_a_row(queries, states):
    """Only the output of the first position comes back, as if the function returned within its loop. Return once all
    positions have been read."""
    return (_row(queries) @ states)[..., 0, :][..., :1, :]


@output.rare
def averaged_along_the_way(queries, states):
    """Each output is the mean of the outputs so far. Each is read from the state by itself."""
    outputs = (_row(queries) @ states)[..., 0, :]
    return outputs.cumsum(axis=-2) / np.arange(1, outputs.shape[-2] + 1, dtype=outputs.dtype)[:, None]


@output.rare
def positions_on_axis_one(queries, states):
    """The outputs are right, and the positions stand on axis 1, which is theirs only if one axis stands in front. They
    belong on the last but one, (..., length, d_v): np.stack(outputs, axis=-2)."""
    return np.moveaxis((_row(queries) @ states)[..., 0, :], -2, 1)


@output.slip
def positions_in_front(queries, states):
    """The outputs are right, and the positions stand on the first axis. They belong on the last but one, (..., length,
    d_v): np.stack(outputs, axis=-2)."""
    return np.moveaxis((_row(queries) @ states)[..., 0, :], -2, 0)


@output.slip
def beta_on_the_output(queries, states, beta):
    """The outputs are multiplied by beta. It belongs to what is written, and what is read stays as it is."""
    return (_row(queries) @ states)[..., 0, :] * beta[..., None]


@output.slip
def corrections_instead_of_outputs(value, queries, states):
    """These are the values minus what the query reads. What the query reads is asked for alone, q^T S."""
    return value - (_row(queries) @ states)[..., 0, :]


@known.mistake
def linear_attention(query, key, value, beta):
    """This is linear attention with a state: nothing is taken away, beta has no part, and the output is divided by
    phi(q)^T z. The delta rule writes beta k (v - k^T S)^T, reads q^T S, and divides by nothing."""
    queries, keys = feature_map(query), feature_map(key)
    S = (_column(keys) * _row(value)).cumsum(axis=-3)
    return (_row(queries) @ S)[..., 0, :] / (queries * keys.cumsum(axis=-2)).sum(axis=-1, keepdims=True)


@known.mistake
def states_alone(query, key, value, beta):
    """These are the states S, one for each position, which no query has read yet. The output is q^T S at each."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    return _states(key, value, beta, query, S, _corrected)


@known.mistake
def last_state_alone(query, key, value, beta):
    """This is the last state S, (..., d_k, d_v). What is asked for is q^T S at each position."""
    return states_alone(query, key, value, beta)[..., -1, :, :]


@known.mistake
def what_was_written(query, key, value, beta):
    """These are the corrections beta (v - k^T S), which are written into S. What is asked for is what each query then
    reads, q^T S."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    before = np.concatenate([S[..., None, :, :], states_alone(query, key, value, beta)[..., :-1, :, :]], axis=-3)
    return beta[..., None] * (value - (_row(key) @ before)[..., 0, :])


@known.mistake
def lookup_errors(query, key, value, beta):
    """These are the differences v - k^T S at each position, which are still to be written. What is asked for is what
    each query then reads, q^T S."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    before = np.concatenate([S[..., None, :, :], states_alone(query, key, value, beta)[..., :-1, :, :]], axis=-3)
    return value - (_row(key) @ before)[..., 0, :]


@known.mistake
def softmax_attention(query, key, value, beta):
    """This is causal softmax attention, with scores divided by the square root of d_k. The delta rule has neither: each
    position writes beta k (v - k^T S)^T into a state and reads q^T S."""
    exponentials = np.tril(np.exp(query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])))
    return exponentials / exponentials.sum(axis=-1, keepdims=True) @ value


@known.mistake
def previous_output_taken_away(query, key, value, beta):
    """What is taken away is the output of the position before. It is what S holds for this position's key, k^T S."""
    S, outputs = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype), []
    output = np.zeros_like(value[..., 0, :])
    for i in range(key.shape[-2]):
        S = S + _column(key[..., i, :]) * _row(beta[..., i, None] * (value[..., i, :] - output))
        output = _recall(S, query[..., i, :])
        outputs.append(output)
    return np.stack(outputs, axis=-2)


@known.mistake
def previous_value_taken_away(query, key, value, beta):
    """What is taken away is the value of the position before, whatever its key was. It is what S holds for this
    position's key, k^T S."""
    before = np.zeros_like(value)
    before[..., 1:, :] = value[..., :-1, :]
    S = (_column(key) * _row(beta[..., None] * (value - before))).cumsum(axis=-3)
    return (_row(query) @ S)[..., 0, :]


@known.mistake
def corrected_by_sums(query, key, value, beta):
    """What S holds for a key is taken from sums of beta k v^T in which nothing was ever taken away. It is looked up in
    S itself, which has been corrected at every position before."""
    S = (_column(key) * _row(beta[..., None] * value)).cumsum(axis=-3)
    before = S - _column(key) * _row(beta[..., None] * value)
    corrections = beta[..., None] * (value - (_row(key) @ before)[..., 0, :])
    return np.tril(query @ key.swapaxes(-2, -1)) @ corrections


@known.mistake
def corrected_by_values(query, key, value, beta):
    """What S holds for a key is computed from the values before, as if they had been written as they came. It is
    computed from the corrections before, which is what was written."""
    recalled = np.tril(key @ key.swapaxes(-2, -1), k=-1) @ value
    return np.tril(query @ key.swapaxes(-2, -1)) @ (beta[..., None] * (value - recalled))


@known.mistake
def beta_of_the_other_position(query, key, value, beta):
    """What is taken away is multiplied by the beta of the position that wrote it, once more, and not by that of the
    position that is being written: beta stands along the columns of the triangular system. It belongs to the rows."""
    system = np.eye(key.shape[-2]) + np.tril(beta[..., None, :] * (key @ key.swapaxes(-2, -1)), k=-1)
    corrections = np.linalg.solve(system, beta[..., None] * value)
    return np.tril(query @ key.swapaxes(-2, -1)) @ corrections


@known.mistake
def positions_by_name_on_the_first_axis(query, key, value, beta):
    """beta[i] and key[i] are those of sentence i, or head i, if there are several. The positions of the keys are on the
    last axis but one, key[..., i, :], those of beta on its last, beta[..., i]."""
    S = np.zeros((key.shape[-1], value.shape[-1]))
    outputs = []
    for i in range(len(key)):
        k, v = key[i], value[i]
        S = S + np.outer(k, beta[i] * (v - k @ S))
        outputs.append(query[i] @ S)
    return np.array(outputs)


@known.mistake
def key_and_query_as_rows_of_matrices(query, key, value, beta):
    """Key and query of several sentences, (..., d_k), meet S by @, and their leading axes are taken for those of a
    matrix, so that S gets more axes at every position. As rows, k[..., None, :] @ S, each meets its own S."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        k, v = key[..., i, :], value[..., i, :]
        S = S + k[..., :, None] * (beta[..., i, None] * (v - k @ S))[..., None, :]
        outputs.append(query[..., i, :] @ S)
    return np.stack(outputs, axis=-2)


@known.mistake
def values_in_the_rows_of_S(query, key, value, beta):
    """S is built with the values in its rows, v k^T, (..., d_v, d_k), and read as if the keys were there. Its rows
    belong to the keys: k v^T, (..., d_k, d_v)."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        k, v = key[..., i, :], value[..., i, :]
        correction = beta[..., i, None] * (v - np.einsum("...d,...dv->...v", k, S))
        S = S + correction[..., :, None] * k[..., None, :]
        outputs.append(np.einsum("...d,...dv->...v", query[..., i, :], S))
    return np.stack(outputs, axis=-2)


@known.mistake
def first_axis_for_the_positions(query, key, value, beta):
    """The positions are looked for on the first axis, key[i], and there may stand sentences or heads. They are on the
    last axis but one: key[..., i, :]."""
    S = np.zeros((key.shape[-1], value.shape[-1]))
    outputs = []
    for i in range(query.shape[-2]):
        S = S + np.outer(key[i], beta[i] * (value[i] - key[i] @ S))
        outputs.append(query[i] @ S)
    return np.stack(outputs)


@known.mistake
def loop_over_the_first_axis(query, key, value, beta):
    """The loop goes over the first axis, and there may stand sentences or heads. The positions are on the last axis but
    one: key[..., i, :]."""
    S = np.zeros((key.shape[-1], value.shape[-1]))
    outputs = []
    for q, k, v, b in zip(query, key, value, beta, strict=True):
        S = S + np.outer(k, b * (v - k @ S))
        outputs.append(q @ S)
    return np.stack(outputs)


@known.mistake
def beta_without_an_axis(query, key, value, beta):
    """beta[..., i] has the leading axes alone, and what it multiplies ends in d_v. Give it an axis of size 1 at the
    end: beta[..., i, None]."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        k, v = key[..., i, :], value[..., i, :]
        recalled = (k[..., None, :] @ S)[..., 0, :]
        S = S + k[..., :, None] * (beta[..., i] * (v - recalled))[..., None, :]
        outputs.append((query[..., i, None, :] @ S)[..., 0, :])
    return np.stack(outputs, axis=-2)


@known.mistake
def beta_without_an_axis_at_once(query, key, value, beta):
    """beta[..., i] has no axis for d_v, on which the value ends and what S holds for the key. With one of size 1 at the
    end it multiplies both: beta[..., i, None]."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        recalled = (key[..., i, None, :] @ S)[..., 0, :]
        change = beta[..., i] * (value[..., i, :] - recalled)
        S = S + key[..., i, :, None] * change[..., None, :]
        outputs.append((query[..., i, None, :] @ S)[..., 0, :])
    return np.stack(outputs, axis=-2)


@known.mistake
def beta_of_the_first_axis(query, key, value, beta):
    """beta[i] is that of sentence i, if there are several, at all of its positions. Those of position i are beta[...,
    i], and with an axis of size 1 for d_v, beta[..., i, None]."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        k, v = key[..., i, :], value[..., i, :]
        recalled = (k[..., None, :] @ S)[..., 0, :]
        S = S + k[..., :, None] * (beta[i] * (v - recalled))[..., None, :]
        outputs.append((query[..., i, None, :] @ S)[..., 0, :])
    return np.stack(outputs, axis=-2)


@known.mistake
def beta_of_the_first_axis_at_once(query, key, value, beta):
    """beta[i] takes the first axis for the positions, and there may stand sentences or heads. In beta they are on the
    last axis, beta[..., i], and value[..., i, :] wants one of size 1 behind it, beta[..., i, None]."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        recalled = (key[..., i, None, :] @ S)[..., 0, :]
        change = beta[i] * (value[..., i, :] - recalled)
        S = S + key[..., i, :, None] * change[..., None, :]
        outputs.append((query[..., i, None, :] @ S)[..., 0, :])
    return np.stack(outputs, axis=-2)


@known.mistake
def position_on_the_last_axis(query, key, value, beta):
    """key[..., i] is component i of all keys: an index stands for the last axis where no other follows. Position i is
    key[..., i, :], and of beta, which has no axis for components, beta[..., i]."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        k = key[..., i]
        v = value[..., i]
        recalled = (k[..., None, :] @ S)[..., 0, :]
        S = S + k[..., :, None] * (beta[..., i, None] * (v - recalled))[..., None, :]
        outputs.append((query[..., i][..., None, :] @ S)[..., 0, :])
    return np.stack(outputs, axis=-2)


@known.mistake
def key_as_a_row_of_a_matrix(query, key, value, beta):
    """A key of several sentences, (..., d_k), meets S by @, and its leading axes are taken for those of a matrix. As a
    row, k[..., None, :] @ S, each sentence's key meets its own S."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        k, v = key[..., i, :], value[..., i, :]
        recalled = k @ S
        S = S + k[..., :, None] * (beta[..., i, None] * (v - recalled))[..., None, :]
        outputs.append((query[..., i, None, :] @ S)[..., 0, :])
    return np.stack(outputs, axis=-2)


@known.mistake
def state_multiplied_from_the_right(query, key, value, beta):
    """S is multiplied by the matrix 1 - beta k k^T from the right, where it has d_v columns. The matrix has d_k rows
    and columns, and belongs to the left of S."""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        k, b = key[..., i, :, None], beta[..., i, None, None]
        keep = np.eye(key.shape[-1], dtype=key.dtype) - b * k * k.swapaxes(-2, -1)
        S = S @ keep + b * k * value[..., i, None, :]
        outputs.append(query[..., i, None, :] @ S)
    return np.concatenate(outputs, axis=-2)


@known.mistake
def two_axes_expected(query, key, value, beta):
    """Two axes are expected, and there may be leading ones: (..., length, d_k). Count axes from the end, -2 and -1."""
    length, d_k = key.shape
    S, outputs = np.zeros((d_k, value.shape[-1])), []
    for i in range(length):
        S = S + np.outer(key[i], beta[i] * (value[i] - key[i] @ S))
        outputs.append(query[i] @ S)
    return np.stack(outputs)


@known.probe
def one_position(rng):
    query, key, value = np.array([[1.0, 2.0]]), np.array([[1.0, 1.0]]), np.array([[10.0, 20.0]])
    yours = yield {"query": query, "key": key, "value": value, "beta": np.array([0.5])}
    found = first_difference(yours[0], np.array([15.0, 30.0]))
    return found and (
        f"With a single position, the query (1, 2), the key (1, 1), the value (10, 20) and beta = 0.5, the output is "
        f"beta (q^T k) v = (15, 30); component {found[0]} is {apart(*found[1:])[0]} in yours."
    )


@known.probe
def one_key_again_and_again(rng):
    key, values = np.array([[1.0, 0.0]]).repeat(3, axis=0), np.array([[5.0], [9.0], [7.0]])
    for beta, right in ((1.0, [5.0, 9.0, 7.0]), (0.5, [2.5, 5.75, 6.375])):
        yours = yield {"query": key, "key": key, "value": values, "beta": np.full(3, beta)}
        found = first_difference(yours[:, 0], np.array(right))
        if found:
            return (
                "With 5, 9 and 7 written under one key of length 1, each with beta = {}, position {} reads {} in "
                "yours, expected {}.".format(beta, found[0], *apart(*found[1:]))
            )
    return None


@known.probe
def nothing_written(rng):
    inputs = draw(rng, length=3, d_k=4, d_v=2)
    yours = yield {**inputs, "beta": np.zeros(3)}
    found = first_difference(yours, np.zeros_like(yours))
    return found and (
        f"With beta = 0 everywhere nothing is written, and every output should be 0; at [{found[0]}] yours is "
        f"{found[1]:.4g}."
    )


@known.probe
def keys_at_right_angles(rng):
    query = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    key, value = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.array([[2.0], [3.0], [30.0]])
    yours = yield {"query": query, "key": key, "value": value, "beta": np.ones(3)}
    found = first_difference(yours[:, 0], np.array([2.0, 5.0, 32.0]))
    return found and (
        "With 2 under (1, 0), then 3 and 30 under (0, 1), all with beta = 1, the queries (1, 0), (1, 1), (1, 1) read "
        "2, 5, 32; at position {} yours reads {}, expected {}.".format(found[0], *apart(*found[1:]))
    )


@known.probe
def beta_changed(rng):
    """Which beta a position takes, in whatever way it is another's."""
    inputs = draw(rng, length=5, d_k=3, d_v=2)
    before = yield inputs
    beta = inputs["beta"].copy()
    beta[2] = 1 - beta[2] / 2
    after = yield {**inputs, "beta": beta}
    moved = np.flatnonzero(~np.isclose(before, after, atol=1e-6).all(axis=-1))
    if not len(moved):
        return "When beta of position 2 alone is changed, your result stays as it is; it should change from there on."
    if moved[0] != 2:
        return (
            f"When beta of position 2 alone is changed, your outputs change from position {moved[0]} on; they should "
            f"change from position 2 on."
        )
    return None


@known.probe
def future_changed(rng):
    inputs = draw(rng, length=5, d_k=3, d_v=2)
    before = yield inputs
    key, value = inputs["key"].copy(), inputs["value"].copy()
    key[3], value[3] = rng.normal(size=3), rng.normal(size=2)
    after = yield {**inputs, "key": key, "value": value}
    return seen_from_a_change(before, after, 3)


@known.legal
def by_a_matrix_that_forgets(query, key, value, beta):
    """S = (1 - beta k k^T) S + beta k v^T"""
    S = np.zeros((*key.shape[:-2], key.shape[-1], value.shape[-1]), dtype=value.dtype)
    outputs = []
    for i in range(key.shape[-2]):
        k, b = key[..., i, :, None], beta[..., i, None, None]
        keep = np.eye(key.shape[-1], dtype=key.dtype) - b * k @ k.swapaxes(-2, -1)
        S = keep @ S + b * k @ value[..., i, None, :]
        outputs.append(query[..., i, None, :] @ S)
    return np.concatenate(outputs, axis=-2)


@known.legal
def all_at_once(query, key, value, beta):
    """The corrections u solve u_i = beta_i (v_i - sum over j < i of (k_i^T k_j) u_j), a triangular system."""
    between = np.tril(key @ key.swapaxes(-2, -1), k=-1) * beta[..., None]
    corrections = np.linalg.solve(np.eye(key.shape[-2]) + between, beta[..., None] * value)
    return (np.tril(query @ key.swapaxes(-2, -1)) @ corrections).astype(value.dtype)


@known.legal
def sentence_by_sentence(query, key, value, beta):
    output = np.zeros((*query.shape[:-1], value.shape[-1]), dtype=value.dtype)
    for place in np.ndindex(query.shape[:-2]):
        S = np.zeros((key.shape[-1], value.shape[-1]))
        for i in range(query.shape[-2]):
            k = key[place][i]
            S += np.outer(k, beta[place][i] * (value[place][i] - k @ S))
            output[place][i] = query[place][i] @ S
    return output


@known.legal
def by_corrections_one_by_one(query, key, value, beta):
    """No S at all: each correction from those before it."""
    corrections, outputs = [], []
    for i in range(key.shape[-2]):
        recalled = sum((key[..., i, :] * key[..., j, :]).sum(-1, keepdims=True) * u for j, u in enumerate(corrections))
        corrections.append(beta[..., i, None] * (value[..., i, :] - recalled))
        read = ((query[..., i, :] * key[..., j, :]).sum(-1, keepdims=True) * u for j, u in enumerate(corrections))
        outputs.append(sum(read))
    return np.stack(outputs, axis=-2)


@known.legal
def with_torch(query, key, value, beta):
    import torch

    query, key, value, beta = map(torch.from_numpy, (query, key, value, beta))
    S = torch.zeros(*key.shape[:-2], key.shape[-1], value.shape[-1], dtype=value.dtype)
    outputs = []
    for q, k, v, b in zip(query.unbind(-2), key.unbind(-2), value.unbind(-2), beta.unbind(-1), strict=True):
        recalled = torch.einsum("...d,...dv->...v", k, S)
        S = S + torch.einsum("...d,...v,...->...dv", k, v - recalled, b)
        outputs.append(torch.einsum("...d,...dv->...v", q, S))
    return torch.stack(outputs, dim=-2).numpy()


@known.borrowed
def by_course_lib(query, key, value, beta):
    from course_lib.relatives import delta_rule

    return delta_rule.delta_rule(query, key, value, beta)


TASK = Task(
    id="13.delta_rule",
    title="A memory that corrects itself",
    difficulty=3,
    minutes=18,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", dict(length=3, d_k=2, d_v=1), draw=of_the_text),
        Case("4 positions", dict(length=4, d_k=3, d_v=2), points=2),
        Case("2 sentences", dict(batch=2, length=5, d_k=3, d_v=4), points=2),
        Case("3 sentences, 2 heads, float32", dict(batch=3, num_heads=2, length=6, d_k=4, d_v=5), dtype="float32"),
        Case("keys that come back", dict(batch=2, length=6, d_k=3, d_v=2), draw=keys_that_come_back),
        Case("a single position", dict(batch=2, length=1, d_k=1, d_v=3), draw=draw),
    ),
    finished=("course_lib.relatives.delta_rule.delta_rule", "course_lib.relatives.delta_rule.delta_rule_step"),
    hints=(
        "What does S hold for the key that is about to be written? And what should it hold afterward?",
        "k^T S is what a query equal to k would read, a vector of d_v numbers. How far is it from the value?",
        "The correction is beta times (v - k^T S), with the S of before; S grows by k times it, every component with "
        "every component. Then the query reads q^T S from the new S.",
        "In the loop, with k = key[..., i, :], what S holds for k is (k[..., None, :] @ S)[..., 0, :]. The change is "
        "beta[..., i, None] times what is missing, and S grows by k[..., :, None] * change[..., None, :].",
    ),
    stages=(mapped, keys, queries, strength, begin, write, states, output),
    coincidences={"keys_mapped_alone + queries_mapped_alone": "feature_map_on_both"},
    **known.ways,
)
