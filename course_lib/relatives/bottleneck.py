"""The encoder-decoder before attention: a recurrent network reads the source into one vector, another writes it out."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence


class BottleneckState(NamedTuple):
    """What the writer keeps between steps: all it knows of the source and of what it has written.

    Attributes:
        hidden: (num_layers, batch, d_hidden)
        context: (batch, d_hidden): the vector that the source became.
    """

    hidden: torch.Tensor
    context: torch.Tensor

    def select(self, index):
        """Return the state of the sequences at `index` (an integer tensor) of the batch."""
        return BottleneckState(self.hidden[:, index], self.context[index])


class RecurrentBottleneck(nn.Module):
    """Two recurrent networks (GRU); the source goes from one to the other through a single vector.

    Takes and returns what a `Transformer` does, so it trains in the same loop and decodes with the same functions.

    Args:
        d_hidden: size of the vector.
        source: a module that turns an input into (batch, length, d_input), such as `nn.Embedding`.
        d_input: size of its vectors, and of the target tokens'.
        target_size: number of tokens in the target vocabulary.
        num_layers: of each network.

    Source: Cho et al. 2014, section 2.2; the vector is given to every step of the writer, as there.
    """

    def __init__(self, d_hidden, source, d_input, target_size, num_layers=1):
        super().__init__()
        self.source = source
        self.target = nn.Embedding(target_size, d_input)
        self.reader = nn.GRU(d_input, d_hidden, num_layers, batch_first=True)
        self.writer = nn.GRU(d_input + d_hidden, d_hidden, num_layers, batch_first=True)
        self.W_vocabulary = nn.Linear(d_hidden, target_size)

    def forward(self, source, target, source_lengths=None):
        """Return the logits of the token after each position of the target: (batch, length, target_size)."""
        output, _ = self._write(target, self.begin(source, source_lengths))
        return self.W_vocabulary(output)

    def begin(self, source, lengths=None):
        """Return the `BottleneckState` for an input, before its first token."""
        vectors = self.source(source)
        if lengths is not None:  # packed, so that the last state is that of the last real position
            vectors = pack_padded_sequence(vectors, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, hidden = self.reader(vectors)
        return BottleneckState(hidden, hidden[-1])

    def step(self, tokens, state):
        """Return the logits of the next token (batch, target_size), the state after `tokens`, and no weights."""
        output, state = self._write(tokens[:, None], state)
        return self.W_vocabulary(output[:, -1]), state, None

    def _write(self, target, state):
        context = state.context[:, None].expand(-1, target.shape[1], -1)
        output, hidden = self.writer(torch.cat([self.target(target), context], dim=-1), state.hidden)
        return output, BottleneckState(hidden, state.context)
