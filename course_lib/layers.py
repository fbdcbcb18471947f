"""The parts of a Transformer block beside attention: normalization and the feed-forward network."""

import torch
from torch import nn


def layer_norm(x, weight, bias, eps=1e-5):
    """Return each vector with mean 0 and variance 1, then scaled and shifted, component by component.

    The variance is the biased one (divided by d_model), and eps stands inside the root.

    Args:
        x: (..., d_model)
        weight, bias: (d_model,)
        eps: keeps the root away from zero.

    Source: Ba et al. 2016, eq. 3 and 4.
    """
    centered = x - x.mean(-1, keepdims=True)
    variance = (centered**2).mean(-1, keepdims=True)
    return centered / (variance + eps) ** 0.5 * weight + bias


def rms_norm(x, weight, eps=1e-5):
    """Return each vector divided by the root of its mean square, then scaled: `layer_norm` without means and shifts.

    Source: Zhang and Sennrich 2019, eq. 4.
    """
    return x / ((x**2).mean(-1, keepdims=True) + eps) ** 0.5 * weight


class LayerNorm(nn.Module):
    """`layer_norm` with a learned weight and bias, by PyTorch's fused kernel; a test holds the two equal."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        """Return (..., d_model) for (..., d_model)."""
        return nn.functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


class RMSNorm(nn.Module):
    """`rms_norm` with a learned weight, by PyTorch's fused kernel; a test holds the two equal."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.eps = eps

    def forward(self, x):
        """Return (..., d_model) for (..., d_model)."""
        return nn.functional.rms_norm(x, x.shape[-1:], self.weight, self.eps)


class FeedForward(nn.Module):
    """`max(0, x W_1 + b_1) W_2 + b_2`: the same small network at every position.

    Source: Vaswani et al. 2017, eq. 2.
    """

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.W_1 = nn.Linear(d_model, d_ff)
        self.W_2 = nn.Linear(d_ff, d_model)

    def forward(self, x):
        """Return (..., d_model) for (..., d_model)."""
        return self.W_2(torch.relu(self.W_1(x)))


class SwiGLU(nn.Module):
    """`(silu(x W_1) * x W_3) W_2`: a feed-forward network with a gate and without biases.

    Source: Shazeer 2020, eq. 6.
    """

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.W_1 = nn.Linear(d_model, d_ff, bias=False)
        self.W_2 = nn.Linear(d_ff, d_model, bias=False)
        self.W_3 = nn.Linear(d_model, d_ff, bias=False)

    def forward(self, x):
        """Return (..., d_model) for (..., d_model)."""
        return self.W_2(nn.functional.silu(self.W_1(x)) * self.W_3(x))


class FrameEmbedding(nn.Module):
    """Frames to vectors: a linear map, and on top of it what the neighbors say (a convolution over positions).

    The linear map has no bias, so that padding (zeros) stays zeros: a frame at the end of an utterance sees the same
    behind it whether the utterance stands alone or beside a longer one.

    Args:
        d_input: size of a frame.
        d_model: size of a vector.
        width: positions that a vector is made of, itself in the middle; odd.

    Raises:
        ValueError: the width is even.

    Source: as in Dong, Xu and Xu 2018 (Speech-Transformer), convolutions stand between the frames and the encoder.
    """

    def __init__(self, d_input, d_model, width=3):
        super().__init__()
        if width % 2 == 0:
            raise ValueError(f"there are as many neighbors before as behind, so width must be odd, not {width}.")
        self.W = nn.Linear(d_input, d_model, bias=False)
        self.neighbors = nn.Conv1d(d_model, d_model, width, padding="same")

    def forward(self, frames):
        """Return (batch, length, d_model) for frames of shape (batch, length, d_input)."""
        x = nn.functional.gelu(self.W(frames))
        return x + self.neighbors(x.mT).mT
