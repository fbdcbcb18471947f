"""09.decoder_mask: the mask of the decoder's own attention, for a padded batch (Vaswani et al. 2017, section 3.2.3)."""

import math

import numpy as np
import torch

from course_lib import causal_mask, combine_masks, padding_mask
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def padded_targets(rng, batch, max_len):
    """At least one sequence is shorter than another, all have two padded positions or more."""
    lengths = rng.integers(2, max_len - 1, size=batch)
    lengths[:2] = rng.permutation([2, max_len - 2])
    return {"lengths": lengths, "max_len": max_len}


def from_empty_to_full(rng, batch, max_len):
    """The first and the last one are neither the shortest nor the longest."""
    ends, middle = rng.permutation([1, rng.integers(2, max_len)]), rng.permutation([0, max_len])
    return {"lengths": np.array([ends[0], *middle, ends[1]]), "max_len": max_len}


def of_the_text(rng, batch, max_len):
    return {"lengths": np.array([2]), "max_len": 3}


def reference(lengths, max_len):
    return combine_masks(padding_mask(lengths, max_len), causal_mask(max_len, like=lengths))


def _causal(max_len):
    return torch.ones(max_len, max_len, dtype=torch.bool).tril()


def _padding(lengths, max_len):
    return torch.arange(max_len) < lengths[:, None, None]


@Stage
def counts(lengths):
    return lengths


@counts.slip
def one_real_too_many(lengths):
    """Each sequence that is not full has one real position too many. Positions count from 0, so the last real one is
    length - 1."""
    return lengths + 1


@counts.slip
def one_real_too_few(lengths):
    """Each sequence has one real position too few: its last real one, length - 1, is hidden as well."""
    return lengths - 1


@counts.slip
def length_of_the_first(lengths):
    """The length of the first sequence serves for all of them. Each has its own."""
    return lengths[:1].expand_as(lengths)


@counts.slip
def length_of_the_last(lengths):
    """The length of the last sequence serves for all of them. Each has its own."""
    return lengths[-1:].expand_as(lengths)


@counts.slip
def length_of_the_shortest(lengths):
    """What lies beyond the shortest sequence is hidden in all of them. Each has a length of its own."""
    return lengths.min().expand_as(lengths)


@counts.slip
def length_of_the_longest(lengths):
    """The length of the longest sequence serves for all of them. Each has its own."""
    return lengths.max().expand_as(lengths)


@Stage
def real(counts, max_len):
    return torch.arange(max_len) < counts[:, None]  # (batch, max_len)


@real.slip
def padding_not_hidden(counts, max_len):
    """The padding is not hidden: `lengths` has no effect on who may be attended to. A key must be in the past and
    real."""
    return torch.ones(len(counts), max_len, dtype=torch.bool)


@real.slip
def padding_instead_of_words(counts, max_len):
    """The padding is used the wrong way round: of the keys, only padded ones are real here."""
    return torch.arange(max_len) >= counts[:, None]


@real.slip
def padding_in_front(counts, max_len):
    """The sequences are taken as padded in front: their first positions are hidden. Here padding stands at the end."""
    return torch.arange(max_len) >= max_len - counts[:, None]


@Stage
def visible(real):
    return real[:, None, :]  # (batch, 1, max_len)


@visible.slip
def padding_on_the_queries(real):
    """The rows of padded queries are empty. A mask hides keys alone, and its last axis is theirs; a padded query gets
    an answer like any other, and nobody reads it."""
    return real[:, :, None]


@visible.slip
def axis_for_the_heads(real):
    """The result has an axis of size 1 after the batch, as for heads. Here it has three axes: batch, queries, keys."""
    return real[:, None, None, :]


@visible.slip
def no_axis_for_the_queries(real):
    """The padding mask has shape (batch, max_len) and meets the causal mask's (max_len, max_len): the batch is lined up
    with the queries. Give it an axis of size 1 for the queries."""
    return real


@Stage
def past(max_len):
    return _causal(max_len)  # (max_len, max_len)


@past.slip
def future_not_hidden(max_len):
    """The future is not hidden: every position sees those behind it, too. A key must be real and in the past."""
    return torch.ones(max_len, max_len, dtype=torch.bool)


@past.slip
def future_instead_of_past(max_len):
    """The causal mask is upside down: position i sees itself and the future. Row i may see columns 0 to i."""
    return _causal(max_len).T


@past.slip
def future_alone(max_len):
    """Each position sees the future alone, and not itself: True and False have changed places in the causal mask."""
    return ~_causal(max_len)


@past.slip
def diagonal_missing(max_len):
    """The diagonal of the causal mask is False: by it, no position sees itself. The input at position i is known when
    i is asked; it was shifted right."""
    return _causal(max_len).tril(-1)


@past.slip
def one_step_ahead(max_len):
    """Each position sees one input to its right, and after the shift that is the very token it is asked for. The mask
    ends at the diagonal."""
    return torch.ones(max_len, max_len, dtype=torch.bool).tril(1)


