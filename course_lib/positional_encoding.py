"""Where a token stands: one vector per position, or positions inside attention (relative, rotary, ALiBi).

The functions take NumPy arrays and PyTorch tensors. The modules plug into `MultiHeadAttention(positions=...)`, where
they may rotate queries and keys, or change the scores and the output.
"""

import math

import numpy as np
import torch
from torch import nn

from course_lib.namespace import array_namespace, is_kind
from course_lib.self_attention import attend
from course_lib.validation import check_axes, check_floats, check_heads


def sinusoidal_encoding(length, d_model, *, start=0, like=None):
    """Return one vector per position: sines and cosines of wavelengths from 2 pi to 10000 * 2 pi.

    `PE(t + k)` is a rotation of `PE(t)` that depends on k alone, so the product of two encodings depends on their
    distance alone; it falls over the first few positions.

    Args:
        length: number of positions.
        d_model: size of each vector; even.
        start: the position of the first vector.
        like: an array whose library, dtype and device the result follows; NumPy float64 if not given. Sines are no
            integers: like an array of those (tokens, say), the result has the library's default floating-point dtype.

    Returns:
        (length, d_model): at position t, column 2i is sin(t / 10000^(2i / d_model)), column 2i + 1 the cosine of it.

    Raises:
        ValueError: d_model is odd.

    Source: Vaswani et al. 2017, section 3.5.
    """
    if d_model % 2:
        raise ValueError(f"sines and cosines come in pairs, so d_model must be even, not {d_model}.")
    frequencies = 10000.0 ** (-np.arange(0, d_model, 2) / d_model)
    angles = np.outer(np.arange(start, start + length), frequencies)  # (length, d_model / 2)
    encoding = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, d_model)
    if like is None:
        return encoding
    xp = array_namespace(like=like)
    dtype = like.dtype if is_kind(xp, like.dtype, "real floating") else xp.empty(()).dtype
    return xp.asarray(encoding, dtype=dtype, device=like.device)


def rotate(x, start=0, base=10000.0):
    """Turn each pair of components by an angle that grows with the position.

    The product of a rotated query and a rotated key depends on their distance alone, not on where they stand.

    Args:
        x: (..., length, d_k) with d_k even; the pairs are the components (2i, 2i + 1).
        start: the position of the first element.
        base: pair i turns by position / base^(2i / d_k) radians.

    Returns:
        (..., length, d_k)

    Raises:
        TypeError: x does not hold floating-point numbers.
        ValueError: d_k is odd.

    Source: Su et al. 2021, eq. 34 (section 3.4.2).
    """
    xp = check_floats(x=x)
    check_axes("x", x, "...", "length", "d_k")
    length, d_k = x.shape[-2:]
    if d_k % 2:
        raise ValueError(f"rotation turns pairs of components, so d_k must be even, not {d_k}.")
    frequencies = base ** (-np.arange(0, d_k, 2) / d_k)
    angles = np.outer(np.arange(start, start + length), frequencies)  # (length, d_k / 2)
    cos, sin = (xp.asarray(f(angles), dtype=x.dtype, device=x.device) for f in (np.cos, np.sin))
    even, odd = x[..., 0::2], x[..., 1::2]  # (..., length, d_k / 2)
    return xp.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(x.shape)


def alibi_slopes(num_heads):
    """Return the slope of each head, falling geometrically from 2^(-8 / num_heads) to 2^-8: (num_heads,) array.

    Raises:
        ValueError: num_heads is below 1.

    Source: Press et al. 2022, section 3.
    """
    check_heads(num_heads)
    return 2.0 ** (-8.0 * np.arange(1, num_heads + 1) / num_heads)


def relative_index(q_len, k_len, max_distance, start=0):
    """Return for each query and key the row of their relative embedding: (q_len, k_len) of 0 to 2 * max_distance.

    Row max_distance stands for distance 0; farther than max_distance counts as max_distance. The first query stands at
    position `start` of the keys.

    Source: Shaw et al. 2018, section 3.2 (clip).
    """
    distance = np.arange(k_len)[None, :] - np.arange(start, start + q_len)[:, None]  # (q_len, k_len): j - i
    return np.clip(distance, -max_distance, max_distance) + max_distance


def relative_scores_naive(query, relative_key):
    """Return `q_i . a_ij` for every pair, by copying the embeddings for every batch and head.

    Args:
        query: (..., q_len, d_k) tensor, leading axes batch and heads.
        relative_key: (q_len, k_len, d_k): the embedding a_ij of each pair.

    Returns:
        (..., q_len, k_len)

    Source: Shaw et al. 2018, eq. 4: the second term, as it stands.
    """
    copies = relative_key * torch.ones_like(query[..., :1])[..., None]  # (..., q_len, k_len, d_k): the cost
    return (query[..., None, :] * copies).sum(dim=-1)


