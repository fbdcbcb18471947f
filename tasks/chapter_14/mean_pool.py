"""14.mean_pool: the mean of the states at the real positions of each name, the pooling that others are measured by."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import pooling_stages
from tasks.pooling_stages import padded

known = Known()


def _inputs(rng, lengths, n, d_states):
    """Numbers around 1, so that a sum is no mean by chance; what stands in the padding is louder."""
    loud = np.where(np.arange(n) < lengths[:, None], 1.0, 3.0)
    return {"states": (1 + rng.normal(size=(len(lengths), n, d_states))) * loud[..., None], "lengths": lengths}


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
    states = [[[1, 10, 0], [3, 20, 4], [90, 90, 90]], [[4, 0, 1], [5, 0, 1], [6, 3, 1]]]
    return {"states": np.array(states, dtype=float), "lengths": np.array([2, 3])}


def reference(states, lengths):
    real = (np.arange(states.shape[1]) < lengths[:, None])[:, :, None]
    return np.where(real, states, 0).sum(axis=1) / np.maximum(lengths, 1)[:, None].astype(states.dtype)


real = pooling_stages.real.but("last_real_position_alone")


@real.rare
def empty_name_read_as_one(states, lengths):
    """An empty name gives what stands at its first position, which is padding. It has no real position: its mean is
    0."""
    return np.arange(states.shape[1]) < np.maximum(lengths, 1)[:, None]


@Stage
def total(states, real):
    return np.where(real[:, :, None], states, states.dtype.type(0)).sum(axis=1)  # (batch, d_states)


@total.slip
def summed_over_the_state(states, real):
    """The numbers of each state are added up, and one number for each position is left. Add up the positions, which lie
    along the middle axis."""
    return np.where(real[:, :, None], states, states.dtype.type(0)).sum(axis=2)


@total.slip
def summed_over_the_batch(states, real):
    """The names of the batch are added up. Add up the positions of each name, which lie along the middle axis."""
    return np.where(real[:, :, None], states, states.dtype.type(0)).sum(axis=0)


@total.slip
def largest_and_not_sum(states, real):
    """Component by component the largest number is taken, where the numbers should be added up."""
    lowest = np.where(real[:, :, None], states, states.dtype.type(-np.inf)).max(axis=1)
    return np.where(real.any(axis=1, keepdims=True), lowest, states.dtype.type(0))


@total.slip
def last_state_and_not_sum(states, real):
    """Of each name, the state at its last real position alone is taken, where all real ones should be added up."""
    last = np.maximum(np.where(real, np.arange(real.shape[1]), -1).max(axis=1), 0)
    return states[np.arange(len(states)), last] * real.any(axis=1, keepdims=True)


@total.slip
def no_axis_for_the_state(states, real):
    """The mask has shape (batch, n) and the states (batch, n, d_states): the axes are lined up from the right, n with
    d_states. Give the mask an axis of size 1 at the end: (batch, n, 1)."""
    return np.where(real, states, states.dtype.type(0)).sum(axis=1)


@total.slip
def product_without_an_axis_for_the_state(states, real):
    """States (batch, n, d_states) are multiplied by a mask (batch, n): the axes are lined up from the right, n with
    d_states. Give the mask an axis of size 1 at the end: (batch, n, 1)."""
    kept = states * real
    return kept.sum(axis=1)


@total.slip
def mask_with_an_axis_in_the_middle(states, real):
    """The mask has its axis of size 1 in the middle, (batch, 1, n), as for scores. Here it stands at the end:
    (batch, n, 1)."""
    kept = states * real[:, None, :]
    return kept.sum(axis=1)


@total.rare
def total_of_the_names_before_too(states, real):
    """The total goes on from name to name, so that each has the sums of those before it as well. Every name begins with
    0."""
    return np.cumsum(np.where(real[:, :, None], states, states.dtype.type(0)).sum(axis=1), axis=0)


@Stage
def count(real):
    return np.maximum(real.sum(axis=1), 1)  # (batch,)


@count.slip
def divided_by_all_positions(states):
    """The sums are divided by n, the padded length, so that short names come out too small. Each is divided by its own
    length."""
    return np.full(len(states), states.shape[1])


@count.slip
def not_divided(states):
    """Nothing is divided: a mean is a sum divided by the number of positions that were added up."""
    return np.ones(len(states))


@count.slip
def divided_by_the_longest(lengths):
    """All sums are divided by the longest length. Each is divided by its own."""
    return np.full_like(lengths, lengths.max())


@count.slip
def divided_by_the_first(lengths):
    """All sums are divided by the length of the first name. Each is divided by its own."""
    return np.full_like(lengths, max(lengths[0], 1))


@count.slip
def divided_by_all_lengths_together(lengths):
    """The sums are divided by the sum of all lengths, the positions of the whole batch. Each is divided by its own
    length."""
    return np.full_like(lengths, lengths.sum())


@count.slip
def divided_by_the_root_of_the_length(real):
    """The sums are divided by the square root of the length. A mean is divided by the length itself."""
    return np.sqrt(np.maximum(real.sum(axis=1), 1))


@count.slip
def divided_by_the_size_of_a_state(states):
    """The sums are divided by the size of a state, d_states. A mean is divided by the number of positions that were
    added up."""
    return np.full(len(states), states.shape[2])


@count.slip
def divided_by_the_padding(states, lengths):
    """The sums are divided by the number of padded positions, or by 1 where there are none. A mean is divided by the
    number of positions that were added up."""
    return np.maximum(states.shape[1] - lengths, 1)


@count.slip
def divided_by_one_too_many(real):
    """The sums are divided by one more than the number of positions that were added up."""
    return real.sum(axis=1) + 1


@count.rare
def divided_by_one_too_few(real):
    """The sums are divided by one less than the number of positions that were added up, or by 1 where that would be
    0."""
    return np.maximum(real.sum(axis=1) - 1, 1)


@count.slip
def nan_for_an_empty_name(real):
    """The mean of an empty name is NaN: 0 divided by 0. It should be 0."""
    return real.sum(axis=1)


@Stage
def mean(total, count):
    return total / count[:, None].astype(total.dtype)  # (batch, d_states)


@mean.slip
def one_axis_for_the_lengths(total, count):
    """Sums (batch, d_states) are divided by lengths (batch,): the axes are lined up from the right, d_states with the
    batch. Give the lengths an axis of size 1 at the end."""
    return total / count


@mean.slip
def whole_numbers(total, count):
    """The sums are divided with `//`, which drops what is behind the point. `/` keeps it."""
    return total // count[:, None].astype(total.dtype)


@known.mistake
def padding_summed_then_divided_by_the_length(states, lengths):
    """The sum takes in the padding, and is divided by the length, which counts real positions only. Leave the padding
    out of the sum."""
    return states.sum(axis=1) / np.maximum(lengths, 1)[:, None].astype(states.dtype)


@known.mistake
def padding_alone_divided_by_the_length(states, lengths):
    """Only the padding is added up, and the sum is divided by the length: True and False of the mask are exchanged.
    Positions 0 to length - 1 are real."""
    kept = np.where((np.arange(states.shape[1]) >= lengths[:, None])[..., None], states, states.dtype.type(0))
    return kept.sum(axis=1) / np.maximum(lengths, 1)[:, None].astype(states.dtype)


@known.mistake
def one_too_many_divided_by_the_length(states, lengths):
    """The first position of the padding is added up as well, and the sum is divided by the length. Positions count from
    0, so the last real one is length - 1."""
    kept = np.where((np.arange(states.shape[1]) <= lengths[:, None])[..., None], states, states.dtype.type(0))
    return kept.sum(axis=1) / np.maximum(lengths, 1)[:, None].astype(states.dtype)


@known.mistake
def one_too_few_divided_by_the_length(states, lengths):
    """The last real position is not added up, and the sum is divided by the whole length. Positions count from 0, and
    those below the length are real."""
    kept = np.where((np.arange(states.shape[1]) < lengths[:, None] - 1)[..., None], states, states.dtype.type(0))
    return kept.sum(axis=1) / np.maximum(lengths, 1)[:, None].astype(states.dtype)


@known.mistake
def first_left_out_and_divided_by_the_length(states, lengths):
    """The first position is not added up, and the sum is divided by the whole length. Positions count from 0, and
    position 0 is real unless the length is 0."""
    positions = np.arange(states.shape[1])
    kept = np.where(((positions > 0) & (positions < lengths[:, None]))[..., None], states, states.dtype.type(0))
    return kept.sum(axis=1) / np.maximum(lengths, 1)[:, None].astype(states.dtype)


@known.mistake
def without_the_empty_names(states, lengths):
    """Names of length 0 have no row in the result. They keep their place, with the mean 0."""
    return reference(states, lengths)[lengths > 0]


@known.mistake
def one_too_few_of_one(states, lengths):
    """The last real position is left out, so that a name of one letter has nothing left and comes out as NaN. Positions
    count from 0, and those below the length are real."""
    rows = [row[: max(length - 1, 0)].mean(axis=0) for row, length in zip(states, lengths, strict=True)]
    return np.where((lengths > 0)[:, None], np.stack(rows), states.dtype.type(0))


@known.mistake
def first_state(states, lengths):
    """These are the states at the first position. In the mean all real positions count alike."""
    return states[:, 0]


@known.mistake
def largest_of_the_padding_too(states, lengths):
    """These are the largest numbers, component by component, among the padding as well: max pooling without a mask. The
    mean adds up what is real, and divides."""
    return states.max(axis=1)


@known.mistake
def dim_for_axis_of_a_sum(states, lengths):
    """NumPy's sum takes `axis`; `dim` is PyTorch's word for it."""
    return states.sum(dim=1)


@known.mistake
def largest_numbers(states, lengths):
    """These are the largest numbers, component by component: max pooling. The mean adds up and divides."""
    real = (np.arange(states.shape[1]) < lengths[:, None])[..., None]
    return np.where(real, states, -np.inf).max(axis=1, initial=-1e9).astype(states.dtype) * (lengths > 0)[:, None]


@known.mistake
def last_real_state(states, lengths):
    """These are the states at the last real positions. In the mean all real positions count alike."""
    return states[np.arange(len(states)), lengths - 1] * (lengths > 0)[:, None]


@known.mistake
def mean_of_each_state(states, lengths):
    """The numbers of each state are averaged, one mean for each position. Average over the positions, the middle
    axis."""
    return states.mean(axis=2)


@known.mistake
def mean_of_each_real_state(states, lengths):
    """The numbers of each real state are averaged, one mean for each position, and 0 for the padding. Average over the
    positions, the middle axis."""
    return states.mean(axis=2) * (np.arange(states.shape[1]) < lengths[:, None])


@known.mistake
def mean_over_the_batch(states, lengths):
    """The names of the batch are averaged with each other. Average over the positions of each, the middle axis."""
    return states.mean(axis=0)


@known.mistake
def mean_of_everything(states, lengths):
    """All the numbers are averaged to one. Each name has its own mean, and so has each component: average over the
    middle axis alone."""
    return states.mean()


@known.mistake
def padding_summed_and_nothing_for_zero(states, lengths):
    """The sum takes in the padding, and is divided by the length, which counts real positions only; of an empty name
    that is 0. Leave the padding out of the sum, and mind the empty name."""
    return (states.sum(axis=1) / lengths[:, None]).astype(states.dtype)


@known.mistake
def one_mean_for_all(states, lengths):
    """All names of the batch have the same mean, that of all real positions together. Each has a mean of its own."""
    real = np.arange(states.shape[1]) < lengths[:, None]
    return np.broadcast_to(states[real].mean(axis=0), (len(states), states.shape[2]))


@known.mistake
def one_row_for_the_batch(states, lengths):
    """One mean came back, (d_states,), that of all real positions of the whole batch. Each name has a mean of its own:
    (batch, d_states)."""
    return states[np.arange(states.shape[1]) < lengths[:, None]].mean(axis=0)


@known.mistake
def mean_of_the_means_so_far(states, lengths):
    """The later a position, the more it counts: each new state is averaged with the mean so far, which halves what the
    earlier ones have. All real positions count alike."""
    means = np.zeros((len(states), states.shape[2]), dtype=states.dtype)
    for b, length in enumerate(lengths):
        for i in range(length):
            means[b] = states[b, i] if i == 0 else (means[b] + states[b, i]) / 2
    return means


@known.mistake
def middle_state(states, lengths):
    """The state in the middle of each name came back, which is no mean."""
    return states[np.arange(len(states)), lengths // 2] * (lengths > 0)[:, None]


@known.mistake
def medians(states, lengths):
    """These are medians: the number in the middle when they are sorted. The mean is their sum over their count."""
    rows = [np.median(row[: max(length, 1)], axis=0) for row, length in zip(states, lengths, strict=True)]
    return np.stack(rows) * (lengths > 0)[:, None]


@known.mistake
def halves_of_the_ends(states, lengths):
    """This is the mean of the first and the last real state alone. All real positions count."""
    rows = np.arange(len(states))
    ends = (states[:, 0] + states[rows, np.maximum(lengths, 1) - 1]) / 2
    return ends * (lengths > 0)[:, None]


@known.mistake
def lengths_for_a_slice(states, lengths):
    """A slice takes whole numbers, and `lengths` holds one for each name. Names of different length are cut in a loop,
    or compared: positions below the length are real."""
    return states[:, :lengths].mean(axis=1)


@known.mistake
def dim_for_axis(states, lengths):
    """NumPy's mean and sum take `axis`; `dim` is PyTorch's word for it."""
    return states.mean(dim=1)


@known.mistake
def a_range_of_lengths(states, lengths):
    """`range` takes one whole number, and `lengths` holds one for each name. Go through the names first."""
    return sum(states[:, i] for i in range(lengths)) / lengths[:, None]


@known.mistake
def a_method_of_tensors(states, lengths):
    """`unsqueeze` is PyTorch's. NumPy puts in an axis by an index, lengths[:, None]."""
    return states.sum(axis=1) / lengths.unsqueeze(1)