@past.slip
def itself_alone(max_len):
    """Each position sees itself alone of what is past: the causal mask is the identity. Row i may see columns 0 to
    i."""
    return torch.eye(max_len, dtype=torch.bool)


@past.slip
def rows_counted_backward(max_len):
    """The causal mask is turned left to right: row i sees the last i + 1 keys. It sees the first i + 1, columns 0 to
    i."""
    return _causal(max_len).flip(1)


@Stage
def both(visible, past):
    return visible & past  # (batch, max_len, max_len)


@both.slip
def either(visible, past):
    """The masks are combined by "or": a key is visible if it is real or in the past. Both have to hold."""
    return visible | past


@both.slip
def exactly_one(visible, past):
    """A key is visible if exactly one of the two holds, real or past. Both have to."""
    return visible ^ past


@both.rare
def padded_queries_see_everything(visible, past, real):
    """The rows of padded queries are True throughout. A mask hides keys for every query alike, padded ones too."""
    return (visible & past) | ~real[:, :, None]


@both.slip
def padded_queries_see_themselves(visible, past, real):
    """Padded queries see themselves and nothing else. They see the real keys before them, as any query does."""
    itself = torch.eye(len(past), dtype=torch.bool)
    return torch.where(real[:, :, None], visible & past, itself)


@both.slip
def padded_keys_see_themselves(visible, past):
    """A padded query sees itself besides the real keys. Padding is hidden from every query, from itself as well."""
    return (visible & past) | (torch.eye(len(past), dtype=torch.bool) & ~visible)


@Stage
def mask(both):
    return both


@mask.slip
def true_means_blocked(both):
    """This mask is True where a position may not attend, as some of PyTorch's modules want it. In this course True
    means may attend."""
    return ~both


@mask.slip
def rows_are_keys(both):
    """Rows and columns have changed places: rows are queries, columns are keys."""
    return both.mT


@mask.slip
def ones_and_zeros(both):
    """The mask holds the numbers 1 and 0. A mask of this course is boolean."""
    return both.float()


@mask.slip
def zeros_and_minus_infinity(both):
    """The mask holds 0 and minus infinity, to be added to the scores. A mask of this course is boolean, True where a
    query may attend."""
    return torch.zeros(both.shape).masked_fill(~both, -math.inf)


@known.mistake
def one_mask_for_all(lengths, max_len):
    """This is the causal mask alone, one for all sequences. Each sequence has its own length, so the result has an axis
    for the batch."""
    return _causal(max_len)


@known.mistake
def only_padding(lengths, max_len):
    """This hides the padding and shows the future, in one row for each sequence. Every query needs a row of its own:
    the keys that are real and not in its future."""
    return _padding(lengths, max_len)


@known.mistake
def only_padding_without_rows(lengths, max_len):
    """This tells for each sequence which positions are real: (batch, max_len). Every query needs a row of its own, with
    the keys that are real and not in its future."""
    return torch.arange(max_len) < lengths[:, None]


@known.mistake
def and_before_less_than(lengths, max_len):
    """In Python & binds more tightly than <, so the & took the lengths and the causal mask. Put parentheses around the
    comparison."""
    return torch.arange(max_len) < lengths[:, None, None] & _causal(max_len)


@known.mistake
def causal_mask_of_numpy(lengths, max_len):
    """The pattern is right, but the mask holds the numbers 1 and 0, in integers. A mask is boolean: True and False, as
    comparisons give it, and as torch.ones does with dtype=torch.bool."""
    return padding_mask(lengths, max_len) & causal_mask(max_len)


@known.mistake
def causal_mask_of_numpy_first(lengths, max_len):
    """The causal mask is a NumPy array here, the padding mask a tensor, and & does not join the two. causal_mask
    follows an array that you hand it: like=lengths."""
    return causal_mask(max_len) & padding_mask(lengths, max_len)


@known.mistake
def masks_joined_by_the_word_and(lengths, max_len):
    """One True or False is asked of a whole mask, as `and`, `or` and `if` do. Element by element, masks are joined by
    &."""
    causal = causal_mask(max_len, like=lengths)
    return causal and padding_mask(lengths, max_len)


@known.mistake
def whole_masks_joined_by_the_word_and(lengths, max_len):
    """One True or False is asked of the whole padding mask, as `and`, `or` and `if` do. Element by element, masks are
    joined by &."""
    return padding_mask(lengths, max_len) and causal_mask(max_len, like=lengths)


@known.mistake
def as_wide_as_the_longest(lengths, max_len):
    """The padding mask is as wide as the longest text, and the batch is padded further: tell padding_mask the padded
    length."""
    return padding_mask(lengths) & causal_mask(max_len, like=lengths)


@known.mistake
def square_of_the_longest(lengths, max_len):
    """The mask is as large as the longest text of the batch. The batch is padded to max_len, which may be more."""
    longest = int(lengths.max())
    return _padding(lengths, longest) & _causal(longest)


