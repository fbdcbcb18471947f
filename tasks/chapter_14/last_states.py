"""14.last_states: where each direction of a bidirectional network ends, of rows of different length."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.pooling_stages import padded
from tasks.probes import first_difference

known = Known()


def _inputs(rng, lengths, n, d_states):
    return {"states": 1 + rng.normal(size=(len(lengths), n, d_states)), "lengths": lengths}


def draw(rng, batch, n, d_states):
    return _inputs(rng, padded(rng, batch, n), n, d_states)


def one_is_empty(rng, batch, n, d_states):
    """One name is empty, one has no padding."""
    lengths = padded(rng, batch, n)
    first, second = rng.permutation(batch)[:2]
    lengths[first], lengths[second] = 0, n
    return _inputs(rng, lengths, n, d_states)


def one_letter(rng, batch, n, d_states):
    return _inputs(rng, np.ones(batch, dtype=int), n, d_states)


def of_the_text(rng):
    states = [[[1, 2, 30, 40], [3, 4, 50, 60], [5, 6, 70, 80]]]
    return {"states": np.array(states, dtype=float), "lengths": np.array([2])}


def reference(states, lengths):
    half = states.shape[2] // 2
    ends = states[np.arange(len(states)), np.maximum(lengths, 1) - 1, :half]
    both = np.concatenate([ends, states[:, 0, half:]], axis=-1)
    return np.where((lengths > 0)[:, None], both, states.dtype.type(0))


def _half(states):
    return states.shape[2] // 2


def _at(states, place):
    """Return the states at one position of each name."""
    return states[np.arange(len(states)), place]


@Stage
def last(lengths):
    return lengths - 1  # (batch,); -1 for an empty name


@last.slip
def end_of_the_padded_row(lengths, states):
    """The forward half is taken at position n - 1, the end of the padding. The network ends at the last real letter of
    each name."""
    return np.full_like(lengths, states.shape[1] - 1)


@last.slip
def behind_the_last_letter(lengths):
    """The forward half is taken one position too late, behind the last letter. Positions count from 0."""
    return lengths


@last.slip
def one_before_the_last_letter(lengths):
    """The forward half is taken one position too early. The last letter of a name stands at length - 1."""
    return np.maximum(lengths - 2, 0)


@last.slip
def last_letter_of_the_first_name(lengths):
    """The forward half is taken at the same position in all names, where the first one ends. Each has its own
    length."""
    return np.full_like(lengths, lengths[0] - 1)


@last.slip
def last_letter_of_the_longest_name(lengths):
    """The forward half is taken at the same position in all names, where the longest one ends. Each has its own
    length."""
    return np.full_like(lengths, lengths.max() - 1)


@last.rare
def behind_the_last_letter_or_at_it(lengths, states):
    """The forward half is taken one position too late, behind the last letter; only where nothing stands behind it, at
    the letter. Positions count from 0, so the last letter stands at length - 1."""
    return np.minimum(lengths, states.shape[1] - 1)


@last.rare
def one_before_the_last_letter_and_around(lengths):
    """The forward half is taken one position too early, and in a name of one letter at position -1, the end of the row.
    The last letter of a name stands at length - 1."""
    return lengths - 2


@Stage
def forward(states, last):
    return _at(states, last)[:, : _half(states)]  # (batch, d_states / 2)


@forward.slip
def forward_at_the_first_letter(states):
    """The forward half is taken at the first letter, where it has read that one alone. It has read the whole name at
    the last one."""
    return states[:, 0, : _half(states)]


@forward.slip
def backward_half_for_the_forward_one(states, last):
    """At the last letter the second half is taken, the backward one, which has only begun there. The forward half
    stands first."""
    return _at(states, last)[:, _half(states) :]


@forward.slip
def mean_of_the_forward_half(states):
    """The forward half is averaged over the positions. It is taken at one, the last letter."""
    return states[:, :, : _half(states)].mean(axis=1)


@forward.slip
def every_name_with_every_length(states, last):
    """The positions of all names are taken from each: an index such as [:, lengths - 1] does so, and gives an axis too
    many. Two indices side by side, names and positions, take one place each: [np.arange(batch), lengths - 1]."""
    return states[:, last, : _half(states)]


@forward.slip
def names_have_no_index(states, last):
    """The lengths choose among the names of the batch: they stand at the first axis. Names and positions need an index
    each: [np.arange(batch), lengths - 1]."""
    return states[last, 0, : _half(states)]


@Stage
def backward(states):
    return states[:, 0, _half(states) :]  # (batch, d_states / 2)


@backward.slip
def backward_at_the_last_letter(states, last):
    """The backward half is taken where the forward one is. It reads from the end, so there it has only begun: it has
    read the whole name at the first letter."""
    return _at(states, last)[:, _half(states) :]


@backward.slip
def backward_at_the_end_of_the_padding(states):
    """The backward half is taken at position n - 1, the end of the padding. It has read the whole name at the first
    letter."""
    return states[:, -1, _half(states) :]


@backward.slip
def forward_half_for_the_backward_one(states):
    """At the first letter the first half is taken, the forward one, which has only begun there. The backward half
    stands second."""
    return states[:, 0, : _half(states)]


@backward.slip
def mean_of_the_backward_half(states):
    """The backward half is averaged over the positions. It is taken at one, the first letter."""
    return states[:, :, _half(states) :].mean(axis=1)


@backward.slip
def backward_at_the_second_letter(states):
    """The backward half is taken at position 1. Positions count from 0, so the first letter is number 0."""
    return states[:, 1, _half(states) :]


@Stage
def joined(forward, backward):
    return np.concatenate([forward, backward], axis=-1)  # (batch, d_states)


@joined.slip
def backward_first(forward, backward):
    """The backward half comes first. Keep the order of the states: forward, then backward."""
    return np.concatenate([backward, forward], axis=-1)


@joined.slip
def halves_added(forward, backward):
    """The two halves are added up. Lay them side by side: (batch, d_states)."""
    return forward + backward


@joined.slip
def halves_averaged(forward, backward):
    """The two halves are averaged. Lay them side by side: (batch, d_states)."""
    return (forward + backward) / 2


@joined.slip
def one_below_the_other(forward, backward):
    """The halves lie one below the other, (2 batch, d_states / 2), as np.concatenate lays them unless told otherwise.
    Along the last axis they come side by side."""
    return np.concatenate([forward, backward])


@joined.slip
def axis_for_the_halves(forward, backward):
    """The halves have an axis of their own, (batch, 2, d_states / 2), as np.stack gives it. np.concatenate along the
    last axis lays them side by side."""
    return np.stack([forward, backward], axis=1)


@joined.slip
def axis_for_the_halves_in_front(forward, backward):
    """The halves have an axis of their own in front, (2, batch, d_states / 2), as np.stack gives it. np.concatenate
    along the last axis lays them side by side."""
    return np.stack([forward, backward])


@joined.slip
def forward_alone(forward):
    """This is the forward half alone, (batch, d_states / 2). The backward half comes behind it."""
    return forward


@joined.slip
def backward_alone(backward):
    """This is the backward half alone, (batch, d_states / 2). The forward half comes before it."""
    return backward


@joined.slip
def halves_interleaved(forward, backward):
    """The components of the two halves alternate. All of the forward half comes first."""
    return np.stack([forward, backward], axis=-1).reshape(len(forward), -1)


@Stage
def without_empty_names(joined, lengths):
    shape = (len(lengths),) + (1,) * (joined.ndim - 1)
    return joined * (lengths > 0).reshape(shape).astype(joined.dtype)


@without_empty_names.slip
def padding_for_an_empty_name(joined):
    """An empty name gets states of its padding. It has read nothing: its result should be 0."""
    return joined


@known.mistake
def first_position_for_an_empty_name(states, lengths):
    """An empty name gets the state at its first position, which is padding. It has read nothing: its result should be
    0."""
    half = states.shape[2] // 2
    return np.concatenate([_at(states, np.maximum(lengths - 1, 0))[:, :half], states[:, 0, half:]], axis=-1)


@known.mistake
def backward_half_of_an_empty_name(states, lengths):
    """In an empty name only the forward half is 0, and the backward half is what stands at its first position, which is
    padding. It has read nothing: both halves should be 0."""
    half = states.shape[2] // 2
    ends = _at(states, lengths - 1)[:, :half] * (lengths > 0)[:, None]
    return np.concatenate([ends, states[:, 0, half:]], axis=-1)


@known.mistake
def forward_half_of_an_empty_name(states, lengths):
    """In an empty name only the backward half is 0, and the forward half is that of the padding at the end of the row.
    It has read nothing: both halves should be 0."""
    half = states.shape[2] // 2
    return np.concatenate([_at(states, lengths - 1)[:, :half], states[:, 0, half:] * (lengths > 0)[:, None]], axis=-1)


@known.mistake
def no_row_for_an_empty_name(states, lengths):
    """Names of length 0 have no row in the result. They keep their place, with zeros."""
    return reference(states, lengths)[lengths > 0]


@known.mistake
def half_of_the_number_of_positions(states, lengths):
    """The components are parted at n // 2, half the number of positions. Half the number of components, d_states, is
    where the backward ones begin."""
    half = states.shape[1] // 2
    both = np.concatenate([_at(states, lengths - 1)[:, :half], states[:, 0, half:]], axis=-1)
    return both * (lengths > 0)[:, None]


@known.mistake
def halves_in_rows(states, lengths):
    """The halves lie one below the other, (2 batch, d_states / 2), as np.concatenate lays them unless told otherwise.
    Each name has one row: along the last axis they come side by side."""
    half = states.shape[2] // 2
    ends = [_at(states, lengths - 1)[:, :half], states[:, 0, half:]]
    return np.concatenate([end * (lengths > 0)[:, None] for end in ends])


@known.mistake
def halves_on_a_first_axis(states, lengths):
    """The halves have an axis of their own in front, (2, batch, d_states / 2), as np.stack or an array of both gives
    it. np.concatenate along the last axis lays them side by side."""
    half = states.shape[2] // 2
    ends = [_at(states, lengths - 1)[:, :half], states[:, 0, half:]]
    return np.stack([end * (lengths > 0)[:, None] for end in ends])


@known.mistake
def whole_last_state(states, lengths):
    """The whole state at the last letter is taken, and of an empty name one of the padding. Its backward half has only
    begun there: that one has read the whole name at the first letter."""
    return _at(states, lengths - 1)


@known.mistake
def whole_end_of_the_row(states, lengths):
    """The whole state at position n - 1 is taken, the end of the padding. The forward half ends at the last letter of
    each name, the backward half at the first."""
    return states[:, -1]


@known.mistake
def whole_end_of_the_row_and_zeros(states, lengths):
    """The whole state at position n - 1 is taken, the end of the padding; empty names are 0, as they should be. The
    forward half ends at the last letter of each name, the backward half at the first."""
    return states[:, -1] * (lengths > 0)[:, None]


@known.mistake
def whole_first_state(states, lengths):
    """The whole state at the first letter is taken. Its forward half has only begun there: that one has read the whole
    name at the last letter."""
    return states[:, 0]


@known.mistake
def ends_exchanged(states, lengths):
    """The two ends are exchanged: the forward half is taken at the first letter, the backward half at the last, where
    each has read a single letter."""
    half = states.shape[2] // 2
    both = np.concatenate([states[:, 0, :half], _at(states, lengths - 1)[:, half:]], axis=-1)
    return both * (lengths > 0)[:, None]


@known.mistake
def whole_states_of_both_ends(states, lengths):
    """The whole states of both ends lie side by side, (batch, 2 d_states). Of the last letter only the forward half is
    asked for, of the first only the backward half."""
    both = np.concatenate([_at(states, lengths - 1), states[:, 0]], axis=-1)
    return both * (lengths > 0)[:, None]


@known.mistake
def every_other_component(states, lengths):
    """Every other component counts as forward, those between as backward. The halves lie one behind the other: the
    first d_states / 2 components are the forward ones."""
    even = np.arange(states.shape[2]) % 2 == 0
    return np.where(even, _at(states, lengths - 1), states[:, 0]) * (lengths > 0)[:, None]


@known.mistake
def even_components_then_odd_ones(states, lengths):
    """The components with even numbers count as forward, and come first, those with odd numbers as backward. The halves
    lie one behind the other: the first d_states / 2 components are the forward ones."""
    both = np.concatenate([_at(states, lengths - 1)[:, ::2], states[:, 0, 1::2]], axis=-1)
    return both * (lengths > 0)[:, None]


@known.mistake
def sum_of_both_ends(states, lengths):
    """The whole states of the first and the last letter are added up. Of the last only the forward half is asked for,
    of the first only the backward half."""
    return (_at(states, lengths - 1) + states[:, 0]) * (lengths > 0)[:, None]


@known.mistake
def means(states, lengths):
    """These are means over the real letters. Here each half is taken at a single letter."""
    real = (np.arange(states.shape[1]) < lengths[:, None])[..., None]
    return (states * real).sum(axis=1) / np.maximum(lengths, 1)[:, None].astype(states.dtype)


@known.mistake
def half_of_the_positions(states, lengths):
    """The positions are halved, where the components should be: d_states is the last axis."""
    half = states.shape[1] // 2
    return states[:, :half]


@known.mistake
def a_point_in_the_half(states, lengths):
    """`/` gives a number with a point, and a slice wants a whole one: `//`."""
    half = states.shape[2] / 2
    return states[:, 0, :half]


@known.mistake
def gather_of_an_array(states, lengths):
    """`gather` is PyTorch's. NumPy takes one position of each name by two indices, [np.arange(batch), lengths - 1]."""
    return states.gather(1, lengths - 1)


