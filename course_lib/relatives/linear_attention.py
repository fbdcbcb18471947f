"""Linear attention: without the softmax the brackets move, and a state of fixed size holds all of the past.

Three forms with equal outputs: all weights at once (`linear_attention_weights`), running sums in chunks
(`causal_linear_attention`), one token after another (`linear_attention_step`). Whoever is called from outside checks
what came. A function whose first argument is the library `xp` checks nothing: it is called from inside.
"""

from typing import Any, NamedTuple

from course_lib.namespace import running_sums
from course_lib.validation import (
    check_attention,
    check_axes,
    check_equal_sizes,
    check_floats,
    check_leading_axes,
)


class LinearState(NamedTuple):
    """All that linear attention keeps of the past: sums over the positions so far, of a size that never grows."""

    S: Any  # (..., d_k, d_v): the sum of phi(k) v^T
    z: Any  # (..., d_k): the sum of phi(k), from which the normalizer comes


def feature_map(x):
    """Return `phi(x) = elu(x) + 1`: x + 1 above zero, e^x below. Every feature is positive.

    Written so, a small feature keeps all its digits: elu(x) is close to -1 for a negative x, and adding 1 to it would
    leave nothing of e^-20 in float32.

    Args:
        x: (...) floating-point array.

    Returns:
        Array of the same shape, library, dtype and device.

    Raises:
        TypeError: `x` is not a floating-point array.

    Source: Katharopoulos et al. 2020, eq. 7.
    """
    return unchecked_feature_map(check_floats(x=x), x)


def unchecked_feature_map(xp, x):
    """Return `feature_map(x)`; the exponent is at most 0 even where it is not used, so that nothing overflows."""
    return xp.where(x > 0, x + 1, xp.exp(xp.clip(x, None, 0)))


def linear_attention_weights(query, key, mask=None):
    """Return `phi(q_i) . phi(k_j) / sum_j phi(q_i) . phi(k_j)`: how much each query takes from each key.

    This is the form that costs what softmax attention costs. It shows what the others compute.

    Args:
        query: (..., q_len, d_k)
        key: (..., k_len, d_k)
        mask: boolean, True = may attend, broadcastable to (..., q_len, k_len); everything is allowed if not given.

    Returns:
        (..., q_len, k_len) weights. Each row sums to one, or to zero where its mask allows nothing.

    Raises:
        TypeError: not floating-point arrays of one library and dtype, or a mask that is not boolean.
        ValueError: d_k differs, or the leading axes or the mask do not broadcast.

    Source: Katharopoulos et al. 2020, eq. 4; with a causal mask, eq. 8.
    """
    xp = check_attention(mask, query=query, key=key)
    similarities = unchecked_feature_map(xp, query) @ unchecked_feature_map(xp, key).mT  # (..., q_len, k_len)
    if mask is not None:
        similarities = xp.where(mask, similarities, 0.0)
    return divided(xp, similarities, xp.sum(similarities, axis=-1, keepdims=True))


def linear_attention(query, key, value):
    """Return `phi(Q) (phi(K)^T V)`, each row divided by `phi(q_i) . sum_j phi(k_j)`: every query reads all positions.

    The brackets make the difference: no array of size q_len x k_len arises.

    Args:
        query: (..., q_len, d_k)
        key: (..., k_len, d_k)
        value: (..., k_len, d_v)

    Returns:
        (..., q_len, d_v) output, zero where there are no keys.

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: sizes that do not fit each other.

    Source: Katharopoulos et al. 2020, eq. 5 and 6.
    """
    xp = check_attention(query=query, key=key, value=value)
    q, k = unchecked_feature_map(xp, query), unchecked_feature_map(xp, key)
    S = k.mT @ value  # (..., d_k, d_v)
    z = xp.sum(k, axis=-2)[..., None]  # (..., d_k, 1)
    return divided(xp, q @ S, q @ z)  # (..., q_len, d_v)


