"""The modules that the class tasks ask for, with the names of their parameters: what the judge's own functions are
handed, and what tasks that are given a module are given. Built of the course's library and of PyTorch's modules, and
built thousands of times: nothing is drawn that would be overwritten, nothing is checked.
"""

import torch
from torch import nn
from torch.nn import functional

from course_lib import causal_mask, padding_mask
from course_lib.positional_encoding import SinusoidalPositions


class Linear(nn.Linear):
    def reset_parameters(self):
        """Leave them as they are: they are loaded."""


class Embedding(nn.Embedding):
    def reset_parameters(self):
        """Leave them as they are: they are loaded."""


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        others = x if memory is None else memory
        maps = (self.W_q(x), self.W_k(others), self.W_v(others))
        query, key, value = (y.unflatten(-1, (self.num_heads, -1)).swapaxes(-3, -2) for y in maps)
        if mask is not None and mask.ndim > 2:
            mask = mask.unsqueeze(-3)
        heads = functional.scaled_dot_product_attention(query, key, value, mask)
        return self.W_o(heads.swapaxes(-3, -2).flatten(-2))


class FeedForward(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.W_1, self.W_2 = Linear(d_model, d_ff), Linear(d_ff, d_model)

    def forward(self, x):
        return self.W_2(torch.relu(self.W_1(x)))


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


class Encoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.blocks = nn.ModuleList(EncoderBlock(d_model, num_heads, d_ff, dropout, norm) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)


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


class Decoder(nn.Module):
    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.blocks = nn.ModuleList(DecoderBlock(d_model, num_heads, d_ff, dropout, norm) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x, memory, memory_mask=None):
        mask = causal_mask(x.shape[-2], like=x)
        for block in self.blocks:
            x = block(x, memory, mask, memory_mask)
        return self.norm(x)


class Transformer(nn.Module):
    def __init__(self, source_size, target_size, d_model, num_heads, d_ff, num_layers, dropout=0.0, norm="pre"):
        super().__init__()
        self.source = Embedding(source_size, d_model)
        self.target = Embedding(target_size, d_model)
        self.positions = SinusoidalPositions()
        self.dropout = nn.Dropout(dropout)
        self.encoder = Encoder(num_layers, d_model, num_heads, d_ff, dropout, norm)
        self.decoder = Decoder(num_layers, d_model, num_heads, d_ff, dropout, norm)
        self.W_vocabulary = Linear(d_model, target_size)

    def forward(self, source, target, source_lengths):
        memory_mask = padding_mask(source_lengths, source.shape[1])
        memory = self.encoder(self.dropout(self.positions(self.source(source))), memory_mask)
        x = self.decoder(self.dropout(self.positions(self.target(target))), memory, memory_mask)
        return self.W_vocabulary(x)
