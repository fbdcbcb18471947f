"""11.subsampled_mask: frames are stacked, so the mask that hides the padding counts positions, not frames."""

import numpy as np

from course_lib import padding_mask
from grader.known import Known
from grader.task import Case, Task

known = Known()


def frames_left_over(rng, batch, stacked, positions):
    """One frame is left over in a short utterance, all but one in a long one, none in a third."""
    whole = rng.integers(1, positions, size=batch)
    whole[:2] = 1, positions - 1
    left_over = rng.integers(1, stacked, size=batch)
    left_over[:3] = [1, stacked - 1, 0][:batch]
    return {"lengths": rng.permutation(whole * stacked + left_over), "stacked": stacked, "positions": positions}


def too_short_and_full(rng, batch, stacked, positions):
    """One utterance fills no position, another fills them all."""
    lengths = frames_left_over(rng, batch, stacked, positions)["lengths"]
    lengths[rng.permutation(batch)[:2]] = stacked - 1, stacked * positions
    return {"lengths": lengths, "stacked": stacked, "positions": positions}


def reference(lengths, stacked, positions):
    return padding_mask(lengths // stacked, positions)


def _mask(lengths, positions):
    """Return the padding mask of any numbers, those included that `padding_mask` would refuse."""
    return np.arange(positions) < np.asarray(lengths)[:, None, None]


@known.mistake
def not_subsampled(lengths, stacked, positions):
    """The lengths still count frames, the positions of the mask do not: of every utterance far too much counts as real.
    How many positions do its frames fill?"""
    return _mask(lengths, positions)


@known.mistake
def frames_to_padding_mask(lengths, stacked, positions):
    """padding_mask gets the lengths in frames and the size in positions. How many positions do an utterance's frames
    fill?"""
    return padding_mask(lengths, positions)


@known.mistake
def one_entry_for_each_frame(lengths, stacked, positions):
    """This mask has an entry for each frame. The model's input has one position for `stacked` frames, and so must the
    mask."""
    return _mask(lengths, positions * stacked)


@known.mistake
def rounded_up(lengths, stacked, positions):
    """A position counts as real here as soon as one of its frames is. That is what rounding up gives; so does comparing
    with a fraction, or taking every so many entries of the frames' mask from the first on. In this course frames that
    do not fill a position are dropped: round down."""
    return _mask(-(-lengths // stacked), positions)


@known.mistake
def rounded(lengths, stacked, positions):
    """The number of positions is rounded to the nearest. Frames that do not fill a position are dropped, even if only
    one is missing: round down."""
    return _mask(np.round(lengths / stacked), positions)


@known.mistake
def one_too_many(lengths, stacked, positions):
    """Each utterance has one real position too many: n positions are 0 to n - 1. Look for <= or + 1."""
    return _mask(lengths // stacked + 1, positions)


@known.mistake
def one_too_many_for_padding_mask(lengths, stacked, positions):
    """Each utterance has one real position too many, and the one that fills them all has no room for another. The
    quotient rounded down is the number of positions: nothing to add."""
    return padding_mask(lengths // stacked + 1, positions)


@known.mistake
def always_four(lengths, stacked, positions):
    """`stacked` is not always 4."""
    return _mask(lengths // 4, positions)


@known.mistake
def always_four_for_padding_mask(lengths, stacked, positions):
    """`stacked` is not always 4: divide by it."""
    return padding_mask(lengths // 4, positions)


@known.mistake
def one_too_few(lengths, stacked, positions):
    """The last real position of each utterance is hidden. An utterance of n positions has the positions 0 to n - 1."""
    return _mask(lengths // stacked - 1, positions)


@known.mistake
def multiplied(lengths, stacked, positions):
    """Nothing is hidden here, not even where an utterance ends early: that is so when the lengths are multiplied by
    `stacked`, or not looked at. Stacking makes a sequence shorter."""
    return np.ones((len(lengths), 1, positions), dtype=bool)


@known.mistake
def inverted(lengths, stacked, positions):
    """This mask is True on the padding. In this course True means may attend, so it belongs on the real positions."""
    return ~reference(lengths, stacked, positions)


@known.mistake
def scaled_to_the_longest(lengths, stacked, positions):
    """The longest utterance was taken to fill all positions, and the others their share of it. `positions` may be
    larger than that: how many positions an utterance fills depends on its own frames alone."""
    return _mask(lengths * positions // lengths.max(), positions)


@known.mistake
def as_long_as_the_longest(lengths, stacked, positions):
    """The mask ends with the longest utterance, but the model's input has `positions` of them: give padding_mask that
    size, or compare with np.arange(positions)."""
    return padding_mask(lengths // stacked)


@known.mistake
def no_axis_for_the_queries(lengths, stacked, positions):
    """The numbers are right, but the axis for the queries is missing. The shape should be (batch, 1, positions)."""
    return reference(lengths, stacked, positions)[:, 0]


@known.mistake
def mask_on_the_queries(lengths, stacked, positions):
    """The axis of size 1 comes last, so this mask blocks padded queries and leaves padded keys visible. The keys are
    the last axis: (batch, 1, positions)."""
    return reference(lengths, stacked, positions).swapaxes(1, 2)


@known.mistake
def padded_on_the_left(lengths, stacked, positions):
    """The real positions stand at the end here. Utterances are padded at the end: the first positions are real."""
    return reference(lengths, stacked, positions)[..., ::-1]


@known.mistake
def ones_and_zeros(lengths, stacked, positions):
    """The mask holds integers. A mask of this course is boolean: a comparison such as < gives True and False."""
    return reference(lengths, stacked, positions).astype(int)


@known.mistake
def zeros_and_minus_infinity(lengths, stacked, positions):
    """This is what one would add to the scores: 0 and minus infinity. The mask itself is boolean, True = may attend."""
    return np.where(reference(lengths, stacked, positions), 0.0, -np.inf)


@known.always
def as_many_as_are_filled(inputs, output):
    """Each utterance should have as many True as it fills positions."""
    return np.array_equal(output.sum(axis=(1, 2)), inputs["lengths"] // inputs["stacked"])


@known.legal
def by_comparison(lengths, stacked, positions):
    return np.arange(positions) < (lengths // stacked)[:, None, None]


@known.legal
def with_loops(lengths, stacked, positions):
    mask = np.zeros((len(lengths), 1, positions), dtype=bool)
    for row, length in zip(mask, lengths, strict=True):
        row[0, : length // stacked] = True
    return mask


@known.legal
def last_frame_of_each_position(lengths, stacked, positions):
    """A position is real if the last of its frames is."""
    return padding_mask(lengths, lengths.max() + positions * stacked)[..., stacked - 1 : positions * stacked : stacked]


@known.legal
def all_frames_of_each_position(lengths, stacked, positions):
    frames = np.arange(positions * stacked) < lengths[:, None]
    return frames.reshape(len(lengths), 1, positions, stacked).all(axis=-1)


@known.legal
def as_a_convolution_counts(lengths, stacked, positions):
    return np.arange(positions) < ((lengths - stacked) // stacked + 1)[:, None, None]


@known.legal
def with_torch(lengths, stacked, positions):
    import torch

    return padding_mask(torch.from_numpy(lengths) // stacked, positions)


TASK = Task(
    id="11.subsampled_mask",
    title="A mask for stacked frames",
    difficulty=1,
    minutes=5,
    reference=reference,
    draw=frames_left_over,
    cases=(
        Case("2 utterances, 3 frames in a position", dict(batch=2, stacked=3, positions=5)),
        Case("3 utterances, 4 frames in a position", dict(batch=3, stacked=4, positions=7)),
        Case("one utterance is too short", dict(batch=4, stacked=5, positions=6), draw=too_short_and_full),
    ),
    hints=(
        (
            "An utterance has 11 frames, 4 stand in a position. How many positions does it fill, and what becomes of "
            "the frames that are left over?"
        ),
        "First turn the lengths from frames into positions; then it is chapter 04's padding mask.",
        "`lengths // stacked` rounds down. padding_mask(lengths, max_len) makes the mask, in the right shape.",
    ),
    **known.ways,
)