def relative_scores(query, relative_key):
    """Return `q_i . a_ij` for every pair, by one product per position over all batches and heads.

    Arguments and result as `relative_scores_naive`; the memory does not grow with batch and heads.

    Source: Shaw et al. 2018, section 3.3: n products of (batch * heads, d_k) with (d_k, n).
    """
    *leading, q_len, d_k = query.shape
    rows = query.reshape(-1, q_len, d_k).swapaxes(0, 1)  # (q_len, batch * heads, d_k)
    products = rows @ relative_key.mT  # (q_len, batch * heads, k_len)
    return products.swapaxes(0, 1).reshape(*leading, q_len, relative_key.shape[1])


class LearnedPositions(nn.Module):
    """One learned vector per position, up to max_len."""

    def __init__(self, max_len, d_model):
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(max_len, d_model) * 0.02)

    def forward(self, x, start=0):
        """Return x plus the vectors of positions start, start + 1, ...: (..., length, d_model).

        Raises:
            TypeError: x does not hold floating-point numbers.
            ValueError: x reaches past max_len.
        """
        check_floats(x=x)
        end = start + x.shape[-2]
        if end > len(self.vectors):
            raise ValueError(
                f"there are {len(self.vectors)} learned positions, but the input reaches to position {end}: "
                f"learned positions do not extend; use sinusoidal or rotary ones."
            )
        return x + self.vectors[start:end]


class SinusoidalPositions(nn.Module):
    """The sines and cosines of `sinusoidal_encoding`, added to the input."""

    def forward(self, x, start=0):
        """Return x plus the encodings of positions start, start + 1, ...: (..., length, d_model).

        Raises:
            TypeError: x does not hold floating-point numbers (tokens, say, instead of their vectors).
        """
        check_floats(x=x)
        return x + sinusoidal_encoding(*x.shape[-2:], start=start, like=x)


class PositionsInside(nn.Module):
    """What positions do inside attention; each kind changes its part: queries and keys, the scores, or the output."""

    def rotate(self, x, start):
        """Return queries or keys (..., num_heads, length, d_k), whose first position is `start`."""
        return x

    def term(self, query, k_len, start):
        """Return what is added to the scores, broadcastable to (..., num_heads, q_len, k_len); None for nothing."""
        return None

    def attend(self, query, key, value, mask, start, is_causal, return_weights=True):
        """Return output and weights as `self_attention.attend` does; the first query stands at `start` of the keys."""
        bias = self.term(query, key.shape[-2], start)
        return attend(query, key, value, mask, bias=bias, is_causal=is_causal, return_weights=return_weights)


class RotaryPositions(PositionsInside):
    """Rotates queries and keys, so that their products see distances alone. Source: Su et al. 2021."""

    def rotate(self, x, start):
        return rotate(x, start)


class AlibiPositions(PositionsInside):
    """Subtracts from each score the distance of query and key, times a slope that differs from head to head.

    The paper has causal attention alone, where all keys lie behind the query. That the distance counts to both sides,
    so that encoders can use it too, is an extension of ours.

    Source: Press et al. 2022, section 3.
    """

    def term(self, query, k_len, start):
        num_heads, q_len = query.shape[-3:-1]
        distance = np.abs(np.arange(k_len)[None, :] - np.arange(start, start + q_len)[:, None])  # (q_len, k_len)
        penalty = -alibi_slopes(num_heads)[:, None, None] * distance
        return torch.as_tensor(penalty, dtype=query.dtype, device=query.device)  # (num_heads, q_len, k_len)


class RelativePositions(PositionsInside):
    """Learned vectors for each distance up to max_distance, for keys and for values, shared by the heads.

    Source: Shaw et al. 2018, eq. 3 and 4.
    """

    def __init__(self, d_k, max_distance):
        super().__init__()
        self.max_distance = max_distance
        self.key_vectors = nn.Parameter(torch.randn(2 * max_distance + 1, d_k) / math.sqrt(d_k))
        self.value_vectors = nn.Parameter(torch.randn(2 * max_distance + 1, d_k) / math.sqrt(d_k))

    def pairs(self, vectors, q_len, k_len, start):
        """Return the vector of every pair of positions: (q_len, k_len, d_k)."""
        index = torch.as_tensor(relative_index(q_len, k_len, self.max_distance, start), device=vectors.device)
        return vectors[index]

    def term(self, query, k_len, start):
        pairs = self.pairs(self.key_vectors, query.shape[-2], k_len, start)
        return relative_scores(query, pairs) / math.sqrt(query.shape[-1])  # eq. 4, its second part

    def attend(self, query, key, value, mask, start, is_causal, return_weights=True):
        output, weights = super().attend(query, key, value, mask, start, is_causal)
        pairs = self.pairs(self.value_vectors, *weights.shape[-2:], start)
        return output + relative_scores(weights, pairs.mT), weights  # eq. 3: the vectors join the values
