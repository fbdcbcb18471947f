"""Answers to chapter 02 as a class writes them: `TASK_right_...` and `TASK_wrong_...`, for benchmarks/grading.py.

Where a wrong answer says DRAWN, a number is drawn for each student, so that it is a mistake nobody has seen before.
"""

import math

import numpy as np

DRAWN = 0.731


def scaled_scores_right_swapaxes(query, key):
    scores = query @ key.swapaxes(-2, -1)
    return scores / math.sqrt(query.shape[-1])


def scaled_scores_right_einsum(query, key):
    d_k = query.shape[-1]
    return np.einsum("...qd,...kd->...qk", query, key) * d_k**-0.5


def scaled_scores_right_moveaxis(query, key):
    d = key.shape[-1]
    transposed = np.moveaxis(key, -1, -2)
    return np.matmul(query, transposed) / d**0.5


def scaled_scores_right_loop(query, key):
    columns = []
    for j in range(key.shape[-2]):
        one = key[..., j : j + 1, :]
        columns.append((query * one).sum(axis=-1))
    return np.stack(columns, axis=-1) / np.asarray(math.sqrt(query.shape[-1]), dtype=query.dtype)


def scaled_scores_right_scaled_query(query, key):
    small = query / math.sqrt(query.shape[-1])
    return small @ np.swapaxes(key, -1, -2)


def scaled_scores_wrong_no_root(query, key):
    return query @ key.swapaxes(-2, -1) / query.shape[-1]


def scaled_scores_wrong_not_scaled(query, key):
    return query @ key.swapaxes(-2, -1)


def scaled_scores_wrong_number_of_keys(query, key):
    return query @ key.swapaxes(-2, -1) / math.sqrt(key.shape[-2])


def scaled_scores_wrong_times(query, key):
    scores = query @ key.swapaxes(-2, -1)
    return scores * math.sqrt(query.shape[-1])


def scaled_scores_wrong_transposed_all(query, key):
    return query @ key.T / math.sqrt(query.shape[-1])


def scaled_scores_wrong_softmax(query, key):
    scores = query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def scaled_scores_wrong_unseen_factor(query, key):
    return DRAWN * (query @ key.swapaxes(-2, -1)) / math.sqrt(query.shape[-1])


def scaled_scores_wrong_unseen_shift(query, key):
    scores = query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])
    return scores + DRAWN * query.sum(axis=-1, keepdims=True)


def unit_variance_scores_right_sum(query, key, query_std, key_std):
    variance = np.sum(query_std**2 * key_std**2)
    return query @ key.swapaxes(-2, -1) / np.sqrt(variance)


def unit_variance_scores_right_dot(query, key, query_std, key_std):
    both = query_std * key_std
    return np.einsum("...id,...jd->...ij", query, key) / np.sqrt(both @ both)


def unit_variance_scores_right_norm(query, key, query_std, key_std):
    scores = np.matmul(query, np.swapaxes(key, -1, -2))
    return scores / np.linalg.norm(query_std * key_std)


def unit_variance_scores_wrong_root_of_d(query, key, query_std, key_std):
    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])


def unit_variance_scores_wrong_no_root(query, key, query_std, key_std):
    return query @ key.swapaxes(-2, -1) / np.sum(query_std**2 * key_std**2)


def unit_variance_scores_wrong_sums_of_each(query, key, query_std, key_std):
    variance = np.sum(query_std**2) * np.sum(key_std**2)
    return query @ key.swapaxes(-2, -1) / np.sqrt(variance)


def unit_variance_scores_wrong_sum_of_stds(query, key, query_std, key_std):
    return query @ key.swapaxes(-2, -1) / np.sum(query_std * key_std)


def unit_variance_scores_wrong_unseen(query, key, query_std, key_std):
    variance = np.sum(query_std**2 * key_std**2) + DRAWN
    return query @ key.swapaxes(-2, -1) / np.sqrt(variance)