@known.mistake
def lengths_without_an_axis(states, lengths):
    """Positions (n,) are compared with lengths (batch,), so the batch is lined up with the positions. Give the lengths
    an axis of size 1 at the end: (batch, 1)."""
    real = np.arange(states.shape[1]) < lengths
    return (states * real[..., None]).sum(axis=1)


@known.mistake
def rows_of_different_length(states, lengths):
    """The names, cut to their lengths, cannot be stacked: they have different lengths. Take the mean of each first."""
    return np.stack([row[:length] for row, length in zip(states, lengths, strict=True)])


@known.always
def zero_for_an_empty_name(inputs, output):
    """The mean of a name of length 0 should be 0."""
    return bool((output[inputs["lengths"] == 0] == 0).all())


@known.probe
def ones_everywhere(rng):
    yours = yield {"states": np.ones((2, 5, 3)), "lengths": np.array([2, 4])}
    if not np.allclose(yours, 1):
        return (
            "With states that are 1 everywhere, every mean should be 1; yours, at [0, 0] (length 2 of 5), is "
            f"{yours[0, 0]:.4g}, and at [1, 0] (length 4 of 5) {yours[1, 0]:.4g}."
        )
    return None


@known.probe
def other_padding(rng):
    inputs = draw(rng, batch=2, n=5, d_states=3)
    before = yield inputs
    behind = np.arange(5) >= inputs["lengths"][:, None]
    after = yield {**inputs, "states": np.where(behind[..., None], 0, inputs["states"])}
    if not np.allclose(before, after):
        return "When the states of the padding are set to 0, your result changes. Padding should not matter."
    return None