def causal_linear_attention(query, key, value, chunk_size=64):
    """Return linear attention in which position i reads positions 0 to i, all positions at once.

    The sequence is cut into chunks. What a chunk reads of itself is computed from all pairs; what it reads of the
    chunks before it comes from their sums S and z. So time and memory grow with the length, not with its square.

    The sums grow with the length, too. With normal random keys of size 32 the relative error of float32 stays below
    1e-6 up to length 65,536, and that of bfloat16 near 1e-2; in float16 the normalizer overflows after little more than
    a thousand positions.

    Args:
        query: (..., length, d_k)
        key: (..., length, d_k)
        value: (..., length, d_v)
        chunk_size: positions in a chunk. It changes the cost, not the output.

    Returns:
        (..., length, d_v) output.

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: sizes that do not fit each other, as many queries as keys among them, or chunk_size below 1.

    Source: Katharopoulos et al. 2020, eq. 9 to 12; in chunks, Hua et al. 2022 (arXiv 2202.10447).
    """
    xp = check_attention(query=query, key=key, value=value)
    length = query.shape[-2]
    check_equal_sizes(
        "position i reads positions 0 to i, so there are as many queries as keys",
        number_of_queries=length,
        number_of_keys=key.shape[-2],
    )
    if chunk_size < 1:
        raise ValueError(f"a chunk holds at least 1 position, not chunk_size={chunk_size}.")
    size = max(1, min(chunk_size, length))
    features = unchecked_feature_map(xp, query), unchecked_feature_map(xp, key)
    q, k, v = (in_chunks(xp, array, size) for array in (*features, value))  # (..., chunks, size, d)
    S = sums_before(xp, k.mT @ v)  # (..., chunks, d_k, d_v): the state with which each chunk begins
    z = sums_before(xp, xp.sum(k, axis=-2)[..., None])  # (..., chunks, d_k, 1)
    similarities = xp.tril(q @ k.mT)  # (..., chunks, size, size): within a chunk
    output = divided(
        xp, q @ S + similarities @ v, q @ z + xp.sum(similarities, axis=-1, keepdims=True)
    )  # (..., chunks, size, d_v)
    *leading, chunks, size, d_v = output.shape
    return xp.reshape(output, (*leading, chunks * size, d_v))[..., :length, :]


def linear_attention_step(query, key, value, state=None):
    """Take one token further: add its key and value to the state, and read the state with its query.

    Args:
        query: (..., d_k) of this token
        key: (..., d_k)
        value: (..., d_v)
        state: the `LinearState` of the tokens before it; None for the first.

    Returns:
        (..., d_v) output, and the `LinearState` for the next step. The one that was given stays as it is.

    Keep the state in float32: bfloat16 has 8 binary digits, so a sum of a thousand no longer moves when a token comes.

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: sizes that do not fit each other or the state.

    Source: Katharopoulos et al. 2020, eq. 16 to 20.
    """
    xp = check_step(query, key, value, **({} if state is None else {"S": state.S, "z": state.z}))
    q, k = unchecked_feature_map(xp, query), unchecked_feature_map(xp, key)
    S, z = k[..., :, None] * value[..., None, :], k  # (..., d_k, d_v), (..., d_k)
    if state is not None:
        S, z = state.S + S, state.z + z
    output = divided(xp, (q[..., None, :] @ S)[..., 0, :], xp.sum(q * z, axis=-1, keepdims=True))  # (..., d_v)
    return output, LinearState(S, z)


def check_step(query, key, value, S=None, z=None):
    """Check at the door what a step is given, and return the namespace; S and z are None at the first step.

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: sizes that do not fit each other.
    """
    state = {name: array for name, array in (("S", S), ("z", z)) if array is not None}
    xp = check_floats(query=query, key=key, value=value, **state)
    check_axes("query", query, "...", "d_k")
    check_axes("key", key, "...", "d_k")
    check_axes("value", value, "...", "d_v")
    d_k, d_v = query.shape[-1], value.shape[-1]
    check_equal_sizes("queries and keys share their last axis d_k", d_k_of_query=d_k, d_k_of_key=key.shape[-1])
    check_leading_axes(1, query=query, key=key, value=value)
    for name, array, sizes in (("S", S, (d_k, d_v)), ("z", z, (d_k,))):
        if array is not None and tuple(array.shape[-len(sizes) :]) != sizes:
            raise ValueError(
                f"the state was made with other sizes: {name} must end in {sizes}, but its shape is "
                f"{tuple(array.shape)}. Give each sequence its own state, and begin with None."
            )
    return xp


def divided(xp, sums, normalizer):
    """Return `sums / normalizer`, and 0 where the normalizer is 0: a row with nothing to read."""
    return sums / xp.where(normalizer == 0, 1.0, normalizer)


def in_chunks(xp, array, size):
    """Return an array (..., length, d) as (..., chunks, size, d), one chunk at least; zeros fill the last."""
    *leading, length, d = array.shape
    chunks = max(1, -(-length // size))
    if missing := chunks * size - length:
        zeros = xp.zeros((*leading, missing, d), dtype=array.dtype, device=array.device)
        array = xp.concat([array, zeros], axis=-2)
    return xp.reshape(array, (*leading, chunks, size, d))


def sums_before(xp, parts):
    """Return, for each of (..., chunks, a, b), the sum of those before it.

    The running sums move by one place. Subtracting each part from its own running sum would let a large part wipe out
    the digits of the small ones before it: the future would reach the past, if only by rounding.
    """
    sums = running_sums(xp, parts, axis=-3)
    return xp.concat([xp.zeros_like(parts[..., :1, :, :]), sums[..., :-1, :, :]], axis=-3)