@known.mistake
def numbers_among_arrays(states, lengths):
    """np.concatenate wants its arrays in a list or a tuple, and takes the second argument for the axis."""
    half = states.shape[2] // 2
    first, second = states[:, -1, :half], states[:, 0, half:]
    return np.concatenate(first, second)


@known.always
def zero_for_an_empty_name(inputs, output):
    """The result of a name of length 0 should be 0."""
    return bool((output[inputs["lengths"] == 0] == 0).all())


def _numbered():
    """States that hold the number of their position: 0, 1, 2, ..."""
    return np.broadcast_to(np.arange(6.0)[:, None], (2, 6, 4)).copy()


@known.probe
def where_the_forward_half_is_from(rng):
    yours = yield {"states": _numbered(), "lengths": np.array([3, 5])}
    found = first_difference(yours[:, :2], np.array([[2.0], [4.0]]))
    return found and (
        "With states that hold the number of their position, the forward half of a name of length 3 should be 2, "
        f"and of length 5 it should be 4; yours, at [{found[0]}], is {found[1]:.4g}."
    )


@known.probe
def where_the_backward_half_is_from(rng):
    yours = yield {"states": 10 + _numbered(), "lengths": np.array([3, 5])}
    if not np.allclose(yours[:, 2:], 10):
        return (
            "With states that hold 10 plus the number of their position, the backward half should be 10 in every name; "
            f"yours, at [0, 2:], is {yours[0, 2]:.4g}, {yours[0, 3]:.4g}, and at [1, 2:] {yours[1, 2]:.4g}, "
            f"{yours[1, 3]:.4g}."
        )
    return None