def head_scores_right_slices(query, key, num_heads):
    d_k = query.shape[-1] // num_heads
    pieces = [slice(head * d_k, (head + 1) * d_k) for head in range(num_heads)]
    scores = [scaled_scores(query[..., piece], key[..., piece]) for piece in pieces]  # noqa: F821
    return np.stack(scores, axis=-3)


def head_scores_right_reshape(query, key, num_heads):
    def heads(x):
        return x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(-3, -2)

    split_query, split_key = heads(query), heads(key)
    return split_query @ split_key.swapaxes(-2, -1) / math.sqrt(split_query.shape[-1])


def head_scores_right_einsum(query, key, num_heads):
    d_k = query.shape[-1] // num_heads
    q = query.reshape(*query.shape[:-1], num_heads, d_k)
    k = key.reshape(*key.shape[:-1], num_heads, d_k)
    return np.einsum("...qhd,...khd->...hqk", q, k) / d_k**0.5


def head_scores_wrong_root_of_d_model(query, key, num_heads):
    def heads(x):
        return x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(-3, -2)

    return heads(query) @ heads(key).swapaxes(-2, -1) / math.sqrt(query.shape[-1])


def head_scores_wrong_reshape_alone(query, key, num_heads):
    def heads(x):
        return x.reshape(*x.shape[:-2], num_heads, x.shape[-2], -1)

    return heads(query) @ heads(key).swapaxes(-2, -1) / math.sqrt(query.shape[-1] // num_heads)


def head_scores_wrong_heads_last(query, key, num_heads):
    d_k = query.shape[-1] // num_heads
    q = query.reshape(*query.shape[:-1], num_heads, d_k)
    k = key.reshape(*key.shape[:-1], num_heads, d_k)
    return np.einsum("...qhd,...khd->...qkh", q, k) / d_k**0.5


def head_scores_wrong_no_axes_in_front(query, key, num_heads):
    d_k = query.shape[1] // num_heads
    q = query.reshape(len(query), num_heads, d_k).transpose(1, 0, 2)
    k = key.reshape(len(key), num_heads, d_k).transpose(1, 2, 0)
    return q @ k / math.sqrt(d_k)


def head_scores_wrong_unseen(query, key, num_heads):
    d_k = query.shape[-1] // num_heads
    q = query.reshape(*query.shape[:-1], num_heads, d_k)
    k = key.reshape(*key.shape[:-1], num_heads, d_k)
    return np.einsum("...qhd,...khd->...hqk", q, k) / (d_k**0.5 + DRAWN)


def row_entropy_right_where(weights):
    safe = np.where(weights > 0, weights, 1)
    return -np.sum(weights * np.log(safe), axis=-1)


def row_entropy_right_out(weights):
    logarithms = np.log(weights, where=weights > 0, out=np.zeros_like(weights))
    return -(weights * logarithms).sum(axis=-1)


def row_entropy_right_einsum(weights):
    logs = np.zeros_like(weights)
    logs[weights > 0] = np.log(weights[weights > 0])
    return -np.einsum("...k,...k->...", weights, logs)


def row_entropy_wrong_nan(weights):
    with np.errstate(all="ignore"):
        return -np.sum(weights * np.log(weights), axis=-1)


def row_entropy_wrong_bits(weights):
    safe = np.where(weights > 0, weights, 1)
    return -np.sum(weights * np.log2(safe), axis=-1)


def row_entropy_wrong_sign(weights):
    safe = np.where(weights > 0, weights, 1)
    return np.sum(weights * np.log(safe), axis=-1)


def row_entropy_wrong_mean(weights):
    safe = np.where(weights > 0, weights, 1)
    return -np.mean(weights * np.log(safe), axis=-1)


def row_entropy_wrong_columns(weights):
    safe = np.where(weights > 0, weights, 1)
    return -np.sum(weights * np.log(safe), axis=-2)


def row_entropy_wrong_everything(weights):
    safe = np.where(weights > 0, weights, 1)
    return -np.sum(weights * np.log(safe))


def row_entropy_wrong_unseen(weights):
    return -np.sum(weights * np.log(weights + 0.01 * DRAWN), axis=-1)
