"""14.hop_weights: A = softmax(W_s2 tanh(W_s1 H^T)), the weights of the hops over a padded batch (Lin et al. 2017, eq.
6)."""

import numpy as np

from grader.known import Known
from grader.task import Case, Task
from tasks import pooling_stages
from tasks.pooling_stages import draw_hops, large_sums, loud_for_float32, of_the_text, one_is_empty, one_letter
from tasks.pooling_stages import weights_of as reference
from tasks.probes import first_difference, weights_seen
from tasks.rules import informative

known = Known()

real = pooling_stages.real
hidden = pooling_stages.hidden
bent = pooling_stages.bent
scores = pooling_stages.scores
masked = pooling_stages.masked
weights = pooling_stages.weights


def _real(states, lengths):
    return (np.arange(states.shape[1]) < lengths[:, None])[:, None, :]


def _scores(states, W_s1, W_s2):
    return W_s2 @ np.tanh(W_s1 @ states.swapaxes(-2, -1))


def _softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def tanh_after_both_matrices(states, lengths, W_s1, W_s2):
    """The tanh is taken of the scores, behind both matrices. It stands between them: first W_s1, then tanh, then
    W_s2."""
    return pooling_stages.weights(
        np.where(_real(states, lengths), np.tanh(W_s2 @ W_s1 @ states.swapaxes(-2, -1)), states.dtype.type(-np.inf))
    )


@known.mistake
def tanh_of_the_states(states, lengths, W_s1, W_s2):
    """The tanh is taken of the states, before W_s1, and none behind it. It stands between the two matrices: first W_s1,
    then tanh, then W_s2."""
    scores = W_s2 @ W_s1 @ np.tanh(states).swapaxes(-2, -1)
    weights = pooling_stages.weights(np.where(_real(states, lengths), scores, states.dtype.type(-np.inf)))
    return weights


@known.mistake
def uniform(states, lengths, W_s1, W_s2):
    """All real positions have the same weight, which is the mean. The scores should tell them apart."""
    return pooling_stages.weights(
        np.where(_real(states, lengths), 0 * _scores(states, W_s1, W_s2), states.dtype.type(-np.inf))
    )


@known.mistake
def weights_of_the_batch_together(states, lengths, W_s1, W_s2):
    """The softmax runs over the names of the batch, the first axis. Each name shares out its own attention, along its
    positions."""
    return np.nan_to_num(
        np.exp(_scores(states, W_s1, W_s2))
        * _real(states, lengths)
        / (np.exp(_scores(states, W_s1, W_s2)) * _real(states, lengths)).sum(axis=0)
    )


@known.mistake
def average_of_the_hops(states, lengths, W_s1, W_s2):
    """The hops are averaged to one row of weights, (batch, n). Return the weights of each: (batch, hops, n)."""
    return reference(states, lengths, W_s1, W_s2).mean(axis=1)


@known.mistake
def first_hop_alone(states, lengths, W_s1, W_s2):
    """These are the weights of the first hop alone, (batch, n). Return those of all hops: (batch, hops, n)."""
    return reference(states, lengths, W_s1, W_s2)[:, 0]


@known.mistake
def scores_alone(states, lengths, W_s1, W_s2):
    """These are the scores, those of the padding too. The weights are one step further: the softmax of what is real,
    and 0 for the padding."""
    return _scores(states, W_s1, W_s2)


@known.mistake
def scores_with_the_padding_hidden(states, lengths, W_s1, W_s2):
    """These are the scores, minus infinity for the padding. The weights are one step further: their softmax."""
    return np.where(_real(states, lengths), _scores(states, W_s1, W_s2), states.dtype.type(-np.inf))


@known.mistake
def gathered_already(states, lengths, W_s1, W_s2):
    """These are the states that the hops gather, A H, (batch, hops, d_states). Return the weights A alone."""
    return reference(states, lengths, W_s1, W_s2) @ states


@known.mistake
def dim_for_axis(states, lengths, W_s1, W_s2):
    """The axis of course_lib.softmax is called axis, as in NumPy; dim is PyTorch's word. The last one is taken
    anyway."""
    import course_lib

    scores = _scores(states, W_s1, W_s2)
    return course_lib.softmax(scores, dim=-1)


