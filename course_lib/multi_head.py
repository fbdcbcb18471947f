"""Multi-head attention: split d_model into heads, attend in each, merge."""

from typing import NamedTuple

import torch
from torch import nn

from course_lib.self_attention import attend
from course_lib.validation import check_axes, check_heads


class KeysAndValues(NamedTuple):
    """What a sequence offers to be attended to, split into heads: two tensors (..., num_heads, k_len, d_k)."""

    key: torch.Tensor
    value: torch.Tensor

    def followed_by(self, later):
        """Return these keys and values with those of later positions behind them."""
        return KeysAndValues(*(torch.cat(pair, dim=-2) for pair in zip(self, later, strict=True)))

    def select(self, index):
        """Return those of the sequences at `index` (an integer tensor) of the batch."""
        return KeysAndValues(self.key[index], self.value[index])

    @property
    def length(self):
        """How many positions there are: k_len."""
        return self.key.shape[-2]


def split_heads(x, num_heads):
    """Return (..., length, d_model) as (..., num_heads, length, d_k), with d_k = d_model / num_heads.

    The axes must be swapped: a reshape straight to the result's shape would mix positions into heads.

    Raises:
        ValueError: num_heads is below 1, or does not divide d_model.
    """
    check_axes("x", x, "...", "length", "d_model")
    *leading, length, d_model = x.shape
    check_heads(num_heads, d_model)
    return x.reshape(*leading, length, num_heads, d_model // num_heads).swapaxes(-3, -2)


def merge_heads(heads):
    """Return (..., num_heads, length, d_k) as (..., length, d_model): the inverse of `split_heads`."""
    check_axes("heads", heads, "...", "num_heads", "length", "d_k")
    *leading, num_heads, length, d_k = heads.shape
    return heads.swapaxes(-3, -2).reshape(*leading, length, num_heads * d_k)


class MultiHeadAttention(nn.Module):
    """Attention in num_heads subspaces at once; self-attention, or cross-attention when given a memory.

    Args:
        d_model: size of a token's vector, in and out.
        num_heads: number of heads; each works in d_k = d_model / num_heads dimensions.
        bias: whether the linear maps add a bias.
        positions: how the heads learn about positions inside attention: a module of `positional_encoding` such as
            `RotaryPositions`, or None.

    Raises:
        ValueError: num_heads is below 1, or does not divide d_model.

    Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(self, d_model, num_heads, *, bias=True, positions=None):
        super().__init__()
        check_heads(num_heads, d_model)
        self.num_heads = num_heads
        self.W_q = nn.Linear(d_model, d_model, bias=bias)
        self.W_k = nn.Linear(d_model, d_model, bias=bias)
        self.W_v = nn.Linear(d_model, d_model, bias=bias)
        self.W_o = nn.Linear(d_model, d_model, bias=bias)
        self.positions = positions

    def forward(self, x, memory=None, mask=None, *, is_causal=False, return_weights=False):
        """Return what each position of x gathers from the memory (from x itself if there is none).

        Args:
            x: (..., q_len, d_model): who asks.
            memory: (..., k_len, d_model): who answers; x if None.
            mask: boolean, True = may attend, broadcastable to (..., q_len, k_len); the same for all heads.
            is_causal: hide the future as well; x must be as long as the memory.
            return_weights: compute the weights, too.

        Returns:
            (..., q_len, d_model) output; (..., num_heads, q_len, k_len) weights, None unless asked for.
        """
        offered = self.keys_and_values(x if memory is None else memory)
        return self.gather(x, offered, mask, is_causal=is_causal, return_weights=return_weights)

    def keys_and_values(self, memory, start=0):
        """Return the `KeysAndValues` of a sequence whose first position is `start`."""
        key = split_heads(self.W_k(memory), self.num_heads)  # (..., num_heads, k_len, d_k)
        value = split_heads(self.W_v(memory), self.num_heads)
        return KeysAndValues(key if self.positions is None else self.positions.rotate(key, start), value)

    def gather(self, x, offered, mask=None, *, start=0, is_causal=False, return_weights=False):
        """Return what each position of x gathers from keys and values computed before; arguments as `forward`.

        Args:
            offered: the `KeysAndValues`.
            start: the position of x's first element among them.
        """
        query = split_heads(self.W_q(x), self.num_heads)  # (..., num_heads, q_len, d_k)
        if mask is not None and mask.ndim > 2:
            mask = mask[..., None, :, :]  # the same for every head
        if self.positions is None:
            output, weights = attend(query, *offered, mask, is_causal=is_causal, return_weights=return_weights)
        else:
            query = self.positions.rotate(query, start)
            output, weights = self.positions.attend(query, *offered, mask, start, is_causal, return_weights)
        return self.W_o(merge_heads(output)), weights if return_weights else None

    def step(self, x, past=None, mask=None, *, return_weights=False):
        """Return what positions gather from the past and from themselves, `KeysAndValues` of both, and the weights.

        Args:
            x: (..., length, d_model); without a past any number of positions, after that one at a time.
            past: the `KeysAndValues` of the positions before x; None if there are none.
            mask: boolean, True = may attend, broadcastable to (..., length, all positions so far); if not given, each
                position sees itself and the past.
            return_weights: compute the weights, too.

        Raises:
            ValueError: more than one position comes after a past.
        """
        start = 0 if past is None else past.length
        if start and x.shape[-2] != 1:
            raise ValueError(f"after the first step positions come one at a time, but here come {x.shape[-2]}.")
        new = self.keys_and_values(x, start)
        known = past.followed_by(new) if start else new
        is_causal = mask is None and not start  # one position after a past has no future to be hidden
        output, weights = self.gather(x, known, mask, start=start, is_causal=is_causal, return_weights=return_weights)
        return output, known, weights