@known.probe
def which_components(rng):
    states = np.broadcast_to(np.arange(6.0), (2, 5, 6)).copy()
    yours = yield {"states": states, "lengths": np.array([2, 4])}
    if not np.allclose(yours, np.arange(6.0)):
        return (
            "With states that are 0, 1, 2, 3, 4, 5 at every position, the result of each name should be that, too; "
            f"yours is {', '.join(f'{number:.4g}' for number in yours[0])}."
        )
    return None


@known.legal
def with_loops(states, lengths):
    half, rows = states.shape[2] // 2, []
    for row, length in zip(states, lengths, strict=True):
        if length:
            rows.append([*row[:length][-1][:half], *row[0][half:]])
        else:
            rows.append([0.0] * states.shape[2])
    return np.array(rows, dtype=states.dtype)


@known.legal
def with_one_hot_weights(states, lengths):
    """Two rows of weights, each one-hot: attention that always looks at the same end."""
    positions = np.arange(states.shape[1])
    ends = np.stack([positions == lengths[:, None] - 1, (positions == 0) & (lengths[:, None] > 0)], axis=1)
    gathered = ends.astype(states.dtype) @ states  # (batch, 2, d_states)
    first = np.arange(states.shape[2]) < states.shape[2] // 2
    return np.where(first, gathered[:, 0], gathered[:, 1])


