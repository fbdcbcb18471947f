"""Which language is this name from? Ways of pooling beside each other: same names, steps, and number of parameters."""

import math
from functools import cache

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib.data.batches import Vocabulary, bucketed, pad_batch
from course_lib.data.names import LANGUAGES, folds, read_names
from course_lib.relatives.pooling import (
    ClassTokenPooling,
    LastStatePooling,
    MaxPooling,
    MeanPooling,
    StructuredSelfAttention,
    overlap_penalty,
)
from experiments.record import grid, run_experiment

D_LETTER, D_A, BATCH = 24, 32, 32
PARAMETERS = 60_000  # of each model, within 5 %
HOPS, PENALTY = 4, 1.0

# Each way: the pooling, how much the penalty counts, and the highest learning rate (see `tune`).
WAYS = {
    "mean": (lambda d_states: MeanPooling(), 0.0, 1e-2),
    "max": (lambda d_states: MaxPooling(), 0.0, 1e-2),
    "last state": (lambda d_states: LastStatePooling(), 0.0, 1e-2),
    "class token": (ClassTokenPooling, 0.0, 1e-2),
    "1 hop": (lambda d_states: StructuredSelfAttention(d_states, D_A, 1), 0.0, 1e-2),
    "4 hops": (lambda d_states: StructuredSelfAttention(d_states, D_A, HOPS), 0.0, 1e-2),
    "4 hops, penalty": (lambda d_states: StructuredSelfAttention(d_states, D_A, HOPS), PENALTY, 1e-2),
}
BASELINE = "letter n-grams"
FOLDS = 5  # a seed is a fold: every name is held out once


class NameReader(nn.Module):
    """Letters, a bidirectional LSTM, one embedding for the whole name, a score for every language."""

    def __init__(self, way, letters, languages):
        super().__init__()
        self.u = fitting_size(way, letters, languages)
        make = WAYS[way][0]
        self.letters = nn.Embedding(letters, D_LETTER, padding_idx=0)
        self.lstm = nn.LSTM(D_LETTER, self.u, batch_first=True, bidirectional=True)
        self.pooling = make(2 * self.u)
        self.answer = nn.LazyLinear(languages)

    def states(self, tokens, lengths):
        """Return H: (batch, n, 2u) states, zero on the padding, which neither direction reads."""
        packed = pack_padded_sequence(self.letters(tokens), lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]

    def forward(self, tokens, lengths):
        """Return (batch, languages) logits and the pooling's weights (batch, hops, n), or None where it has none."""
        embedding, weights = self.pooling(self.states(tokens, lengths), lengths)  # (batch, hops, 2u)
        return self.answer(embedding.flatten(1)), weights
