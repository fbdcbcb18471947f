"""Attention: compatibility scores between queries and keys, weights from the scores, a weighted sum of values.

Whoever is called from outside checks what came. A function whose first argument is the library `xp` checks nothing: it
is called from inside.
"""

import math

from course_lib.softmax import unchecked_masked_softmax, unchecked_softmax
from course_lib.validation import check_attention, check_axes, check_equal_sizes, check_floats, check_leading_axes


def dot_product_scores(query, key):
    """Return `Q K^T`: the dot product of every query with every key.

    Args:
        query: (..., q_len, d_k)
        key: (..., k_len, d_k)

    Returns:
        (..., q_len, k_len) scores: how well key j answers query i.

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: d_k differs, or the leading axes do not broadcast.

    Source: Vaswani et al. 2017, section 3.2.1; Luong et al. 2015, section 3.1 (dot).
    """
    check_attention(query=query, key=key)
    return query @ key.mT  # (..., q_len, k_len)


def additive_scores(query, key, W_q, W_k, v):
    """Return `v^T tanh(W_q q + W_k k)` for every query with every key.

    Args:
        query: (..., q_len, d_q)
        key: (..., k_len, d_k); d_q and d_k may differ.
        W_q: (d_q, d_hidden)
        W_k: (d_k, d_hidden)
        v: (d_hidden,)

    Returns:
        (..., q_len, k_len) scores.

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: sizes that do not fit each other.

    Source: Bahdanau et al. 2015, appendix A.1.2 (vectors as rows here, so `q W_q` where the paper has `W_q q`).
    """
    xp = check_floats(query=query, key=key, W_q=W_q, W_k=W_k, v=v)
    check_axes("query", query, "...", "q_len", "d_q")
    check_axes("key", key, "...", "k_len", "d_k")
    check_axes("W_q", W_q, "d_q", "d_hidden")
    check_axes("W_k", W_k, "d_k", "d_hidden")
    check_axes("v", v, "d_hidden")
    check_equal_sizes("W_q takes queries", d_q_of_query=query.shape[-1], rows_of_W_q=W_q.shape[0])
    check_equal_sizes("W_k takes keys", d_k_of_key=key.shape[-1], rows_of_W_k=W_k.shape[0])
    check_equal_sizes(
        "W_q, W_k and v share the hidden size",
        columns_of_W_q=W_q.shape[1],
        columns_of_W_k=W_k.shape[1],
        size_of_v=v.shape[0],
    )
    check_leading_axes(2, query=query, key=key)
    hidden_query = (query @ W_q)[..., :, None, :]  # (..., q_len, 1, d_hidden)
    hidden_key = (key @ W_k)[..., None, :, :]  # (..., 1, k_len, d_hidden)
    return xp.tanh(hidden_query + hidden_key) @ v  # (..., q_len, k_len)


def attention_weights(query, key, mask=None, *, bias=None):
    """Return `softmax(Q K^T / sqrt(d_k) + bias)`: how much each query takes from each key.

    Args:
        query: (..., q_len, d_k)
        key: (..., k_len, d_k)
        mask: boolean, True = may attend, broadcastable to (..., q_len, k_len); everything is allowed if not given.
        bias: floating-point, broadcastable to (..., q_len, k_len); added to the scores, such as a penalty on distance.

    Returns:
        (..., q_len, k_len) weights. Each row sums to one, or to zero where its mask allows nothing.

    Raises:
        TypeError, ValueError: as `dot_product_scores` and `masked_softmax`; the bias must fit the scores.

    Source: Vaswani et al. 2017, eq. 1; with a bias, Press et al. 2022, section 3.
    """
    xp = check_attention(mask, bias, query=query, key=key)
    return unchecked_weights(xp, query, key, mask, bias)


def unchecked_weights(xp, query, key, mask=None, bias=None):
    """Return `attention_weights(query, key, mask, bias=bias)`."""
    # (Q / sqrt(d_k)) K^T = Q K^T / sqrt(d_k), with d_k divisions a row instead of k_len, and float16 overflows later.
    scores = query / math.sqrt(query.shape[-1]) @ key.mT  # (..., q_len, k_len)
    if bias is not None:
        scores = scores + bias
    return unchecked_softmax(xp, scores) if mask is None else unchecked_masked_softmax(xp, scores, mask)


def scaled_dot_product_attention(query, key, value, mask=None, *, bias=None):
    """Return `softmax(Q K^T / sqrt(d_k) + bias) V`: for each query, an average of the values, weighted by its scores.

    Args:
        query: (..., q_len, d_k)
        key: (..., k_len, d_k)
        value: (..., k_len, d_v)
        mask: boolean, True = may attend, broadcastable to (..., q_len, k_len); everything is allowed if not given.
        bias: floating-point, broadcastable to (..., q_len, k_len); added to the scores.

    Returns:
        (..., q_len, d_v) output. A row that may attend to nothing is zero.

    Raises:
        TypeError, ValueError: as `attention_weights`; the number of values must be that of the keys.

    Source: Vaswani et al. 2017, eq. 1.
    """
    xp = check_attention(mask, bias, query=query, key=key, value=value)
    return unchecked_weights(xp, query, key, mask, bias) @ value  # (..., q_len, d_v)