@known.probe
def one_step(rng):
    """States that say which position they are: the mean of positions 0, 1, 2 is 1."""
    states = np.broadcast_to(np.arange(6.0)[:, None], (2, 6, 3)).copy()
    yours = yield {"states": states, "lengths": np.array([3, 5])}
    if not np.allclose(yours, [[1] * 3, [2] * 3]):
        return (
            "With states that hold the number of their position, 0, 1, 2 and so on, the mean of a name of length 3 "
            f"should be 1, and of length 5 it should be 2; yours are {yours[0, 0]:.4g} and {yours[1, 0]:.4g}."
        )
    return None


@known.legal
def with_loops(states, lengths):
    pooled = np.zeros((states.shape[0], states.shape[2]), dtype=states.dtype)
    for b, length in enumerate(lengths):
        if length:
            pooled[b] = states[b, :length].mean(axis=0)
    return pooled


@known.legal
def with_uniform_weights(states, lengths):
    """The mean as attention: every real position has the weight 1 / length."""
    weights = (np.arange(states.shape[1]) < lengths[:, None]) / np.maximum(lengths, 1)[:, None]
    return np.einsum("bn,bnd->bd", weights.astype(states.dtype), states)


@known.legal
def with_running_sums(states, lengths):
    sums = np.cumsum(states.astype(np.float64), axis=1)[np.arange(len(states)), lengths - 1]
    with np.errstate(all="ignore"):
        means = sums / lengths[:, None]
    means[lengths == 0] = 0
    return means.astype(states.dtype)


