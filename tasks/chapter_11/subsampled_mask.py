"""11.subsampled_mask: frames are stacked, so the mask that hides the padding counts positions, not frames."""

import numpy as np

from course_lib import padding_mask
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def frames_left_over(rng, batch, stacked, positions):
    """One frame is left over in a short utterance, all but one in a long one, none in a third."""
    whole = rng.integers(1, positions - 1, size=batch)
    whole[:2] = 1, positions - 2
    left_over = rng.integers(1, stacked, size=batch)
    left_over[:3] = [1, stacked - 1, 0][:batch]
    return {"lengths": rng.permutation(whole * stacked + left_over), "stacked": stacked, "positions": positions}


def too_short_and_full(rng, batch, stacked, positions):
    """One utterance fills no position, another fills them all, one is empty, one is more than half a position over."""
    lengths = frames_left_over(rng, batch, stacked, positions)["lengths"]
    special = stacked - 1, stacked * positions, 0, 2 * stacked + stacked // 2 + 1
    lengths[rng.permutation(batch)[: len(special)]] = special
    return {"lengths": lengths, "stacked": stacked, "positions": positions}


def the_example(rng):
    return {"lengths": np.array([11, 5]), "stacked": 4, "positions": 3}


def one_alone(rng):
    return {"lengths": np.array([2]), "stacked": 2, "positions": 1}


