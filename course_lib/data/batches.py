"""From texts to one rectangle of numbers: tokens become ids, and short sequences are padded to the longest.

>>> vocabulary = Vocabulary.of(["ab", "cab"])
>>> ids, lengths = pad_batch([vocabulary.encode("ab"), vocabulary.encode("cab")])
>>> ids
array([[1, 2, 0],
       [3, 1, 2]])
>>> lengths
array([2, 3])
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

PADDING = 0  # the id that stands for no token


@dataclass(frozen=True)
class Vocabulary:
    """The tokens a model knows; their ids are 1, 2, 3, ... in order, and 0 is the padding.

    A text counts as its characters.
    """

    tokens: tuple[str, ...]

    def __post_init__(self):
        if len(set(self.tokens)) < len(self.tokens):
            raise ValueError("each token of a vocabulary may stand in it once.")

    @classmethod
    def of(cls, texts: Iterable[Iterable[str]]) -> "Vocabulary":
        """Return the vocabulary of every token in `texts`, in sorted order."""
        return cls(tuple(sorted({token for text in texts for token in text})))

    def __len__(self):
        """The number of ids, padding included: the rows of an embedding table."""
        return len(self.tokens) + 1

    def encode(self, text: Iterable[str]) -> list[int]:
        """Return the ids of the tokens of `text`.

        Raises:
            ValueError: a token is not in the vocabulary.
        """
        unknown = [token for token in text if token not in self._ids]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not in the vocabulary of {len(self.tokens)} tokens.")
        return [self._ids[token] for token in text]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids`; padding stands for nothing."""
        return "".join(self.tokens[i - 1] for i in ids if i != PADDING)

    @cached_property
    def _ids(self):
        return {token: number for number, token in enumerate(self.tokens, start=1)}


def pad_batch(sequences: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return (ids, lengths): the sequences as one rectangle, and how much of each row is real.

    Args:
        sequences: ids of tokens, sequences of any length.

    Returns:
        ids: (batch, max_len) integers, each row filled up with `PADDING`.
        lengths: (batch,) integers.

    Raises:
        ValueError: no sequences.
    """
    if len(sequences) == 0:
        raise ValueError("a batch needs at least one sequence.")
    lengths = np.array([len(sequence) for sequence in sequences])
    ids = np.full((len(sequences), lengths.max()), PADDING)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = sequence
    return ids, lengths