@known.legal
def with_torch(states, lengths):
    import torch

    states, lengths = torch.from_numpy(states), torch.from_numpy(lengths)
    real = (torch.arange(states.shape[1]) < lengths.unsqueeze(1)).unsqueeze(2)
    return (states.masked_fill(~real, 0).sum(dim=1) / lengths.clamp(min=1).unsqueeze(1)).numpy()


@known.legal
def with_where_of_mean(states, lengths):
    real = np.broadcast_to((np.arange(states.shape[1]) < lengths[:, None])[..., None], states.shape)
    return np.nan_to_num(np.mean(states, axis=1, where=real))


@known.borrowed
def by_the_module(states, lengths):
    import torch

    from course_lib.relatives.pooling import MeanPooling

    embedding, _weights = MeanPooling()(torch.from_numpy(states), torch.from_numpy(lengths))
    return embedding[:, 0]


TASK = Task(
    id="14.mean_pool",
    title="The mean of what is real",
    difficulty=1,
    minutes=8,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", {}, draw=of_the_text),
        Case("2 names of up to 5 positions", dict(batch=2, n=5, d_states=3)),
        Case("4 names of up to 6 positions, float32", dict(batch=4, n=6, d_states=3), dtype="float32"),
        Case("one name is empty, one full", dict(batch=4, n=5, d_states=2), draw=one_is_empty),
        Case("one letter", dict(batch=1, n=1, d_states=1), draw=one_letter),
        Case("3 names of up to 7 positions", dict(batch=3, n=7, d_states=4)),
    ),
    finished=("course_lib.relatives.pooling.MeanPooling.forward",),
    hints=(
        "Which positions of a name are real, and how many of them are there?",
        (
            "`np.arange(n)` holds the positions. Compared with the lengths as (batch, 1), they say for every position "
            "whether it is real. Which axis does that mask lack to go with the states?"
        ),
        (
            "Set the states of the padding to 0, with np.where and a mask of shape (batch, n, 1). Then add up along "
            "the middle axis, and divide each name by its length."
        ),
        (
            "The lengths divide as `np.maximum(lengths, 1)[:, None].astype(states.dtype)`: at least 1, so that 0 / 0 "
            "does not come up, with an axis for the components, and in the dtype of the states."
        ),
    ),
    stages=(real, total, count, mean),
    coincidences={
        "one_position_too_few + divided_by_one_too_many": "one_too_few_divided_by_the_length",
        "summed_over_the_state + divided_by_the_size_of_a_state": "mean_of_each_real_state",
        "first_position_hidden + divided_by_one_too_many": "first_left_out_and_divided_by_the_length",
        "largest_and_not_sum + not_divided": "largest_numbers",
        "last_state_and_not_sum + not_divided": "last_real_state",
    },
    **known.ways,
)
