"""Pooling: from states, one for every position of a sequence of any length, to one embedding of one size.

Each way takes (states, lengths) and returns (embedding, weights). The embedding has a row for each hop; where it is a
weighted sum of the states, the weights say how much of each position went into it.
"""

import math

import torch
from torch import nn

from course_lib.attention import unchecked_weights
from course_lib.masks import padding_mask
from course_lib.softmax import unchecked_masked_softmax, unchecked_softmax
from course_lib.validation import check_axes, check_equal_sizes, check_floats, check_mask


def hop_weights(states, W_s1, W_s2, mask=None):
    """Return `A = softmax(W_s2 tanh(W_s1 H^T))`: where each hop looks.

    Args:
        states: (..., n, d_states), H in the formula.
        W_s1: (d_a, d_states)
        W_s2: (hops, d_a): for each hop, what it looks for.
        mask: boolean, True = may be looked at, broadcastable to (..., hops, n), as `padding_mask` makes it.

    Returns:
        (..., hops, n) weights. Each row sums to one, or to zero where its mask allows nothing.

    Raises:
        TypeError: not floating-point arrays of one library and dtype, or a mask that is not boolean.
        ValueError: sizes that do not fit each other.

    Source: Lin et al. 2017, eq. 6 (eq. 5 is that of one hop).
    """
    xp = check_floats(states=states, W_s1=W_s1, W_s2=W_s2)
    check_axes("states", states, "...", "n", "d_states")
    check_axes("W_s1", W_s1, "d_a", "d_states")
    check_axes("W_s2", W_s2, "hops", "d_a")
    check_equal_sizes("W_s1 takes states", d_states_of_states=states.shape[-1], columns_of_W_s1=W_s1.shape[1])
    check_equal_sizes("W_s2 takes what W_s1 gives", rows_of_W_s1=W_s1.shape[0], columns_of_W_s2=W_s2.shape[1])
    scores = W_s2 @ xp.tanh(W_s1 @ states.mT)  # (..., hops, n)
    if mask is None:
        return unchecked_softmax(xp, scores)
    check_mask(xp, mask, scores)
    return unchecked_masked_softmax(xp, scores, mask)


def overlap_penalty(weights):
    """Return `||A A^T - I||_F^2`: 0 if each hop looks at one position alone, and no two hops at the same.

    Args:
        weights: (..., hops, n)

    Returns:
        (...): a number for each sequence.

    Raises:
        TypeError: not a floating-point array.
        ValueError: fewer than two axes.

    Source: Lin et al. 2017, eq. 8.
    """
    xp = check_floats(weights=weights)
    check_axes("weights", weights, "...", "hops", "n")
    eye = xp.eye(weights.shape[-2], dtype=weights.dtype, device=weights.device)
    return xp.sum((weights @ weights.mT - eye) ** 2, axis=(-2, -1))


class StructuredSelfAttention(nn.Module):
    """Several hops, each a weighted sum of the states, with weights that the states themselves give.

    Args:
        d_states: size of a state.
        d_a: size of the hidden layer that scores a state.
        hops: how many weighted sums.

    Raises:
        ValueError: no hop.

    Source: Lin et al. 2017, section 2.1, eq. 6 and 7.
    """

    def __init__(self, d_states, d_a, hops):
        super().__init__()
        if hops < 1:
            raise ValueError(f"an embedding needs at least 1 hop, not hops={hops}.")
        self.W_s1 = nn.Linear(d_states, d_a, bias=False)
        self.W_s2 = nn.Linear(d_a, hops, bias=False)

    def forward(self, states, lengths):
        """Return the embedding `M = A H`, and A.

        Args:
            states: (batch, n, d_states)
            lengths: (batch,) integers: how many positions of each sequence are real.

        Returns:
            (batch, hops, d_states) embedding, (batch, hops, n) weights; both are zero for a sequence of length 0.
        """
        mask = padding_mask(lengths, states.shape[-2])  # (batch, 1, n)
        weights = hop_weights(states, self.W_s1.weight, self.W_s2.weight, mask)
        return weights @ states, weights


class MeanPooling(nn.Module):
    """The mean of the real states: the weights are equal."""

    def forward(self, states, lengths):
        """Return (batch, 1, d_states) and the weights (batch, 1, n), for arguments as of `StructuredSelfAttention`."""
        mask = padding_mask(lengths, states.shape[-2])  # (batch, 1, n)
        weights = unchecked_masked_softmax(torch, torch.zeros_like(states[..., :1].mT), mask)  # equal scores
        return weights @ states, weights


class MaxPooling(nn.Module):
    """The largest real entry of each component: every component chooses a position of its own."""

    def forward(self, states, lengths):
        """Return (batch, 1, d_states) and None: no one row of weights gives it. Arguments as of `MeanPooling`."""
        mask = padding_mask(lengths, states.shape[-2]).mT  # (batch, n, 1)
        largest = torch.where(mask, states, -math.inf).amax(dim=-2, keepdim=True)
        return torch.where(lengths[:, None, None] > 0, largest, 0.0), None


class LastStatePooling(nn.Module):
    """Where each direction of a bidirectional network ends: its forward half last, its backward half first.

    The states are (forward half, backward half), as `torch.nn.LSTM(bidirectional=True)` gives them.

    Raises:
        ValueError: d_states is odd (when called).
    """

    def forward(self, states, lengths):
        """Return (batch, 1, d_states) and None: the halves have different weights. Arguments as of `MeanPooling`."""
        d_states = states.shape[-1]
        if d_states % 2:
            raise ValueError(f"two directions share the states evenly, so d_states must be even, not {d_states}.")
        forward, backward = states[..., : d_states // 2], states[..., d_states // 2 :]
        last = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, d_states // 2)  # (batch, 1, d_states / 2)
        ends = torch.cat([forward.gather(1, last), backward[:, :1]], dim=-1)
        return torch.where(lengths[:, None, None] > 0, ends, 0.0), None


class ClassTokenPooling(nn.Module):
    """One learned query asks all states, by scaled dot products: what a class token gathers in one layer of attention.

    The states are keys and values alike. A key map of its own would give nothing new: one query times one map is again
    one vector.

    Args:
        d_states: size of a state.

    Source: Devlin et al. 2019, section 3 (the token [CLS]).
    """

    def __init__(self, d_states):
        super().__init__()
        self.query = nn.Parameter(torch.randn(1, d_states))

    def forward(self, states, lengths):
        """Return (batch, 1, d_states) and the weights (batch, 1, n), for arguments as of `StructuredSelfAttention`."""
        mask = padding_mask(lengths, states.shape[-2])  # (batch, 1, n)
        weights = unchecked_weights(torch, self.query, states, mask)
        return weights @ states, weights