@known.legal
def with_take_along_axis(states, lengths):
    place = np.where(np.arange(states.shape[2]) < states.shape[2] // 2, np.maximum(lengths - 1, 0)[:, None], 0)
    taken = np.take_along_axis(states, place[:, None, :], axis=1)[:, 0]
    taken[lengths == 0] = 0
    return taken


@known.legal
def with_torch(states, lengths):
    import torch

    states, lengths = torch.from_numpy(states), torch.from_numpy(lengths)
    forward, backward = states.chunk(2, dim=-1)
    index = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, forward.shape[-1])
    ends = torch.cat([forward.gather(1, index)[:, 0], backward[:, 0]], dim=-1)
    return (ends * (lengths > 0).unsqueeze(1)).numpy()


@known.borrowed
def by_the_module(states, lengths):
    import torch

    from course_lib.relatives.pooling import LastStatePooling

    embedding, _weights = LastStatePooling()(torch.from_numpy(states), torch.from_numpy(lengths))
    return embedding[:, 0]


TASK = Task(
    id="14.last_states",
    title="Where each direction ends",
    difficulty=2,
    minutes=10,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", {}, draw=of_the_text),
        Case("2 names of up to 5 letters", dict(batch=2, n=5, d_states=6)),
        Case("3 names of up to 7 letters, float32", dict(batch=3, n=7, d_states=4), dtype="float32"),
        Case("one name is empty, one full", dict(batch=4, n=5, d_states=2), draw=one_is_empty),
        Case("one letter", dict(batch=1, n=1, d_states=2), draw=one_letter),
        Case("5 names of up to 6 letters", dict(batch=5, n=6, d_states=4)),
    ),
    finished=("course_lib.relatives.pooling.LastStatePooling.forward",),
    hints=(
        "At which letter has the network that reads forward seen the whole name? And the one that reads backward?",
        (
            "The first half of each state is the forward one. The last letter of name b stands at lengths[b] - 1, "
            "another position in every name. How do you take one position of each?"
        ),
        (
            "Two arrays of integers as indices go side by side: names 0, 1, 2, ... and the position of each. For the "
            "backward half no array is needed, as its position is the same in all names."
        ),
        (
            "`states[np.arange(batch), lengths - 1]` is (batch, d_states); its first half and the second half of "
            "`states[:, 0]` are concatenated along the last axis. Names of length 0 are then set to 0."
        ),
    ),
    stages=(last, forward, backward, joined, without_empty_names),
    coincidences={
        "end_of_the_padded_row + backward_at_the_last_letter": "whole_end_of_the_row_and_zeros",
        "end_of_the_padded_row + backward_at_the_end_of_the_padding": "whole_end_of_the_row_and_zeros",
        "forward_at_the_first_letter + backward_at_the_last_letter": "ends_exchanged",
        "forward_at_the_first_letter + padding_for_an_empty_name": "whole_first_state",
        "backward_at_the_last_letter + padding_for_an_empty_name": "whole_last_state",
    },
    **known.ways,
)
