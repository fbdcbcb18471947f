"""09.decoder_mask: the mask of the decoder's own attention, for a padded batch (Vaswani et al. 2017, section 3.2.3)."""

import numpy as np
import torch

from course_lib import causal_mask, combine_masks, padding_mask
from grader.known import Known
from grader.task import Case, Task

known = Known()


def padded_targets(rng, batch, max_len):
    """At least one sequence is shorter than another, all have padding."""
    lengths = rng.integers(2, max_len, size=batch)
    lengths[:2] = rng.permutation([2, max_len - 1])
    return {"lengths": lengths, "max_len": max_len}


def one_is_full(rng, batch, max_len):
    lengths = rng.integers(2, max_len, size=batch)
    lengths[:2] = rng.permutation([1, max_len])
    return {"lengths": lengths, "max_len": max_len}


def reference(lengths, max_len):
    return combine_masks(padding_mask(lengths, max_len), causal_mask(max_len, like=lengths))


def _causal(max_len):
    return torch.ones(max_len, max_len, dtype=torch.bool).tril()


def _padding(lengths, max_len):
    return torch.arange(max_len) < lengths[:, None, None]


@known.mistake
def only_causal(lengths, max_len):
    """The future is hidden, the padding is not: `lengths` has no effect. A key must be in the past and real."""
    return _causal(max_len).repeat(len(lengths), 1, 1)


@known.mistake
def one_mask_for_all(lengths, max_len):
    """This is the causal mask alone, one for all sequences. Each sequence has its own length, so the result has an axis
    for the batch."""
    return _causal(max_len)


@known.mistake
def only_padding(lengths, max_len):
    """This hides the padding and shows the future. The causal mask is missing."""
    return _padding(lengths, max_len)


@known.mistake
def only_padding_repeated(lengths, max_len):
    """The padding is hidden, the future is not. The causal mask is missing: a key must be real and in the past."""
    return _padding(lengths, max_len).repeat(1, max_len, 1)


@known.mistake
def either(lengths, max_len):
    """The masks are combined by "or": a key is visible if it is real or in the past. Both have to hold."""
    return _padding(lengths, max_len) | _causal(max_len)


@known.mistake
def padding_on_the_queries(lengths, max_len):
    """The rows of padded queries are empty: the padding was put on the queries. A mask hides keys alone, and its last
    axis is theirs; a padded query gets an answer like any other, and nobody reads it."""
    return _padding(lengths, max_len).mT & _causal(max_len)


@known.mistake
def future_instead_of_past(lengths, max_len):
    """The causal mask is upside down: position i sees itself and the future. Row i may see columns 0 to i."""
    return _padding(lengths, max_len) & _causal(max_len).T


@known.mistake
def diagonal_missing(lengths, max_len):
    """No position sees itself: the causal mask lacks its diagonal. The input at position i is known when i is asked; it
    was shifted right."""
    return _padding(lengths, max_len) & _causal(max_len).tril(-1)


@known.mistake
def one_step_ahead(lengths, max_len):
    """Each position sees one input to its right, and after the shift that is the very token it is asked for. The mask
    ends at the diagonal."""
    return _padding(lengths, max_len) & torch.ones(max_len, max_len, dtype=torch.bool).tril(1)


@known.mistake
def true_means_blocked(lengths, max_len):
    """This mask is True where a position may not attend, as some of PyTorch's modules want it. In this course True
    means may attend."""
    return ~(_padding(lengths, max_len) & _causal(max_len))


@known.mistake
def one_real_too_many(lengths, max_len):
    """Each sequence has one real position too many. Positions count from 0, so the last real one is length - 1."""
    return (torch.arange(max_len) <= lengths[:, None, None]) & _causal(max_len)


@known.mistake
def padding_instead_of_words(lengths, max_len):
    """The padding is used the wrong way round: only padded keys are visible."""
    return ~_padding(lengths, max_len) & _causal(max_len)