def reference(lengths, stacked, positions):
    return padding_mask(lengths // stacked, positions)


def _refused(lengths, positions):
    """Return the exception with which `padding_mask` refuses these lengths."""
    try:
        padding_mask(lengths, positions)
    except (TypeError, ValueError) as error:
        return type(error)(str(error))
    raise AssertionError("padding_mask takes these lengths")


@Stage
def frames(lengths):
    return lengths


@frames.slip
def those_of_the_first(lengths):
    """The length of the first utterance serves for all of them. Each has its own."""
    return np.full_like(lengths, lengths[0])


@frames.slip
def those_of_the_longest(lengths):
    """The length of the longest utterance serves for all of them. Each has its own."""
    return np.full_like(lengths, lengths.max())


@frames.slip
def added_up(lengths):
    """The lengths are added up from one utterance to the next. Each row of the mask is about its own utterance."""
    return np.cumsum(lengths)


@frames.slip
def other_way_round(lengths):
    """The utterances stand in reverse order. Row b is about utterance b."""
    return lengths[::-1]


@frames.slip
def in_order_of_length(lengths):
    """The utterances are sorted by their length. Row b is about utterance b."""
    return np.sort(lengths)


@Stage
def filled(frames, stacked):
    return frames // stacked


@filled.slip
def not_subsampled(frames):
    """The lengths still count frames when the mask is made of them. How many positions do the frames of an utterance
    fill?"""
    return frames


@filled.slip
def rounded_up(frames, stacked):
    """A position counts as real here as soon as one of its frames is. That is what rounding up gives; so does comparing
    with a fraction, or taking every so many entries of the frames' mask from the first on. In this course frames that
    do not fill a position are dropped: round down."""
    return -(-frames // stacked)


@filled.slip
def rounded(frames, stacked):
    """The number of positions is rounded to the nearest. Frames that do not fill a position are dropped, even if only
    one is missing: round down."""
    return np.round(frames / stacked)


@filled.slip
def one_too_many(frames, stacked):
    """Each utterance has one real position too many, unless it fills them all. An utterance of n positions has the
    positions 0 to n - 1, so position n is padding."""
    return frames // stacked + 1


@filled.slip
def one_too_few(frames, stacked):
    """The last real position of each utterance is hidden. An utterance of n positions has the positions 0 to n - 1."""
    return frames // stacked - 1


@filled.slip
def one_frame_too_few(frames, stacked):
    """Where the frames fill their last position exactly, that position is hidden, as if there were one frame less."""
    return (frames - 1) // stacked


@filled.slip
def one_frame_too_many(frames, stacked):
    """Where a single frame is missing, the last position counts as real all the same, as if there were one
    frame more."""
    return (frames + 1) // stacked


@filled.slip
def one_at_least(frames, stacked):
    """Where the frames fill no position, the first one counts as real all the same. It is padding, too."""
    return np.maximum(frames // stacked, 1)


@filled.slip
def always_four(frames):
    """The frames are divided by 4, as in the example. `stacked` is not always 4."""
    return frames // 4


@filled.slip
def divided_by_the_positions(frames, positions):
    """The frames are divided by the number of positions. A position holds `stacked` of them."""
    return frames // positions


@filled.slip
def frames_left_over_alone(frames, stacked):
    """What is counted are the frames that are left over, the rest of the division. The quotient counts the positions
    that are filled."""
    return frames % stacked


@filled.slip
def scaled_to_the_longest(frames, positions):
    """The longest utterance was taken to fill all positions, and the others their share of it. `positions` may be
    larger than that: how many positions an utterance fills depends on its own frames alone."""
    return frames * positions // frames.max()


@filled.slip
def everything(frames, positions):
    """Nothing is hidden here, not even where an utterance ends early. What stands behind its end is padding."""
    return np.full_like(frames, positions)


@filled.slip
def multiplied(frames, stacked):
    """The frames are multiplied by `stacked`, and nearly nothing is hidden. Stacking makes a sequence shorter: so many
    frames become one position."""
    return frames * stacked


@filled.slip
def frames_of_whole_positions(frames, stacked):
    """What counts as real are the frames in whole positions, counted in frames. Count the positions."""
    return frames // stacked * stacked


@filled.slip
def nothing(frames):
    """Everything is hidden here: no utterance has a real position."""
    return np.zeros_like(frames)


@filled.slip
def frames_are_missing(frames, stacked):
    """The number of frames in a position is taken off the length, once. It is the number of positions that counts: how
    often do so many frames go into the length?"""
    return frames - stacked


@Stage
def wide(positions):
    return positions


@wide.slip
def one_entry_for_each_frame(positions, stacked):
    """The last axis has an entry for each frame. The model's input has one position for `stacked` frames, and so must
    the mask."""
    return positions * stacked


@wide.slip
def as_long_as_the_longest(filled):
    """The mask ends with the longest utterance, but the model's input has `positions` of them, and so has the last
    axis."""
    return int(filled.max())


@wide.slip
def frames_of_the_longest(frames):
    """The mask is as wide as the longest utterance has frames. The last axis has `positions` entries."""
    return int(frames.max())


@wide.slip
def as_wide_as_the_stack(stacked):
    """The last axis has `stacked` entries, one for each frame of a position. It has `positions`."""
    return stacked


@wide.slip
def positions_divided(positions, stacked):
    """The number of positions is divided by `stacked` as well, and the last axis is too short. `positions` counts
    positions already."""
    return positions // stacked


@wide.slip
def one_position_more(positions):
    """The last axis has one entry too many: positions + 1."""
    return positions + 1


@Stage
def real(filled, wide):
    return np.arange(wide) < np.asarray(filled)[:, None]


@real.slip
def inverted(filled, wide):
    """The mask is True on the padding. In this course True means may attend, so it belongs on the real positions."""
    return np.arange(wide) >= filled[:, None]


@real.slip
def padded_on_the_left(filled, wide):
    """The real positions stand at the end here. Utterances are padded at the end: the first positions are real."""
    return np.arange(wide)[::-1] < filled[:, None]


@real.slip
def one_position_alone(filled, wide):
    """At most one position of each utterance is True, the one whose number equals the length. All those before it are
    real."""
    return np.arange(wide) == filled[:, None]


@real.slip
def first_one_hidden(filled, wide):
    """The first position of each utterance is hidden. It is number 0, and real wherever the frames fill one."""
    places = np.arange(wide)
    return (places > 0) & (places < filled[:, None])


@Stage
def kind(real):
    return real


@kind.slip
def ones_and_zeros(real):
    """The mask holds integers. A mask of this course is boolean: a comparison such as < gives True and False."""
    return real.astype(int)


@kind.slip
def ones_and_zeros_with_a_point(real):
    """The mask holds floating-point numbers, 1 and 0. A mask of this course is boolean: a comparison such as < gives
    True and False."""
    return real.astype(np.float64)


@kind.slip
def zeros_and_minus_infinity(real):
    """This is what one would add to the scores: 0 and minus infinity. The mask itself is boolean, True = may attend."""
    return np.where(real, 0.0, -np.inf)


@kind.slip
def zeros_and_a_large_number(real):
    """This is what one might add to the scores: 0, and about -1e9 for what is hidden. The mask itself is boolean, True
    = may attend."""
    return np.where(real, 0.0, -1e9)


@Stage
def mask(kind):
    return kind[:, None]


@mask.slip
def no_axis_for_the_queries(kind):
    """The axis for the queries is missing. The shape should be (batch, 1, positions)."""
    return kind


@mask.slip
def mask_on_the_queries(kind):
    """The axis of size 1 comes last, so this mask blocks padded queries and leaves padded keys visible. The keys are
    the last axis: (batch, 1, positions)."""
    return kind[..., None]


@mask.slip
def axis_in_front_of_the_batch(kind):
    """The axis of size 1 stands in front of the batch. It stands for the queries, between the batch and the keys:
    (batch, 1, positions)."""
    return kind[None]


@mask.slip
def two_axes_of_size_1(kind):
    """There is one axis of size 1 too many, as for the heads. The shape should be (batch, 1, positions)."""
    return kind[:, None, None]


@mask.slip
def one_row_for_each_query(kind):
    """The row of each utterance is repeated for every query: (batch, positions, positions). An axis of size 1 stands
    for all queries: (batch, 1, positions)."""
    return np.repeat(kind[:, None], kind.shape[1], axis=1)


@mask.slip
def padding_on_both(kind):
    """The rows of padded queries are hidden too, in a mask of shape (batch, positions, positions). A padding mask hides
    keys alone, and an axis of size 1 stands for all queries: (batch, 1, positions)."""
    return kind[:, :, None] * kind[:, None, :]


@mask.slip
def causal_too(kind):
    """The future is hidden as well, in a mask of shape (batch, positions, positions). This one is for an encoder, which
    sees the future: it hides the padding alone, and its shape is (batch, 1, positions)."""
    return kind[:, None] * np.tri(kind.shape[1], dtype=bool)


@mask.slip
def square_of_columns(kind):
    """The mask is square, (batch, positions, positions), and hides the rows of padded queries. A padding mask hides
    keys, along the last axis, and an axis of size 1 stands for all queries: (batch, 1, positions)."""
    return np.repeat(kind[:, :, None], kind.shape[1], axis=2)


@mask.slip
def axes_exchanged(kind):
    """The batch and the positions have changed places. The shape should be (batch, 1, positions)."""
    return kind.T[:, None]


@mask.slip
def first_utterance_alone(kind):
    """This is the mask of the first utterance alone. Each utterance has its own: (batch, 1, positions)."""
    return kind[:1, None]


@mask.slip
def squeezed(kind):
    """All axes of size 1 are gone, that of the queries too. The shape should be (batch, 1, positions)."""
    return kind.squeeze()


@known.mistake
def mask_of_the_frames(lengths, stacked, positions):
    """This is the padding mask of the frames: an entry for each of them, True where a frame is real. The model's input
    has one position for `stacked` frames, and so must the mask."""
    return (np.arange(positions * stacked) < lengths[:, None])[:, None]


@known.mistake
def frames_to_padding_mask(lengths, stacked, positions):
    """padding_mask gets the lengths in frames and the size in positions. How many positions do an utterance's frames
    fill?"""
    if lengths.max() > positions:
        raise _refused(lengths, positions)
    return padding_mask(lengths, positions)


@known.mistake
def one_too_many_for_padding_mask(lengths, stacked, positions):
    """Each utterance has one real position too many, and the one that fills them all has no room for another. The
    quotient rounded down is the number of positions: nothing to add."""
    if (lengths // stacked + 1).max() > positions:
        raise _refused(lengths // stacked + 1, positions)
    return padding_mask(lengths // stacked + 1, positions)


@known.mistake
def multiplied_for_padding_mask(lengths, stacked, positions):
    """The lengths are multiplied by `stacked`, and padding_mask has no room for so many positions. Stacking makes a
    sequence shorter."""
    if (lengths * stacked).max() > positions:
        raise _refused(lengths * stacked, positions)
    return padding_mask(lengths * stacked, positions)


@known.mistake
def always_four_for_padding_mask(lengths, stacked, positions):
    """The frames are divided by 4, and then there may be more positions than padding_mask has room for. `stacked` is
    not always 4."""
    if (lengths // 4).max() > positions:
        raise _refused(lengths // 4, positions)
    return padding_mask(lengths // 4, positions)


@known.mistake
def arguments_exchanged(lengths, stacked, positions):
    """padding_mask gets the size first and the lengths second. The lengths come first."""
    raise _refused(positions, lengths // stacked)


@known.mistake
def positions_divided_as_well(lengths, stacked, positions):
    """The size is divided by `stacked` as well, and then it is too small for the lengths. `positions` counts positions
    already."""
    raise _refused(lengths // stacked, positions // stacked)


@known.mistake
def fractions_to_padding_mask(lengths, stacked, positions):
    """padding_mask counts positions in integers, and here it gets floating-point numbers. A quotient by / is one even
    if it is rounded afterward; `//` keeps integers."""
    raise _refused(lengths / stacked, positions)


@known.mistake
def lengths_with_a_point(lengths, stacked, positions):
    """The lengths are floating-point numbers by the time padding_mask gets them, and it counts positions in integers.
    `//` of integers gives integers."""
    filled = lengths / stacked
    raise _refused(filled, positions)


@known.mistake
def lengths_end_a_slice(lengths, stacked, positions):
    """A slice is asked to end at several places, one for each utterance. It takes one number: go through the utterances
    one by one, or compare all positions with all lengths at once."""
    mask = np.zeros((len(lengths), 1, positions), dtype=bool)
    mask[:, :, : lengths // stacked] = True
    return mask


@known.mistake
def lengths_end_a_slice_of_rows(lengths, stacked, positions):
    """The slice of a row is asked to end at several places, one for each utterance, and it takes one number. Go through
    the utterances one by one, or compare all positions with all lengths at once."""
    mask = np.zeros((len(lengths), positions), dtype=bool)
    mask[:, : lengths // stacked] = True
    return mask[:, None]


@known.mistake
def no_axis_to_compare(lengths, stacked, positions):
    """The positions (positions,) are compared with the lengths (batch,), one with one. Each utterance is compared with
    all positions: its length needs an axis of size 1 behind it."""
    return np.arange(positions) < lengths // stacked


@known.mistake
def no_axis_to_compare_reshaped(lengths, stacked, positions):
    """One with one, the positions (positions,) and the lengths (batch,) do not fit: every length meets all positions.
    Give the lengths an axis of size 1 behind them before they are compared."""
    return (np.arange(positions) < lengths // stacked).reshape(len(lengths), 1, positions)


@known.mistake
def no_axis_to_compare_then_axes(lengths, stacked, positions):
    """The axis of size 1 comes too late: when the positions (positions,) meet the lengths (batch,), each length needs
    it behind it already."""
    return (np.arange(positions) < lengths // stacked)[:, None, :]


@known.mistake
def no_axis_to_compare_filled(lengths, stacked, positions):
    """The positions (positions,) are compared with the numbers of filled ones (batch,), one with one. Each utterance is
    compared with all positions: give its number an axis of size 1 behind it."""
    filled, places = lengths // stacked, np.arange(positions)
    return places < filled


@known.mistake
def one_question_about_all(lengths, stacked, positions):
    """One position is compared with the lengths of all utterances, and `if` takes a single True or False. Go through
    the utterances too, or compare whole arrays."""
    mask = np.zeros((len(lengths), 1, positions), dtype=bool)
    for position in range(positions):
        if position < lengths // stacked:
            mask[:, 0, position] = True
    return mask


@known.mistake
def one_number_of_all(lengths, stacked, positions):
    """int() makes one number of one number, and there are several lengths. `//` works on all of them at once."""
    return padding_mask(np.array([int(lengths / stacked)]), positions)


@known.mistake
def one_number_of_all_whole(lengths, stacked, positions):
    """range() takes one number, and there is one for each utterance. Go through the utterances one by one, or compare
    whole arrays."""
    mask = np.zeros((len(lengths), 1, positions), dtype=bool)
    for position in range(lengths // stacked):
        mask[:, 0, position] = True
    return mask


@known.mistake
def fraction_ends_a_slice(lengths, stacked, positions):
    """A slice is asked to end at a fraction: / gives a number with a point. `//` rounds down to an integer."""
    mask = np.zeros((len(lengths), 1, positions), dtype=bool)
    for b, length in enumerate(lengths):
        mask[b, 0, : length / stacked] = True
    return mask


@known.mistake
def neighbors_not_together(lengths, stacked, positions):
    """The mask of the frames was given the shape (batch, stacked, positions), and so frames that are no neighbors meet
    in one position. The frames of a position stand side by side: (batch, positions, stacked)."""
    frames = np.arange(positions * stacked) < lengths[:, None]
    return frames.reshape(len(lengths), stacked, positions).all(axis=1)[:, None]


@known.probe
def a_length_at_a_time(rng):
    stacked, positions = 3, 6
    for length in (0, 2, 3, 4, 9, 11):
        mask = yield {"lengths": np.array([length, 7]), "stacked": stacked, "positions": positions}
        found, whole = int(mask[0].sum()), length // stacked
        if found != whole:
            return (
                f"With {stacked} frames in a position, an utterance of {length} frames gets {found} True in your mask; "
                f"it should be {whole}, the positions that it fills."
            )
    return None


@known.probe
def where_they_stand(rng):
    mask = yield {"lengths": np.array([7, 13]), "stacked": 3, "positions": 6}
    if mask[0, 0].tolist() != [True, True] + [False] * 4:
        places = ", ".join(map(str, np.flatnonzero(mask[0, 0]))) or "none"
        return (
            f"An utterance of 7 frames, 3 in a position, fills the positions 0 and 1 of 6; in your mask those "
            f"are True: {places}."
        )
    return None


@known.probe
def another_neighbor(rng):
    one = yield {"lengths": np.array([7, 2]), "stacked": 3, "positions": 6}
    other = yield {"lengths": np.array([7, 18]), "stacked": 3, "positions": 6}
    if not np.array_equal(one[0], other[0]):
        return (
            "When the second utterance alone becomes longer, the first row of your mask changes, and should not: it "
            "depends on the first utterance alone."
        )
    return None


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

    return padding_mask(torch.from_numpy(lengths) // stacked, positions).numpy()


TASK = Task(
    id="11.subsampled_mask",
    title="A mask for stacked frames",
    difficulty=1,
    minutes=5,
    reference=reference,
    draw=frames_left_over,
    cases=(
        Case("the example of the text", {}, draw=the_example),
        Case("2 utterances, 3 frames in a position", dict(batch=2, stacked=3, positions=5)),
        Case("3 utterances, 4 frames in a position", dict(batch=3, stacked=4, positions=7)),
        Case(
            "one utterance too short, one empty, one full",
            dict(batch=5, stacked=5, positions=6),
            draw=too_short_and_full,
        ),
        Case("one utterance, one position", {}, draw=one_alone),
    ),
    hints=(
        (
            "An utterance has 11 frames, 4 stand in a position. How many positions does it fill, and what becomes of "
            "the frames that are left over?"
        ),
        "First turn the lengths from frames into positions; then it is chapter 04's padding mask.",
        "`lengths // stacked` rounds down. padding_mask(lengths, max_len) makes the mask, in the right shape.",
    ),
    stages=(frames, filled, wide, real, kind, mask),
    coincidences={
        "those_of_the_first + scaled_to_the_longest": "everything",
        "those_of_the_longest + not_subsampled": "everything",
        "those_of_the_longest + scaled_to_the_longest": "everything",
        "those_of_the_first + multiplied": "everything",
        "added_up + multiplied": "everything",
        "not_subsampled + one_entry_for_each_frame": "mask_of_the_frames",
        "those_of_the_longest + multiplied": "everything",
        "those_of_the_longest + frames_of_whole_positions": "everything",
        "everything + inverted": "nothing",
        "everything + one_position_alone": "nothing",
        "nothing + inverted": "everything",
    },
    **known.ways,
)
