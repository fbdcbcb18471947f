"""Self-attention as a PyTorch layer: queries, keys and values are three linear maps of the same input."""

import math

import torch
from torch import nn

from course_lib.attention import unchecked_weights
from course_lib.masks import causal_mask
from course_lib.validation import check_attention, check_causal


def attend(query, key, value, mask=None, *, bias=None, is_causal=False, return_weights=False):
    """Return scaled dot-product attention by PyTorch's fused kernel, or, with its weights, by the formula.

    The fused kernel never holds all the weights at once, so it cannot give them. A test holds the two equal.

    Args:
        query: (..., q_len, d_k) tensor.
        key: (..., k_len, d_k)
        value: (..., k_len, d_v)
        mask: boolean, True = may attend, broadcastable to (..., q_len, k_len).
        bias: floating-point, broadcastable to (..., q_len, k_len); added to the scores.
        is_causal: hide the future as well; q_len and k_len must agree.
        return_weights: compute the weights, too.

    Returns:
        (..., q_len, d_v) output, zero for a row that may attend to nothing; and (..., q_len, k_len) weights, None
        unless asked for.

    Raises:
        TypeError, ValueError: as `scaled_dot_product_attention`.
        ValueError: `is_causal` with more keys than queries, or fewer.

    Source: Vaswani et al. 2017, eq. 1.
    """
    check_attention(mask, bias, query=query, key=key, value=value)
    if is_causal:
        check_causal(query, key)
    if is_causal and (mask is not None or bias is not None or return_weights):
        causal = causal_mask(query.shape[-2], like=query)
        mask, is_causal = causal if mask is None else mask & causal, False
    if return_weights:
        weights = unchecked_weights(torch, query, key, mask, bias)  # (..., q_len, k_len)
        return weights @ value, weights
    if bias is not None:  # the kernel adds what is no boolean
        mask = bias if mask is None else torch.where(mask, bias, -math.inf)
    if mask is not None:
        mask = torch.atleast_2d(mask)  # it takes no mask of keys alone
    fused = nn.functional.scaled_dot_product_attention
    return fused(query, key, value, attn_mask=mask, is_causal=is_causal), None


class SelfAttention(nn.Module):
    """One head of self-attention. Only the linear maps W_q, W_k, W_v and W_o are unknown; training finds them.

    Args:
        d_model: size of a token's vector, in and out.
        d_k: size of a query and a key (and here of a value); d_model if not given.
        bias: whether the maps add a bias.
    """

    def __init__(self, d_model, d_k=None, *, bias=True):
        super().__init__()
        d_k = d_model if d_k is None else d_k
        self.W_q = nn.Linear(d_model, d_k, bias=bias)
        self.W_k = nn.Linear(d_model, d_k, bias=bias)
        self.W_v = nn.Linear(d_model, d_k, bias=bias)
        self.W_o = nn.Linear(d_k, d_model, bias=bias)

    def forward(self, x, mask=None, *, return_weights=False):
        """Return what each token gathers from all, and the weights.

        Args:
            x: (..., length, d_model)
            mask: boolean, True = may attend, broadcastable to (..., length, length).
            return_weights: compute the weights, too.

        Returns:
            (..., length, d_model) output; (..., length, length) weights, None unless asked for.
        """
        query, key, value = self.W_q(x), self.W_k(x), self.W_v(x)  # (..., length, d_k)
        output, weights = attend(query, key, value, mask, return_weights=return_weights)
        return self.W_o(output), weights
