"""14.structured_embedding: M = A H, what the hops gather from a padded batch, side by side (Lin et al. 2017, eq. 6,
7)."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import pooling_stages
from tasks.pooling_stages import (
    draw_hops,
    large_sums,
    loud_for_float32,
    of_the_text,
    one_is_empty,
    one_letter,
    weights_of,
)
from tasks.probes import first_difference
from tasks.rules import informative

known = Known()


def reference(states, lengths, W_s1, W_s2):
    gathered = weights_of(states, lengths, W_s1, W_s2) @ states
    return gathered.reshape(len(states), -1)


real = pooling_stages.real.but(rare=["first_position_hidden", "moved_by_one"])
hidden = pooling_stages.hidden
bent = pooling_stages.bent.but(rare=["relu_for_tanh", "tanh_that_overflows"])
scores = pooling_stages.scores.but(rare=["divided_by_the_root_of_d_states"])
masked = pooling_stages.masked.but(rare=["mask_with_an_axis_behind"])
weights = pooling_stages.weights.but(
    "softmax_of_the_weights_padding_and_all",
    "logarithms_of_the_weights",
    "sigmoid_for_softmax",
    rare=["overflowing_before_the_mask", "overflowing_and_empty", "overflowing"],
)


@Stage
def gathered(weights, states):
    return weights @ states  # (batch, hops, d_states)


@gathered.slip
def positions_added_up(weights, states):
    """The weights have no part in what is gathered: all positions are added up alike, the padding too. A H weighs each
    state."""
    return np.repeat(states.sum(axis=1, keepdims=True), weights.shape[1], axis=1)


@gathered.slip
def plain_mean(weights, states):
    """The weights have no part in what is gathered: it is the plain mean of all positions, the padding too. A H weighs
    each state."""
    return np.repeat(states.mean(axis=1, keepdims=True), weights.shape[1], axis=1)


@gathered.slip
def divided_by_n(weights, states):
    """The weighted states are averaged, which divides by n once more. Weights sum to 1: add up."""
    return weights @ states / states.dtype.type(states.shape[1])


@gathered.slip
def divided_by_the_length(weights, states, lengths):
    """The weighted states are divided by the length of the name once more. Weights sum to 1: add up."""
    return weights @ states / np.maximum(lengths, 1)[:, None, None].astype(states.dtype)


@gathered.slip
def heaviest_letter_alone(weights, states):
    """Each hop brings the state with its largest weight alone. A H adds up all of them, each with its weight."""
    chosen = weights.argmax(axis=-1)
    taken = np.take_along_axis(states, chosen[:, :, None], axis=1)
    return taken * (weights.max(axis=-1) > 0)[:, :, None]


@gathered.slip
def hidden_numbers_gathered(weights, bent):
    """What is gathered are the d_a numbers behind the tanh, (batch, hops, d_a). The hops gather the states
    themselves."""
    return weights @ bent


@gathered.slip
def weights_turned(weights, states):
    """The weights are turned to (batch, n, hops), which does not fit the states, (batch, n, d_states). A H multiplies
    (batch, hops, n) with (batch, n, d_states)."""
    return weights.swapaxes(-2, -1) @ states


@gathered.slip
def states_before_the_weights(weights, states):
    """The states stand before the weights: (n, d_states) times (hops, n) fits only where there are as many hops as
    components, and is not A H even there. The weights come first."""
    return states @ weights


@gathered.slip
def states_turned(weights, states):
    """The states are turned to (batch, d_states, n), which does not fit weights of shape (batch, hops, n). A H takes
    the states as they are."""
    return weights @ states.swapaxes(-2, -1)


@gathered.slip
def entry_by_entry(weights, states):
    """Weights (batch, hops, n) and states (batch, n, d_states) are multiplied entry by entry, which does not fit. A
    matrix product, `@`, takes rows with columns and adds up."""
    return weights * states


@gathered.rare
def sums_gathered(weights, hidden):
    """What is gathered are the d_a sums W_s1 H^T, (batch, hops, d_a). The hops gather the states themselves."""
    return weights @ hidden


@gathered.rare
def every_name_with_every_name(weights, states):
    """np.dot multiplies the weights of every name with the states of every other. `@` takes each name with itself."""
    return np.dot(weights, states)


@Stage
def flat(gathered):
    return gathered.reshape(len(gathered), -1)  # (batch, hops * d_states)


@flat.slip
def components_first(gathered):
    """The numbers are in another order: first the first component of every hop, then the second. Hop 0 comes first,
    with all its components."""
    return gathered.swapaxes(-2, -1).reshape(len(gathered), -1)


@flat.slip
def not_side_by_side(gathered):
    """The hops are still on an axis of their own, (batch, hops, d_states). Lay them side by side: (batch, hops *
    d_states)."""
    return gathered


@flat.slip
def hops_averaged(gathered):
    """The hops are averaged to one vector, (batch, d_states), so that nobody can tell any more what each has read. Lay
    them side by side."""
    return gathered.mean(axis=1)


@flat.slip
def hops_added_up(gathered):
    """The hops are added up to one vector, (batch, d_states), so that nobody can tell any more what each has read. Lay
    them side by side."""
    return gathered.sum(axis=1)


@flat.slip
def first_hop_alone(gathered):
    """Only what the first hop gathers came back, (batch, d_states). Lay those of all hops side by side."""
    return gathered[:, 0]


@flat.slip
def names_below_each_other(gathered):
    """The hops of all names lie below each other, (batch * hops, d_states). Each name has one row, its hops side by
    side: (batch, hops * d_states)."""
    return gathered.reshape(-1, gathered.shape[-1])


@flat.slip
def hops_below_each_other(gathered):
    """The hops lie below each other, (hops * batch, d_states), as np.concatenate lays them unless told otherwise. Each
    name has one row, its hops side by side: (batch, hops * d_states)."""
    return gathered.swapaxes(0, 1).reshape(-1, gathered.shape[-1])


@flat.rare
def rows_for_hops(gathered):
    """The result has as many rows as there are hops. It has one for each name: (batch, hops * d_states)."""
    return gathered.reshape(gathered.shape[1], -1)


@flat.rare
def components_before_hops(gathered):
    """The components stand before the hops, on axes of their own: (batch, d_states, hops). Lay the hops side by side:
    (batch, hops * d_states)."""
    return gathered.swapaxes(-2, -1)


@flat.rare
def names_side_by_side(gathered):
    """The names lie side by side, and the hops are the rows: (hops, batch * d_states). Each name has a row, with its
    hops side by side."""
    return gathered.swapaxes(0, 1).reshape(gathered.shape[1], -1)


@flat.rare
def largest_of_the_hops(gathered):
    """Of the hops the largest number is taken, component by component, (batch, d_states). Lay them side by side."""
    return gathered.max(axis=1)


@flat.rare
def last_hop_first(gathered):
    """The hops are in reverse order. Hop 0 comes first."""
    return gathered[:, ::-1].reshape(len(gathered), -1)


@flat.rare
def hops_scattered_over_the_names(gathered):
    """The axes of hops and names are swapped before the hops are laid side by side, so that the rows mix names. Each
    row is one name."""
    return gathered.swapaxes(0, 1).reshape(len(gathered), -1)


def _real(states, lengths):
    return (np.arange(states.shape[1]) < lengths[:, None])[:, None, :]


def _scores(states, W_s1, W_s2):
    return W_s2 @ np.tanh(W_s1 @ states.swapaxes(-2, -1))


@known.mistake
def tanh_after_both_matrices(states, lengths, W_s1, W_s2):
    """The tanh is taken of the scores, behind both matrices. It stands between them: first W_s1, then tanh, then
    W_s2."""
    bent = np.tanh(W_s2 @ W_s1 @ states.swapaxes(-2, -1))
    weights = pooling_stages.weights(np.where(_real(states, lengths), bent, states.dtype.type(-np.inf)))
    return (weights @ states).reshape(len(states), -1)


@known.mistake
def tanh_of_the_states(states, lengths, W_s1, W_s2):
    """The tanh is taken of the states, before W_s1, and none behind it. It stands between the two matrices: first W_s1,
    then tanh, then W_s2."""
    scores = W_s2 @ W_s1 @ np.tanh(states).swapaxes(-2, -1)
    weights = pooling_stages.weights(np.where(_real(states, lengths), scores, states.dtype.type(-np.inf)))
    return (weights @ states).reshape(len(states), -1)


@known.mistake
def heaviest_letter_even_of_an_empty_name(states, lengths, W_s1, W_s2):
    """Each hop brings the state with its largest weight alone, and of an empty name the first one, which is padding. A
    H adds up all states, each with its weight, which is 0 everywhere in an empty name."""
    chosen = weights_of(states, lengths, W_s1, W_s2).argmax(axis=-1)
    return np.take_along_axis(states, chosen[:, :, None], axis=1).reshape(len(states), -1)


@known.mistake
def zeros_in_all_of_the_padding(states, lengths, W_s1, W_s2):
    """The states of the padding are 0 from the start, and so are their scores; the exponential of 0 is 1, so that the
    padding takes weight, which the letters then lack. Hide the scores."""
    states = states * _real(states, lengths).swapaxes(-2, -1)
    return (pooling_stages.weights(_scores(states, W_s1, W_s2)) @ states).reshape(len(states), -1)


@known.mistake
def mean_of_what_is_real(states, lengths, W_s1, W_s2):
    """Every hop brings the mean of what is real: all letters have the same weight. The scores should tell them
    apart."""
    present = _real(states, lengths).astype(states.dtype)
    pooled = present @ states / np.maximum(lengths, 1)[:, None, None].astype(states.dtype)
    return np.repeat(pooled, len(W_s2), axis=1).reshape(len(states), -1)


@known.mistake
def positions_not_added_up(states, lengths, W_s1, W_s2):
    """The states are weighed and then laid side by side for every position, (batch, hops * n * d_states). A H adds the
    positions up."""
    weights = weights_of(states, lengths, W_s1, W_s2)
    return (weights[..., None] * states[:, None]).reshape(len(states), -1)


@known.mistake
def without_the_empty_names(states, lengths, W_s1, W_s2):
    """Names of length 0 have no row in the result. They keep their place, with zeros."""
    return reference(states, lengths, W_s1, W_s2)[lengths > 0]


@known.mistake
def weights_returned(states, lengths, W_s1, W_s2):
    """These are the weights, (batch, hops, n). The embedding is one step further: the weights times the states, then
    side by side."""
    return weights_of(states, lengths, W_s1, W_s2)


@known.mistake
def weights_side_by_side(states, lengths, W_s1, W_s2):
    """These are the weights of the hops side by side, (batch, hops * n). First they gather: the weights times the
    states."""
    return weights_of(states, lengths, W_s1, W_s2).reshape(len(states), -1)


@known.mistake
def tuple_of_both(states, lengths, W_s1, W_s2):
    """Several things came back, in a tuple. Return the embedding alone, one array (batch, hops * d_states)."""
    weights = weights_of(states, lengths, W_s1, W_s2)
    return (weights @ states).reshape(len(states), -1), weights


@known.mistake
def flat_altogether(states, lengths, W_s1, W_s2):
    """All names stand in one long row. Each name has a row of its own: (batch, hops * d_states)."""
    return (weights_of(states, lengths, W_s1, W_s2) @ states).reshape(-1)


@known.mistake
def lengths_for_a_mask(states, lengths, W_s1, W_s2):
    """`masked_softmax` wants a boolean mask, True where a position is real, and got the lengths. Compare positions with
    lengths: the mask has shape (batch, 1, n)."""
    import course_lib

    scores = _scores(states, W_s1, W_s2)
    return course_lib.masked_softmax(scores, lengths) @ states


@known.mistake
def mask_without_an_axis(states, lengths, W_s1, W_s2):
    """The mask has shape (batch, n) and the scores (batch, hops, n), so the batch is lined up with the hops. Give the
    mask an axis of size 1 for the hops: (batch, 1, n)."""
    import course_lib

    mask = np.arange(states.shape[1]) < lengths[:, None]
    scores = _scores(states, W_s1, W_s2)
    return course_lib.masked_softmax(scores, mask) @ states


@known.mistake
def dim_for_axis(states, lengths, W_s1, W_s2):
    """The axis of course_lib.softmax is called axis, as in NumPy; dim is PyTorch's word. The last one is taken
    anyway."""
    import course_lib

    scores = _scores(states, W_s1, W_s2)
    return course_lib.softmax(scores, dim=-1) @ states


@known.mistake
def reshaped_without_the_hops(states, lengths, W_s1, W_s2):
    """The numbers do not fit (batch, d_states): there are as many more as hops, one vector for each hop. Side by side
    they are (batch, hops * d_states)."""
    gathered = weights_of(states, lengths, W_s1, W_s2) @ states
    return gathered.reshape(len(states), states.shape[2])


@known.mistake
def a_method_of_tensors(states, lengths, W_s1, W_s2):
    """`flatten` of an array takes no axis to start from; that is PyTorch's. reshape(batch, -1) keeps the names
    apart."""
    gathered = weights_of(states, lengths, W_s1, W_s2) @ states
    return gathered.flatten(start_dim=1)


@known.mistake
def view_of_tensors(states, lengths, W_s1, W_s2):
    """NumPy's `view` changes the dtype; PyTorch's lays numbers out in another shape. NumPy's word for that is
    reshape."""
    gathered = weights_of(states, lengths, W_s1, W_s2) @ states
    return gathered.view(len(states), -1)


@known.always
def zero_for_an_empty_name(inputs, output):
    """The embedding of a name of length 0 should be 0."""
    return bool((output[inputs["lengths"] == 0] == 0).all())


SIZES = dict(batch=2, n=5, d_states=3, d_a=4, hops=2)


@known.probe
def other_padding(rng):
    inputs = draw_hops(rng, **SIZES)
    before = yield inputs
    behind = np.arange(5) >= inputs["lengths"][:, None]
    after = yield {**inputs, "states": np.where(behind[..., None], 1, inputs["states"])}
    if not np.allclose(before, after):
        return "When the states of the padding are replaced by others, your result changes. Padding should not matter."
    return None


@known.probe
def equal_states(rng):
    inputs = draw_hops(rng, **SIZES)
    states = np.broadcast_to(inputs["states"][:, :1], inputs["states"].shape).copy()
    yours = yield {**inputs, "states": states}
    found = first_difference(yours, np.concatenate([states[:, 0], states[:, 0]], axis=1))
    return found and (
        "With the same state at every position, each hop should bring just that state; at "
        f"[{found[0]}] yours is {found[1]:.4g}, and the state has {found[2]:.4g} there."
    )


@known.probe
def equal_hops(rng):
    inputs = draw_hops(rng, **SIZES)
    inputs["W_s2"] = np.broadcast_to(inputs["W_s2"][:1], (2, 4)).copy()
    yours = yield inputs
    if not np.allclose(yours[:, :3], yours[:, 3:]):
        return (
            "With all rows of W_s2 equal, all hops should bring the same: with 2 hops and d_states = 3, columns 0 to 2 "
            "should equal columns 3 to 5; yours differ."
        )
    return None


@known.probe
def large_states_along_unused(rng):
    """A component that W_s1 does not read changes no weight, and what is gathered of it grows in proportion."""
    inputs = draw_hops(rng, **SIZES)
    inputs["W_s1"][:, 0] = 0
    once = yield inputs
    twice = yield {**inputs, "states": inputs["states"] * np.array([2.0, 1, 1])}
    if not np.allclose(twice, once * np.array([2.0, 1, 1, 2, 1, 1])):
        return (
            "When the first column of W_s1 is 0, the weights do not depend on the states' first component. Doubled, it "
            "should double the first component of what every hop brings and leave the rest; in yours it does not."
        )
    return None


@known.legal
def with_loops(states, lengths, W_s1, W_s2):
    embedding = np.zeros((len(states), len(W_s2) * states.shape[2]), dtype=states.dtype)
    for b, length in enumerate(lengths):
        letters, hops = states[b, :length], []
        for w in W_s2:
            scores = np.tanh(letters @ W_s1.T) @ w
            exponentials = np.exp(scores - scores.max(initial=-np.inf)) if length else scores
            hops.append(exponentials @ letters / (exponentials.sum() if length else 1))
        embedding[b] = np.concatenate(hops)
    return embedding


@known.legal
def with_einsum(states, lengths, W_s1, W_s2):
    batch, n, size = states.shape
    scores = np.einsum("ra,bna->brn", W_s2, np.tanh(np.einsum("au,bnu->bna", W_s1, states)))
    scores = np.where(np.arange(n) < lengths[:, None, None], scores, -np.inf)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True))
    return np.einsum("brn,bnu->bru", weights, states).reshape(batch, len(W_s2) * size).astype(states.dtype)


@known.legal
def hop_by_hop(states, lengths, W_s1, W_s2):
    """Each hop is additive attention of chapter 01 with the query 0 and a row of W_s2 for v."""
    import course_lib

    nothing = np.zeros((1, 1), dtype=states.dtype)
    W_q = np.zeros((1, len(W_s1)), dtype=states.dtype)
    mask = course_lib.padding_mask(lengths, states.shape[1])
    hops = []
    for v in W_s2:
        scores = course_lib.additive_scores(nothing, states, W_q, W_s1.T.copy(), v.copy())
        hops.append((course_lib.masked_softmax(scores, mask) @ states)[:, 0])
    return np.concatenate(hops, axis=-1)


@known.legal
def with_torch(states, lengths, W_s1, W_s2):
    import torch

    states, lengths, W_s1, W_s2 = map(torch.from_numpy, (states, lengths, W_s1, W_s2))
    linear = torch.nn.functional.linear
    scores = linear(linear(states, W_s1).tanh(), W_s2)
    behind = torch.arange(states.shape[1])[None, :, None] >= lengths[:, None, None]
    weights = scores.masked_fill(behind, -torch.inf).softmax(dim=1).nan_to_num(0)
    return (weights.mT @ states).flatten(1).numpy()


@known.borrowed
def by_the_module(states, lengths, W_s1, W_s2):
    import torch

    from course_lib.relatives.pooling import StructuredSelfAttention

    states, lengths, W_s1, W_s2 = map(torch.from_numpy, (states, lengths, W_s1, W_s2))
    module = StructuredSelfAttention(states.shape[-1], *W_s2.T.shape)
    module.W_s1.weight.data, module.W_s2.weight.data = W_s1, W_s2
    embedding, _weights = module(states, lengths)
    return embedding.flatten(1).detach()


TASK = Task(
    id="14.structured_embedding",
    title="One vector for a name",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=draw_hops,
    cases=(
        Case("the example of the text", {}, draw=of_the_text),
        Case("2 names of up to 5 letters, 3 hops", dict(batch=2, n=5, d_states=4, d_a=6, hops=3), points=2),
        Case("4 names, 2 hops, float32", dict(batch=4, n=7, d_states=3, d_a=5, hops=2), dtype="float32"),
        Case("one name is empty, one full", dict(batch=3, n=5, d_states=2, d_a=4, hops=6), points=2, draw=one_is_empty),
        Case("one letter, one hop", dict(batch=1, n=1, d_states=3, d_a=2, hops=1), draw=one_letter),
        Case("5 names, 4 hops", dict(batch=5, n=7, d_states=3, d_a=6, hops=4), points=2),
        Case(
            "sums of 100 and -100, float32",
            dict(batch=2, n=5, d_states=3, d_a=4, hops=6),
            dtype="float32",
            draw=large_sums,
        ),
        Case(
            "scores around 200 and -200, float32",
            dict(batch=3, n=6, d_states=5, d_a=4, hops=2),
            dtype="float32",
            draw=loud_for_float32,
        ),
    ),
    finished=("course_lib.relatives.pooling.StructuredSelfAttention.forward",),
    hints=(
        (
            "You have the weights, one row for each hop. What does a row of weights do with the states, and which "
            "shape is left?"
        ),
        (
            "A H is (batch, hops, n) times (batch, n, d_states). Which matrix product gives (batch, hops, d_states), "
            "and how does a name's part of it become one row?"
        ),
        (
            "First the weights, with the padding hidden; then `@` with the states; then reshape to (batch, hops * "
            "d_states), which lays the rows of hop 0, 1, ... side by side."
        ),
        (
            "`weights @ states` is (batch, hops, d_states) when the weights are (batch, hops, n). `reshape(batch, "
            "-1)` works out the rest."
        ),
    ),
    drawn=(informative(weights_of),),
    stages=(real, hidden, bent, scores, masked, weights, gathered, flat),
    coincidences={
        "first_row_for_every_hop + hops_averaged": "first_hop_alone",
        "large_number_for_infinity + heaviest_letter_alone": "heaviest_letter_even_of_an_empty_name",
    },
    **known.ways,
)