@known.mistake
def and_before_less_than(lengths, max_len):
    """In Python & binds more tightly than <, so the & took the lengths and the causal mask. Put parentheses around the
    comparison."""
    return torch.arange(max_len) < lengths[:, None, None] & _causal(max_len)


@known.mistake
def no_axis_for_the_queries(lengths, max_len):
    """The padding mask has shape (batch, max_len) and meets the causal mask's (max_len, max_len): the batch is lined up
    with the queries. Give the lengths one more axis of size 1."""
    return (torch.arange(max_len) < lengths[:, None]) & _causal(max_len)


@known.mistake
def causal_mask_of_numpy(lengths, max_len):
    """The pattern is right, but the mask holds the numbers 1 and 0, not booleans. causal_mask(max_len) leads there too:
    it makes a NumPy array unless it is told what to follow, like=lengths."""
    return padding_mask(lengths, max_len) & causal_mask(max_len)


@known.mistake
def causal_mask_of_numpy_first(lengths, max_len):
    """The causal mask is a NumPy array here, the padding mask a tensor, and & does not join the two. causal_mask
    follows an array that you hand it: like=lengths."""
    return causal_mask(max_len) & padding_mask(lengths, max_len)


@known.mistake
def as_wide_as_the_longest(lengths, max_len):
    """The padding mask is as wide as the longest text, and the batch is padded further: tell padding_mask the padded
    length."""
    return padding_mask(lengths) & causal_mask(max_len, like=lengths)


@known.mistake
def ones_and_zeros(lengths, max_len):
    """The pattern is right, but the mask holds the numbers 1 and 0. A mask of this course is boolean."""
    return (_padding(lengths, max_len) & _causal(max_len)).float()


@known.always
def nothing_from_the_future(inputs, output):
    """Above the diagonal everything should be False."""
    return not np.triu(output, k=1).any()


@known.always
def nothing_from_the_padding(inputs, output):
    """Columns at and after a sequence's length should be False in every row."""
    return not any(output[b, :, length:].any() for b, length in enumerate(inputs["lengths"]))


@known.legal
def with_positions(lengths, max_len):
    positions = torch.arange(max_len)
    return (positions[None, :] <= positions[:, None]) & (positions < lengths[:, None, None])


@known.legal
def with_the_library(lengths, max_len):
    return padding_mask(lengths, max_len) & causal_mask(max_len, like=lengths)


@known.legal
def with_tril(lengths, max_len):
    mask = torch.ones(len(lengths), max_len, max_len, dtype=torch.bool).tril()
    for b, length in enumerate(lengths):
        mask[b, :, length:] = False
    return mask


@known.legal
def with_minimum(lengths, max_len):
    """Row i sees the first min(i + 1, length) keys."""
    visible = torch.minimum(torch.arange(1, max_len + 1), lengths[:, None])
    return torch.arange(max_len) < visible[:, :, None]


@known.legal
def with_lists(lengths, max_len):
    return torch.tensor(
        [[[j <= i and j < n for j in range(max_len)] for i in range(max_len)] for n in lengths.tolist()]
    )


TASK = Task(
    id="09.decoder_mask",
    title="The decoder's own mask",
    difficulty=1,
    minutes=5,
    library="torch",
    reference=reference,
    draw=padded_targets,
    cases=(
        Case("2 texts, padded to 5", dict(batch=2, max_len=5)),
        Case("3 texts, padded to 6", dict(batch=3, max_len=6)),
        Case("one of 4 texts fills the batch, one has a single token", dict(batch=4, max_len=7), draw=one_is_full),
    ),
    hints=(
        "Which two things must be true of a key, so that a query of the decoder may attend to it?",
        "The causal mask is (max_len, max_len). Which shape must the padding mask have, so that both broadcast?",
        "(batch, 1, max_len) and (max_len, max_len) give (batch, max_len, max_len). Boolean tensors are joined by &.",
        "padding_mask(lengths, max_len) and causal_mask(max_len, like=lengths) of course_lib are the two parts.",
    ),
    **known.ways,
)