@known.mistake
def mask_left_out(states, lengths, W_s1, W_s2):
    """`masked_softmax` takes two things: the scores, and a mask that is True where a position is real."""
    import course_lib

    scores = _scores(states, W_s1, W_s2)
    return course_lib.masked_softmax(scores)


@known.mistake
def lengths_for_a_mask(states, lengths, W_s1, W_s2):
    """`masked_softmax` wants a boolean mask, True where a position is real, and got the lengths. Compare positions with
    lengths: the mask has shape (batch, 1, n)."""
    import course_lib

    scores = _scores(states, W_s1, W_s2)
    return course_lib.masked_softmax(scores, lengths)


@known.mistake
def mask_without_an_axis(states, lengths, W_s1, W_s2):
    """The mask has shape (batch, n) and the scores (batch, hops, n), so the batch is lined up with the hops. Give the
    mask an axis of size 1 for the hops: (batch, 1, n)."""
    import course_lib

    mask = np.arange(states.shape[1]) < lengths[:, None]
    scores = _scores(states, W_s1, W_s2)
    return course_lib.masked_softmax(scores, mask)


@known.mistake
def lengths_without_an_axis(states, lengths, W_s1, W_s2):
    """Positions (n,) are compared with lengths (batch,), so the batch is lined up with the positions. Give the lengths
    axes of size 1: lengths[:, None, None]."""
    real = np.arange(states.shape[1]) < lengths
    return np.where(real, _scores(states, W_s1, W_s2), -np.inf)


@known.mistake
def masked_fill_of_an_array(states, lengths, W_s1, W_s2):
    """`masked_fill` is PyTorch's. np.where(mask, scores, -np.inf) takes the scores where the mask is True."""
    scores = _scores(states, W_s1, W_s2)
    return scores.masked_fill(~_real(states, lengths), -np.inf)


@known.always
def nothing_for_the_padding(inputs, output):
    """Padding should have the weight 0 in every hop."""
    behind = np.arange(inputs["states"].shape[1]) >= inputs["lengths"][:, None]
    return bool((output.swapaxes(-2, -1)[behind] == 0).all())


@known.probe
def sums_of_the_hops(rng):
    inputs = draw_hops(rng, batch=2, n=5, d_states=3, d_a=4, hops=6)
    yours = yield inputs
    seen = weights_seen(yours, _real(**{name: inputs[name] for name in ("states", "lengths")}))
    return seen and f"Your result should hold the weights of each hop: {seen}."


@known.probe
def other_padding(rng):
    inputs = draw_hops(rng, batch=2, n=5, d_states=3, d_a=4, hops=6)
    before = yield inputs
    behind = np.arange(5) >= inputs["lengths"][:, None]
    after = yield {**inputs, "states": np.where(behind[..., None], 1, inputs["states"])}
    if not np.allclose(before, after):
        return "When the states of the padding are replaced by others, your result changes. Padding should not matter."
    return None


@known.probe
def equal_states(rng):
    inputs = draw_hops(rng, batch=2, n=5, d_states=3, d_a=4, hops=6)
    states = np.broadcast_to(inputs["states"][:, :1], inputs["states"].shape).copy()
    yours = yield {**inputs, "states": states, "lengths": np.array([2, 4])}
    for row, length in enumerate((2, 4)):
        if not np.allclose(yours[row, :, :length], 1 / length):
            return (
                f"With the same state everywhere, a name of length {length} should give each real position the weight "
                f"{1 / length:g}; at [{row}, 0, 0] yours is {yours[row, 0, 0]:.4g}."
            )
    return None


@known.probe
def large_states(rng):
    """With a tanh, states a million times as long change as good as nothing more."""
    inputs = draw_hops(rng, batch=2, n=5, d_states=3, d_a=4, hops=6)
    once = yield {**inputs, "states": 1e6 * inputs["states"]}
    twice = yield {**inputs, "states": 2e6 * inputs["states"]}
    if not np.allclose(once, twice):
        return (
            "With states a million times as long every tanh is 1 or -1, so doubling them once more should change "
            "nothing; your result changes."
        )
    return None


@known.probe
def signs_turned(rng):
    inputs = draw_hops(rng, batch=2, n=5, d_states=3, d_a=4, hops=6)
    yours = yield inputs
    turned = yield {**inputs, "W_s1": -inputs["W_s1"], "W_s2": -inputs["W_s2"]}
    found = first_difference(turned, yours)
    return found and (
        "With the signs of W_s1 and of W_s2 turned, the result should stay as it was, as tanh(-x) = -tanh(x); "
        f"at [{found[0]}] yours changes from {found[2]:.4g} to {found[1]:.4g}."
    )


