"""The course's own Transformer, part by part: the answers of the solutions, put together.

A learner's file, exercises/my_transformer.py, takes from here what is not theirs yet. Made by `course.py release`.
"""

import math

import torch
from torch import nn

# 04.padding_mask ------------------------------------------------------------------------------------------------------

from course_lib import padding_mask


# 04.causal_mask -------------------------------------------------------------------------------------------------------

from course_lib import causal_mask


# 04.masked_softmax ----------------------------------------------------------------------------------------------------

from course_lib import masked_softmax


# 04.masked_attention --------------------------------------------------------------------------------------------------

from course_lib import scaled_dot_product_attention as masked_attention


# 05.SelfAttention -----------------------------------------------------------------------------------------------------


class SelfAttention(nn.Module):
    def __init__(self, d_model, d_k):
        super().__init__()
        self.W_q, self.W_k, self.W_v = (nn.Linear(d_model, d_k) for _ in range(3))
        self.W_o = nn.Linear(d_k, d_model)

    def forward(self, x, mask=None):
        return self.W_o(masked_attention(self.W_q(x), self.W_k(x), self.W_v(x), mask))


# 06.split_heads -------------------------------------------------------------------------------------------------------

from course_lib.multi_head import split_heads


# 06.merge_heads -------------------------------------------------------------------------------------------------------

from course_lib.multi_head import merge_heads


# 06.MultiHeadAttention ------------------------------------------------------------------------------------------------

from course_lib.multi_head import MultiHeadAttention as LibraryAttention


class MultiHeadAttention(LibraryAttention):
    """Gives the output alone."""

    def forward(self, x, memory=None, mask=None):
        return super().forward(x, memory, mask)[0]


# 07.sinusoidal_positions ----------------------------------------------------------------------------------------------

from course_lib.positional_encoding import sinusoidal_encoding as sinusoidal_positions


# 07.SinusoidalPositions -----------------------------------------------------------------------------------------------

from course_lib.positional_encoding import SinusoidalPositions


# 08.layer_norm --------------------------------------------------------------------------------------------------------

from course_lib.layers import layer_norm


# 08.FeedForward -------------------------------------------------------------------------------------------------------

from course_lib.layers import FeedForward


# 08.EncoderBlock ------------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """What encoder and decoder blocks share: dropout, and the order of norm and sum."""

    def __init__(self, dropout, norm):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.order = norm

    def around(self, x, norm, part):
        if self.order == "pre":
            return x + self.dropout(part(norm(x)))
        return norm(x + self.dropout(part(x)))


class EncoderBlock(Block):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__(dropout, norm)
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.norm_attention = nn.LayerNorm(d_model)
        self.norm_feed_forward = nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        x = self.around(x, self.norm_attention, lambda words: self.attention(words, mask=mask))
        return self.around(x, self.norm_feed_forward, self.feed_forward)


# 08.Encoder -----------------------------------------------------------------------------------------------------------


class Encoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.blocks = nn.ModuleList(EncoderBlock(d_model, num_heads, d_ff, dropout, norm) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)


# 09.DecoderBlock ------------------------------------------------------------------------------------------------------


class DecoderBlock(Block):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__(dropout, norm)
        self.self_attention = MultiHeadAttention(d_model, num_heads)
        self.cross_attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.norm_self_attention = nn.LayerNorm(d_model)
        self.norm_cross_attention = nn.LayerNorm(d_model)
        self.norm_feed_forward = nn.LayerNorm(d_model)

    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.around(x, self.norm_self_attention, lambda words: self.self_attention(words, mask=mask))
        x = self.around(x, self.norm_cross_attention, lambda words: self.cross_attention(words, memory, memory_mask))
        return self.around(x, self.norm_feed_forward, self.feed_forward)


# 09.Decoder -----------------------------------------------------------------------------------------------------------


class Decoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.blocks = nn.ModuleList(DecoderBlock(d_model, num_heads, d_ff, dropout, norm) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x, memory, memory_mask=None):
        mask = torch.as_tensor(causal_mask(x.shape[-2]), device=x.device)
        for block in self.blocks:
            x = block(x, memory, mask, memory_mask)
        return self.norm(x)


# 09.Transformer -------------------------------------------------------------------------------------------------------


class Transformer(nn.Module):
    def __init__(self, source_size, target_size, d_model, num_heads, d_ff, num_layers, dropout=0.0, norm="pre"):
        super().__init__()
        self.source = nn.Embedding(source_size, d_model)
        self.target = nn.Embedding(target_size, d_model)
        self.positions = SinusoidalPositions()
        self.dropout = nn.Dropout(dropout)
        self.encoder = Encoder(num_layers, d_model, num_heads, d_ff, dropout, norm)
        self.decoder = Decoder(num_layers, d_model, num_heads, d_ff, dropout, norm)
        self.W_vocabulary = nn.Linear(d_model, target_size)

    def forward(self, source, target, source_lengths):
        memory_mask = padding_mask(source_lengths, source.shape[1])
        memory = self.encoder(self.dropout(self.positions(self.source(source))), memory_mask)
        x = self.decoder(self.dropout(self.positions(self.target(target))), memory, memory_mask)
        return self.W_vocabulary(x)
