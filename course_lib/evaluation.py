"""How good a model is: given the right beginning (teacher-forced), and left alone with its own (free-running)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from course_lib.data.batches import PADDING
from course_lib.decoding import greedy


class Forced(NamedTuple):
    """Shares of what a model gets right when every token it is given is right.

    Attributes:
        tokens: the share of tokens, END included.
        sequences: the share of sequences without one wrong token; greedy decoding gets the same ones right, left alone.
    """

    tokens: float
    sequences: float


@torch.no_grad()
def forced(model, batches) -> Forced:
    """Return how much a model gets right under teacher forcing.

    Args:
        model: called as model(source, inputs, source_lengths); in evaluation mode.
        batches: an iterable of `Batch`.

    Raises:
        ValueError: there is no batch.
    """
    device = next(model.parameters()).device
    right_tokens = tokens = right_sequences = sequences = 0
    for batch in batches:
        batch = batch.to(device)
        predicted = model(batch.source, batch.inputs, batch.source_lengths).argmax(dim=-1)
        real = batch.labels != PADDING
        right = (predicted == batch.labels) & real
        right_tokens += right.sum().item()
        tokens += real.sum().item()
        right_sequences += (right == real).all(dim=-1).sum().item()
        sequences += len(right)
    if not sequences:
        raise ValueError("there is no batch to measure the model on; was an iterator used up before?")
    return Forced(right_tokens / tokens, right_sequences / sequences)


def free_running(model, batches, *, begin, end, max_len, decode=greedy) -> list[list[int]]:
    """Return what a model writes for every source: a list of lists of tokens.

    Args:
        model: has `begin` and `step`, as a `Transformer`; in evaluation mode.
        batches: an iterable of `Batch`.
        begin, end, max_len: as `course_lib.decoding.greedy`.
        decode: one of `course_lib.decoding`.
    """
    device = next(model.parameters()).device
    written = []
    for batch in batches:
        batch = batch.to(device)
        written += decode(model, batch.source, batch.source_lengths, begin=begin, end=end, max_len=max_len)
    return written


def exact_match(written: Sequence, targets: Sequence) -> float:
    """Return the share of sequences that are written without a mistake.

    Raises:
        ValueError: there is no target, or not one for each sequence.
    """
    if not len(targets):
        raise ValueError("there is no target to compare with.")
    return sum(a == b for a, b in zip(written, targets, strict=True)) / len(targets)


def edit_distance(written: Sequence, target: Sequence) -> int:
    """Return how many tokens must be inserted, deleted or replaced to turn one sequence into the other.

    Source: Levenshtein 1966; the table row by row, Wagner and Fischer 1974.
    """
    above = list(range(len(target) + 1))  # from nothing: insert everything
    for row, token in enumerate(written, start=1):
        current = [row]  # to nothing: delete everything
        for column, wanted in enumerate(target, start=1):
            replaced = above[column - 1] + (token != wanted)
            current.append(min(replaced, above[column] + 1, current[-1] + 1))
        above = current
    return above[-1]


def character_error_rate(written: Sequence[Sequence], targets: Sequence[Sequence]) -> float:
    """Return the edits that all the texts need, divided by the characters of all targets.

    It may exceed 1: too much can be written.

    Raises:
        ValueError: the targets hold no character.
    """
    characters = sum(map(len, targets))
    if not characters:
        raise ValueError("the targets hold no character, so there is nothing to divide by.")
    return sum(edit_distance(a, b) for a, b in zip(written, targets, strict=True)) / characters
