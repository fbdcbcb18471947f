"""From texts to one rectangle of numbers: tokens become ids, and short sequences are padded to the longest.

Sequences of like length share a batch, so that little of the rectangle is padding.

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

# Tokens that are no characters. A decoder is given BEGIN first and asked for END last.
BEGIN, END, UNKNOWN = "BEGIN", "END", "UNKNOWN"

POOL = 20  # batches sorted by length together: more leave less padding, fewer mix the examples better


@dataclass(frozen=True)
class Vocabulary:
    """The tokens a model knows; their ids are 1, 2, 3, ... in order, and 0 is the padding.

    A text counts as its characters. Where `UNKNOWN` is among the tokens, it stands for all that are not.
    """

    tokens: tuple[str, ...]

    def __post_init__(self):
        if len(set(self.tokens)) < len(self.tokens):
            raise ValueError("each token of a vocabulary may stand in it once.")

    @classmethod
    def of(cls, texts: Iterable[Iterable[str]], special: tuple[str, ...] = ()) -> "Vocabulary":
        """Return the vocabulary of the `special` tokens, then every token in `texts`, in sorted order."""
        return cls((*special, *sorted({token for text in texts for token in text})))

    def __len__(self):
        """The number of ids, padding included: the rows of an embedding table."""
        return len(self.tokens) + 1

    def encode(self, text: Iterable[str]) -> list[int]:
        """Return the ids of the tokens of `text`.

        Raises:
            ValueError: a token is not in the vocabulary, and `UNKNOWN` is not either.
        """
        text = list(text)
        unknown = [token for token in text if token not in self._ids]
        if unknown and UNKNOWN not in self._ids:
            raise ValueError(f"{unknown[0]!r} is not in the vocabulary of {len(self.tokens)} tokens.")
        return [self._ids.get(token, self._ids.get(UNKNOWN)) for token in text]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of `ids`; padding stands for nothing."""
        return "".join(self.tokens[i - 1] for i in ids if i != PADDING)

    @cached_property
    def _ids(self):
        return {token: number for number, token in enumerate(self.tokens, start=1)}


def pad_batch(sequences: Sequence[Sequence]) -> tuple[np.ndarray, np.ndarray]:
    """Return (padded, lengths): the sequences as one rectangle, and how much of each row is real.

    Args:
        sequences: sequences of any length, of ids (numbers) or of frames (arrays of one size).

    Returns:
        padded: (batch, max_len) or (batch, max_len, d_input), of the type that holds the numbers of all sequences; each
            row is filled up with `PADDING`, frames with zeros.
        lengths: (batch,) integers.

    Raises:
        ValueError: no sequences.
    """
    if len(sequences) == 0:
        raise ValueError("a batch needs at least one sequence.")
    lengths = np.array([len(sequence) for sequence in sequences])
    rows = [np.asarray(sequence) for sequence in sequences]
    # An empty list has no type; an empty array has one.
    typed = [row.dtype for row, sequence in zip(rows, sequences, strict=True) if len(row) or hasattr(sequence, "dtype")]
    dtype = np.result_type(*typed) if typed else np.int64
    padded = np.full((len(rows), *rows[lengths.argmax()].shape), PADDING, dtype=dtype)
    for padded_row, row in zip(padded, rows, strict=True):
        padded_row[: len(row)] = row
    return padded, lengths


def bucketed(lengths: Sequence[int], batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the numbers of the examples in each batch: every example once, those of like length together.

    Examples are shuffled, sorted by length within pools of `POOL` batches, cut into batches, and the batches shuffled:
    who shares a batch with whom still changes from call to call.

    Args:
        lengths: of the examples.
        batch_size: examples in a batch; the last of the pools may leave a smaller one.
        rng: draws the order.
    """
    lengths = np.asarray(lengths)
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), POOL * batch_size):
        pool = order[start : start + POOL * batch_size]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += np.split(pool, range(batch_size, len(pool), batch_size))
    return [batches[i] for i in rng.permutation(len(batches))]