@known.legal
def with_loops(states, lengths, W_s1, W_s2):
    weights = np.zeros((len(states), len(W_s2), states.shape[1]), dtype=states.dtype)
    for b, length in enumerate(lengths):
        for hop, w in enumerate(W_s2):
            scores = np.array([w @ np.tanh(W_s1 @ state) for state in states[b, :length]])
            if length:
                exponentials = np.exp(scores - scores.max())
                weights[b, hop, :length] = exponentials / exponentials.sum()
    return weights


@known.legal
def with_einsum(states, lengths, W_s1, W_s2):
    scores = np.einsum("ra,bna->brn", W_s2, np.tanh(np.einsum("au,bnu->bna", W_s1, states)))
    scores = np.where(np.arange(states.shape[1]) < lengths[:, None, None], scores, -np.inf)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True)).astype(states.dtype)


@known.legal
def by_additive_scores(states, lengths, W_s1, W_s2):
    """Each hop is additive attention of chapter 01 with the query 0 and a row of W_s2 for v."""
    import course_lib

    nothing = np.zeros((1, 1), dtype=states.dtype)
    W_q = np.zeros((1, len(W_s1)), dtype=states.dtype)
    hops = [course_lib.additive_scores(nothing, states, W_q, W_s1.T.copy(), v.copy()) for v in W_s2]
    mask = course_lib.padding_mask(lengths, states.shape[1])
    return course_lib.masked_softmax(np.concatenate(hops, axis=1), mask)


@known.legal
def with_torch(states, lengths, W_s1, W_s2):
    import torch

    states, lengths, W_s1, W_s2 = map(torch.from_numpy, (states, lengths, W_s1, W_s2))
    linear = torch.nn.functional.linear
    scores = linear(linear(states, W_s1).tanh(), W_s2)
    behind = torch.arange(states.shape[1])[None, :, None] >= lengths[:, None, None]
    return scores.masked_fill(behind, -torch.inf).softmax(dim=1).nan_to_num(0).mT.numpy()


@known.borrowed
def by_course_lib(states, lengths, W_s1, W_s2):
    import course_lib
    from course_lib.relatives import pooling

    return pooling.hop_weights(states, W_s1, W_s2, course_lib.padding_mask(lengths, states.shape[1]))


TASK = Task(
    id="14.hop_weights",
    title="The weights of the hops",
    difficulty=2,
    minutes=15,
    reference=reference,
    draw=draw_hops,
    cases=(
        Case("the example of the text", {}, draw=of_the_text),
        Case("2 names of up to 5 positions, 3 hops", dict(batch=2, n=5, d_states=4, d_a=6, hops=3), points=2),
        Case("4 names, 2 hops, float32", dict(batch=4, n=7, d_states=3, d_a=5, hops=2), dtype="float32"),
        Case("one name is empty, one full", dict(batch=3, n=5, d_states=2, d_a=4, hops=6), points=2, draw=one_is_empty),
        Case("one letter, one hop", dict(batch=1, n=1, d_states=1, d_a=2, hops=1), draw=one_letter),
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
    finished=("course_lib.relatives.pooling.hop_weights",),
    hints=(
        "How many weights does one hop give to one name, and along which axis do they sum to 1?",
        (
            "Go through the formula from the inside and write down the shapes: `states @ W_s1.T` is (batch, n, d_a). "
            "What has to happen to (batch, n, hops), so that the positions come last?"
        ),
        (
            "Scores of shape (batch, hops, n) and a mask of shape (batch, 1, n), True where a position is smaller than "
            "the length: that is what `masked_softmax` takes."
        ),
        (
            "`np.tanh(states @ W_s1.T) @ W_s2.T` has the positions before the hops: `.swapaxes(-2, -1)` turns them. "
            "The mask is `np.arange(n) < lengths[:, None, None]`."
        ),
    ),
    drawn=(informative(reference),),
    stages=(real, hidden, bent, scores, masked, weights),
    coincidences={"padding_not_hidden + no_softmax": "scores_alone"},
    **known.ways,
)