@known.mistake
def size_of_the_example(lengths, max_len):
    """The mask has 3 rows and 3 columns, as in the example. It has max_len of each."""
    return _padding(lengths, 3) & _causal(3)


@known.mistake
def no_axis_for_the_positions(lengths, max_len):
    """Positions and lengths meet without an axis between them: (max_len,) and (batch,). Each length needs an axis of
    size 1 for the positions: lengths[:, None]."""
    positions = torch.arange(max_len)
    return _causal(max_len).expand(len(lengths), max_len, max_len) & (positions < lengths)


@known.mistake
def no_axis_for_the_queries_by_the_library(lengths, max_len):
    """The causal mask (max_len, max_len) meets one of shape (batch, max_len), which has no axis for the queries. Give
    it one of size 1, as padding_mask does."""
    real = torch.arange(max_len) < lengths[:, None]
    return causal_mask(max_len, like=lengths) & real


@known.mistake
def range_of_all_lengths(lengths, max_len):
    """range takes one number, and here it got the lengths of all sequences. Go through them one by one, or compare
    torch.arange(max_len) with all of them at once."""
    mask = torch.zeros(len(lengths), max_len, max_len, dtype=torch.bool)
    for position in range(lengths):
        mask[:, position:, position] = True
    return mask


@known.mistake
def causal_mask_of_the_lengths(lengths, max_len):
    """causal_mask wants one number, the padded length, and here it got the lengths of all texts: causal_mask(max_len,
    like=lengths)."""
    return padding_mask(lengths, max_len) & causal_mask(lengths)


@known.mistake
def causal_mask_of_the_lengths_combined(lengths, max_len):
    """causal_mask got the lengths of all texts, and it wants one number: the padded length, max_len, with
    like=lengths beside it."""
    return combine_masks(padding_mask(lengths, max_len), causal_mask(lengths, like=lengths))


@known.mistake
def causal_mask_of_the_lengths_for_each(lengths, max_len):
    """causal_mask wants one number, the padded length, and got the lengths of all texts. One mask of max_len serves
    for all of them: causal_mask(max_len, like=lengths)."""
    return torch.stack([torch.as_tensor(causal_mask(lengths)) for _ in lengths]) & padding_mask(lengths, max_len)


@known.mistake
def arguments_swapped(lengths, max_len):
    """padding_mask takes the lengths first and the padded length second; here they have changed places."""
    return padding_mask(max_len, lengths)


@known.probe
def all_full(rng):
    for length in (4, 3):
        yours = yield {"lengths": np.array([length, length]), "max_len": length}
        for row, right in zip(yours[0], np.tri(length, dtype=bool), strict=True):
            if not np.array_equal(row, right):
                return (
                    f"With two texts without padding, {length} tokens each, the mask is the causal one; of yours one "
                    f"row reads {_read(row)}, expected {_read(right)}."
                )
    return None


@known.probe
def one_token(rng):
    yours = yield {"lengths": np.array([1, 4]), "max_len": 5}
    row = yours[0, 3]
    if not np.array_equal(row, np.arange(5) < 1):
        return (
            f"Of a text with one real token, every query sees that token alone; row 3 of yours reads {_read(row)}, "
            f"expected {_read(np.arange(5) < 1)}."
        )
    return None


@known.probe
def the_other_length_changed(rng):
    before = yield {"lengths": np.array([3, 4]), "max_len": 5}
    after = yield {"lengths": np.array([3, 2]), "max_len": 5}
    if (before[0] != after[0]).any():
        return "When the length of the second text changes from 4 to 2, your mask of the first changes; it should not."
    if (before[1] == after[1]).all():
        return "When the length of the second text changes from 4 to 2, your mask of it stays the same."
    return None


def _read(row):
    return " ".join(map(str, row.tolist()))


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
        Case("4 texts, one full, one of a single token, one empty", dict(batch=4, max_len=7), draw=from_empty_to_full),
        Case("the example of the text", dict(batch=1, max_len=3), draw=of_the_text),
    ),
    hints=(
        "Which two things must be true of a key, so that a query of the decoder may attend to it?",
        "The causal mask is (max_len, max_len). Which shape must the padding mask have, so that both broadcast?",
        "(batch, 1, max_len) and (max_len, max_len) give (batch, max_len, max_len). Boolean tensors are joined by &.",
        "padding_mask(lengths, max_len) and causal_mask(max_len, like=lengths) of course_lib are the two parts.",
    ),
    coincidences={
        "padding_on_the_queries + future_instead_of_past": "rows_are_keys",
        "padding_on_the_queries + padded_keys_see_themselves": "padded_queries_see_themselves",
        "padding_on_the_queries + rows_are_keys": "future_instead_of_past",
        "future_instead_of_past + rows_are_keys": "padding_on_the_queries",
    },
    stages=(counts, real, visible, past, both, mask),
    **known.ways,
)
