"""The Transformer: blocks of attention and feed-forward, stacked into an encoder and a decoder."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from course_lib.layers import FeedForward, LayerNorm
from course_lib.masks import causal_mask, combine_masks, padding_mask
from course_lib.multi_head import KeysAndValues, MultiHeadAttention
from course_lib.positional_encoding import SinusoidalPositions
from course_lib.validation import check_heads


@dataclass(frozen=True)
class Sizes:
    """The sizes of a Transformer.

    Attributes:
        d_model: size of a token's vector.
        num_heads: heads of every attention.
        d_ff: hidden size of the feed-forward networks.
        num_layers: blocks in the encoder, and in the decoder.
        dropout: share of components dropped from every sublayer's output while training.
        norm: "post" normalizes after each residual sum (Vaswani et al. 2017), "pre" before each sublayer (Xiong et
            al. 2020).

    Raises:
        ValueError: `norm` is neither, or num_heads is below 1 or does not divide d_model.
    """

    d_model: int = 64
    num_heads: int = 4
    d_ff: int = 256
    num_layers: int = 2
    dropout: float = 0.0
    norm: str = "pre"

    def __post_init__(self):
        if self.norm not in ("pre", "post"):
            raise ValueError(f'norm must be "pre" or "post", not {self.norm!r}.')
        check_heads(self.num_heads, self.d_model)


class Around(nn.Module):
    """What stands around a sublayer: the norm, before it ("pre") or after the residual sum ("post"), and dropout.

    `x = around.after(x + around.dropout(sublayer(around.before(x))))`
    """

    def __init__(self, sizes):
        super().__init__()
        self.norm = LayerNorm(sizes.d_model)
        self.dropout = nn.Dropout(sizes.dropout)
        self.is_pre = sizes.norm == "pre"

    def before(self, x):
        """Return what the sublayer gets to see."""
        return self.norm(x) if self.is_pre else x

    def after(self, x):
        """Return what the residual sum goes on as."""
        return x if self.is_pre else self.norm(x)


class EncoderBlock(nn.Module):
    """Self-attention, then feed-forward; each surrounded by a residual sum and a norm.

    Source: Vaswani et al. 2017, section 3.1 and figure 1, left.
    """

    def __init__(self, sizes, positions=None):
        super().__init__()
        self.attention = MultiHeadAttention(sizes.d_model, sizes.num_heads, positions=positions)
        self.feed_forward = FeedForward(sizes.d_model, sizes.d_ff)
        self.around_attention = Around(sizes)
        self.around_feed_forward = Around(sizes)

    def forward(self, x, mask=None, *, return_weights=False):
        """Return (..., length, d_model) output; (..., num_heads, length, length) weights, None unless asked for.

        Args:
            x: (..., length, d_model)
            mask: boolean, True = may attend, broadcastable to (..., length, length).
            return_weights: compute the weights, too.
        """
        output, weights = self.attention(self.around_attention.before(x), mask=mask, return_weights=return_weights)
        x = self.around_attention.after(x + self.around_attention.dropout(output))
        output = self.feed_forward(self.around_feed_forward.before(x))
        x = self.around_feed_forward.after(x + self.around_feed_forward.dropout(output))
        return x, weights


class Encoder(nn.Module):
    """A stack of encoder blocks, and a last norm.

    Args:
        sizes: the `Sizes`.
        positions: makes the positions for one block's attention, such as `RotaryPositions`; none if not given.
    """

    def __init__(self, sizes, positions=None):
        super().__init__()
        made = (None if positions is None else positions() for _ in range(sizes.num_layers))
        self.blocks = nn.ModuleList(EncoderBlock(sizes, each) for each in made)
        self.norm = LayerNorm(sizes.d_model)

    def forward(self, x, lengths=None, mask=None, *, return_weights=False):
        """Return (..., length, d_model) output; and the weights of every block, None unless asked for.

        Args:
            x: (..., length, d_model)
            lengths: (...) integers: how many positions are real; all of them if not given.
            mask: boolean, True = may attend, broadcastable to (..., length, length); besides the padding.
            return_weights: compute the weights, too.
        """
        mask = _with_padding(mask, lengths, x.shape[-2])
        maps = []
        for block in self.blocks:
            x, weights = block(x, mask, return_weights=return_weights)
            maps.append(weights)
        return self.norm(x), maps if return_weights else None


class BlockState(NamedTuple):
    """What a decoder block keeps between steps: keys and values of the positions so far, and those of the memory."""

    own: KeysAndValues | None
    memory: KeysAndValues

    def select(self, index):
        """Return the state of the sequences at `index` (an integer tensor) of the batch."""
        return BlockState(None if self.own is None else self.own.select(index), self.memory.select(index))


class DecoderBlock(nn.Module):
    """Masked self-attention, cross-attention to the memory, then feed-forward; each with a residual sum and a norm.

    Source: Vaswani et al. 2017, section 3.1 and figure 1, right.
    """

    def __init__(self, sizes, positions=None):
        super().__init__()
        self.self_attention = MultiHeadAttention(sizes.d_model, sizes.num_heads, positions=positions)
        self.cross_attention = MultiHeadAttention(sizes.d_model, sizes.num_heads)
        self.feed_forward = FeedForward(sizes.d_model, sizes.d_ff)
        self.around_self_attention = Around(sizes)
        self.around_cross_attention = Around(sizes)
        self.around_feed_forward = Around(sizes)

    def forward(self, x, memory, mask=None, memory_mask=None, *, return_weights=False):
        """Return (..., length, d_model) output; (self, cross) weights, None unless asked for.

        Args:
            x: (..., length, d_model); position i sees positions 0 to i.
            memory: (..., k_len, d_model): the encoder's output.
            mask: boolean, True = may attend, broadcastable to (..., length, length); besides the causal one.
            memory_mask: boolean, broadcastable to (..., length, k_len).
            return_weights: compute the weights, too.
        """
        if mask is not None:
            mask = combine_masks(mask, causal_mask(x.shape[-2], like=x))
        output, _, weights = self.step(x, self.begin(memory), mask, memory_mask, return_weights=return_weights)
        return output, weights

    def begin(self, memory):
        """Return the `BlockState` before the first position."""
        return BlockState(None, self.cross_attention.keys_and_values(memory))

    def step(self, x, state, mask=None, memory_mask=None, *, return_weights=False):
        """Return output, state and weights for positions that follow those of the state.

        From the empty state any number of positions; after that one at a time.

        Args:
            x: (..., length, d_model)
            state: the `BlockState`.
            mask: boolean, True = may attend, broadcastable to (..., length, all positions so far); if not given, each
                position sees itself and the past.
            memory_mask: boolean, broadcastable to (..., length, k_len).
            return_weights: compute the weights, too.
        """
        output, own, own_weights = self.self_attention.step(
            self.around_self_attention.before(x), state.own, mask, return_weights=return_weights
        )
        x = self.around_self_attention.after(x + self.around_self_attention.dropout(output))
        output, cross_weights = self.cross_attention.gather(
            self.around_cross_attention.before(x), state.memory, memory_mask, return_weights=return_weights
        )
        x = self.around_cross_attention.after(x + self.around_cross_attention.dropout(output))
        output = self.feed_forward(self.around_feed_forward.before(x))
        x = self.around_feed_forward.after(x + self.around_feed_forward.dropout(output))
        return x, BlockState(own, state.memory), (own_weights, cross_weights) if return_weights else None


class DecoderState(NamedTuple):
    """What a decoder keeps between steps: the state of every block, and which positions of the memory are real."""

    blocks: tuple[BlockState, ...]
    memory_mask: torch.Tensor | None

    @property
    def length(self):
        """How many positions have been decoded."""
        own = self.blocks[0].own
        return 0 if own is None else own.length

    def select(self, index):
        """Return the state of the sequences at `index` (an integer tensor) of the batch."""
        mask = None if self.memory_mask is None else self.memory_mask[index]
        return DecoderState(tuple(block.select(index) for block in self.blocks), mask)


class Decoder(nn.Module):
    """A stack of decoder blocks, and a last norm; arguments as `Encoder`."""

    def __init__(self, sizes, positions=None):
        super().__init__()
        made = (None if positions is None else positions() for _ in range(sizes.num_layers))
        self.blocks = nn.ModuleList(DecoderBlock(sizes, each) for each in made)
        self.norm = LayerNorm(sizes.d_model)

    def forward(self, x, memory, lengths=None, memory_lengths=None, *, return_weights=False):
        """Return (..., length, d_model) output; the (self, cross) weights of every block, None unless asked for.

        Args:
            x: (..., length, d_model); position i sees positions 0 to i.
            memory: (..., k_len, d_model): the encoder's output.
            lengths, memory_lengths: (...) integers: how many positions are real; all of them if not given.
            return_weights: compute the weights, too.
        """
        mask = _with_padding(None, lengths, x.shape[-2])
        output, _, maps = self.step(x, self.begin(memory, memory_lengths), mask, return_weights=return_weights)
        return output, maps

    def begin(self, memory, memory_lengths=None):
        """Return the `DecoderState` before the first position."""
        memory_mask = _with_padding(None, memory_lengths, memory.shape[-2])
        return DecoderState(tuple(block.begin(memory) for block in self.blocks), memory_mask)

    def step(self, x, state, mask=None, *, return_weights=False):
        """Return output, state and weights for positions that follow those of the state, as `DecoderBlock.step`.

        The mask is one besides the causal one, and for the first step alone.
        """
        if state.length == 0 and (mask is not None or return_weights):  # once for all blocks
            causal = causal_mask(x.shape[-2], like=x)
            mask = causal if mask is None else combine_masks(mask, causal)
        states, maps = [], []
        for block, before in zip(self.blocks, state.blocks, strict=True):
            x, after, weights = block.step(x, before, mask, state.memory_mask, return_weights=return_weights)
            states.append(after)
            maps.append(weights)
        return self.norm(x), DecoderState(tuple(states), state.memory_mask), maps if return_weights else None


class Transformer(nn.Module):
    """Encoder and decoder, with what turns an input into vectors, tokens into vectors, and vectors into logits.

    Args:
        sizes: the `Sizes`.
        source: a module that turns an input into (batch, length, d_model): `nn.Embedding` for tokens, `nn.Linear` for
            frames.
        target_size: number of tokens in the target vocabulary.

    Source: Vaswani et al. 2017, figure 1.
    """

    def __init__(self, sizes, source, target_size):
        super().__init__()
        self.source = source
        self.target = nn.Embedding(target_size, sizes.d_model)
        self.positions = SinusoidalPositions()
        self.dropout = nn.Dropout(sizes.dropout)
        self.encoder = Encoder(sizes)
        self.decoder = Decoder(sizes)
        self.W_vocabulary = nn.Linear(sizes.d_model, target_size)

    def forward(self, source, target, source_lengths=None, target_lengths=None):
        """Return the logits of the token after each position of the target: (batch, length, target_size).

        Args:
            source: (batch, k_len) tokens, or (batch, k_len, d_input) frames.
            target: (batch, length) tokens; the first is BEGIN.
            source_lengths, target_lengths: (batch,) integers: how many positions are real.
        """
        memory = self.encode(source, source_lengths)
        output, _ = self.decoder(self.embed(target), memory, target_lengths, source_lengths)
        return self.W_vocabulary(output)

    def encode(self, source, lengths=None):
        """Return the memory (batch, k_len, d_model) of an input."""
        return self.encoder(self.dropout(self.positions(self.source(source))), lengths)[0]

    def embed(self, target, start=0):
        """Return the vectors of target tokens at positions start, start + 1, ...: (batch, length, d_model)."""
        return self.dropout(self.positions(self.target(target), start))

    def begin(self, source, lengths=None):
        """Return the `DecoderState` for an input, before its first token."""
        return self.decoder.begin(self.encode(source, lengths), lengths)

    def step(self, tokens, state, *, return_weights=False):
        """Return the logits of the next token (batch, target_size), the state after `tokens`, and the weights.

        Args:
            tokens: (batch,): the token at the position that follows the state.
            state: the `DecoderState`.
            return_weights: compute the weights, too.
        """
        vectors = self.embed(tokens[:, None], state.length)  # (batch, 1, d_model)
        output, state, weights = self.decoder.step(vectors, state, return_weights=return_weights)
        return self.W_vocabulary(output[:, -1]), state, weights


def _with_padding(mask, lengths, max_len):
    if lengths is None:
        return mask
    padding = padding_mask(lengths, max_len)  # (..., 1, max_len)
    return padding if mask is None else combine_masks(mask, padding)
