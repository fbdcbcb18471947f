"""Pooling over padded names as stages, with the slips that people make in them (Lin et al. 2017, eq. 6 and 7).

A task takes the stages it needs, and gives the inputs the names that they ask for: states (batch, n, d_states), lengths
(batch,), W_s1 (d_a, d_states), W_s2 (hops, d_a).
"""

import numpy as np

from course_lib import masked_softmax
from grader.stages import Stage


def padded(rng, batch, n):
    """Return different lengths, 1 to n - 1, so that every name has padding; the first is not the longest of several."""
    lengths = rng.permutation(n - 1 - np.arange(batch) % (n - 1))
    return np.roll(lengths, 1) if lengths[0] == lengths.max() else lengths


def with_parameters(rng, lengths, n, d_states, d_a, hops):
    """Return the inputs of the hops; the padding is louder than what is real."""
    loud = np.where(np.arange(n) < lengths[:, None], 1.0, 3.0)
    return {
        "states": rng.normal(size=(len(lengths), n, d_states)) * loud[..., None],
        "lengths": lengths,
        "W_s1": rng.normal(size=(d_a, d_states)) / np.sqrt(d_states),
        "W_s2": 2 * rng.normal(size=(hops, d_a)) / np.sqrt(d_a),
    }


def draw_hops(rng, batch, n, d_states, d_a, hops):
    return with_parameters(rng, padded(rng, batch, n), n, d_states, d_a, hops)


def one_is_empty(rng, batch, n, d_states, d_a, hops):
    """One name is empty, one has no padding."""
    lengths = padded(rng, batch, n)
    first, second = rng.permutation(batch)[:2]
    lengths[first], lengths[second] = 0, n
    return with_parameters(rng, lengths, n, d_states, d_a, hops)


def one_letter(rng, batch, n, d_states, d_a, hops):
    return with_parameters(rng, np.ones(batch, dtype=int), n, d_states, d_a, hops)


def large_sums(rng, batch, n, d_states, d_a, hops):
    """Sums of 100 and -100 inside the tanh, whose exponentials overflow in float32, and scores like any others."""
    inputs = draw_hops(rng, batch, n, d_states, d_a, hops)
    W_s1 = np.zeros((d_a, d_states))
    W_s1[np.arange(d_a), np.arange(d_a) % d_states] = 100
    return inputs | {"states": rng.choice([-1.0, 1.0], size=inputs["states"].shape), "W_s1": W_s1}


def loud_for_float32(rng, batch, n, d_states, d_a, hops):
    """Scores around 200 and -200, those of the padding with the sign turned; every tanh is 1 or -1 even in float32,
    which adds the rest exactly."""
    inputs = draw_hops(rng, batch, n, d_states, d_a, hops)
    real = np.arange(n) < inputs["lengths"][:, None]
    signs = rng.choice([-1.0, 1.0], size=(batch, n, d_states))
    signs[..., 0] = np.where(real, -1, 1)
    W_s1 = np.zeros((d_a, d_states))
    W_s1[np.arange(d_a), np.arange(d_a) % d_states] = 20
    W_s2 = np.round(2 * rng.normal(size=(hops, d_a))) / 2 + 0.25
    W_s2[:, 0] = np.where(np.arange(hops) % 2, -200, 200)
    return inputs | {"states": signs, "W_s1": W_s1, "W_s2": W_s2}


def of_the_text(rng):
    return {
        "states": np.array([[[0.0, 4.0], [20.0, 8.0], [-20.0, 100.0]]]),
        "lengths": np.array([2]),
        "W_s1": np.array([[1.0, 0.0]]),
        "W_s2": np.array([[0.0], [np.log(3)]]),
    }


def weights_of(states, lengths, W_s1, W_s2):
    """Return A = softmax(W_s2 tanh(W_s1 H^T)), eq. 6: (batch, hops, n)."""
    scores = W_s2 @ np.tanh(W_s1 @ states.swapaxes(-2, -1))
    return masked_softmax(scores, (np.arange(states.shape[1]) < lengths[:, None])[:, None, :])


@Stage
def real(states, lengths):
    return np.arange(states.shape[1]) < lengths[:, None]  # (batch, n)


@real.slip
def padding_not_hidden(states):
    """The padding takes part like any other position: the lengths have no effect on what is read."""
    return np.ones(states.shape[:2], dtype=bool)


@real.slip
def padding_instead_of_letters(states, lengths):
    """Only the padding is read, and what is real is hidden: True and False are exchanged. Positions 0 to length - 1 are
    real."""
    return np.arange(states.shape[1]) >= lengths[:, None]


@real.slip
def one_position_too_many(states, lengths):
    """One position of the padding is read as well, the first one behind the end. Positions count from 0, so the last
    real one is length - 1."""
    return np.arange(states.shape[1]) <= lengths[:, None]


@real.slip
def one_position_too_few(states, lengths):
    """The last real position is hidden. Positions count from 0, and those below the length are real."""
    return np.arange(states.shape[1]) < lengths[:, None] - 1


@real.slip
def first_position_hidden(states, lengths):
    """The first position is hidden. It is position 0, and real unless the length is 0."""
    positions = np.arange(states.shape[1])
    return (positions < lengths[:, None]) & (positions > 0)


@real.slip
def moved_by_one(states, lengths):
    """Everything is read one position too late: the first is left out, and one of the padding taken in. Positions count
    from 0."""
    positions = np.arange(states.shape[1])
    return (positions <= lengths[:, None]) & (positions > 0)


@real.slip
def padding_in_front(states, lengths):
    """The padding is looked for in front: as many positions as are real are read at the end of each name. Here the
    padding stands at the end."""
    n = states.shape[1]
    return np.arange(n) >= n - lengths[:, None]


@real.slip
def length_of_the_first(states, lengths):
    """The length of the first name serves for all of them. Each has its own."""
    return np.arange(states.shape[1]) < np.full_like(lengths, lengths[0])[:, None]


@real.slip
def length_of_the_longest(states, lengths):
    """The longest length serves for all names, so that the shorter ones have their padding read, too. Each name has its
    own length."""
    return np.arange(states.shape[1]) < np.full_like(lengths, lengths.max())[:, None]


@real.rare
def one_position_too_many_of_letters(states, lengths):
    """One position of the padding is read as well, the first one behind the end, though not of an empty name. Positions
    count from 0, so the last real one is length - 1."""
    return (np.arange(states.shape[1]) <= lengths[:, None]) & (lengths > 0)[:, None]


@real.rare
def last_real_position_alone(states, lengths):
    """Of each name the last real position alone is read. All that are real take part."""
    return np.arange(states.shape[1]) == lengths[:, None] - 1


@Stage
def hidden(states, W_s1):
    return states @ W_s1.T  # (batch, n, d_a)


@hidden.slip
def W_s1_not_transposed(states, W_s1):
    """W_s1 stands behind the states as it is: (n, d_states) times (d_a, d_states) does not fit. With the states as rows
    it is transposed; with the states transposed, as in the formula, it comes first."""
    return states @ W_s1


@hidden.slip
def states_not_transposed(states, W_s1):
    """W_s1 comes first, as in the formula, but the states are not transposed: (d_a, d_states) times (n, d_states) does
    not fit. Swap the last two axes of the states."""
    return W_s1 @ states


@hidden.slip
def all_axes_of_the_states_reversed(states, W_s1):
    """`.T` reverses all the axes of the states, the batch too. Swap the last two alone: states.swapaxes(-2, -1)."""
    return W_s1 @ states.T


@hidden.slip
def transposed_for_tensors(states, W_s1):
    """NumPy's transpose wants the order of all axes, where PyTorch's takes two to swap. Two axes change places with
    swapaxes(-2, -1)."""
    return W_s1 @ states.transpose(-2, -1)


@hidden.slip
def states_reshaped(states, W_s1):
    """The states are reshaped where they should be transposed: reshape keeps the numbers in their order, so that each
    column mixes several letters. swapaxes(-2, -1) turns them."""
    batch, n, d_states = states.shape
    return (W_s1 @ states.reshape(batch, d_states, n)).swapaxes(-2, -1)


@hidden.rare
def sums_divided_by_the_root_of_d_states(states, W_s1):
    """The sums inside the tanh are divided by the square root of d_states. That belongs to scaled dot products;
    equation 6 has no such divisor."""
    return states @ W_s1.T / W_s1.dtype.type(np.sqrt(states.shape[-1]))


@Stage
def bent(hidden):
    return np.tanh(hidden)


@bent.slip
def without_tanh(hidden):
    """There is no tanh between the two matrices. Without it, W_s2 W_s1 is one matrix, and the scores are linear in the
    states."""
    return hidden


@bent.slip
def sigmoid_for_tanh(hidden):
    """The bend is a sigmoid, between 0 and 1. The formula has tanh, between -1 and 1."""
    return 1 / (1 + np.exp(-hidden))


@bent.slip
def relu_for_tanh(hidden):
    """The bend is a ReLU, which has no upper bound. The formula has tanh."""
    return np.maximum(hidden, 0)


@bent.slip
def tanh_that_overflows(hidden):
    """The tanh is made of exponentials that overflow for large sums and leave NaN. `np.tanh` is the same function in a
    form that holds."""
    up, down = np.exp(hidden), np.exp(-hidden)
    return (up - down) / (up + down)


@bent.rare
def tanh_twice(hidden):
    """The tanh is taken twice, one of the other. Once is what the formula has."""
    return np.tanh(np.tanh(hidden))


@bent.rare
def softmax_for_tanh(hidden):
    """The d_a hidden numbers go through a softmax, so that they sum to 1. The formula has a tanh, for each by
    itself."""
    exponentials = np.exp(hidden - hidden.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@Stage
def scores(bent, W_s2):
    return (bent @ W_s2.T).swapaxes(-2, -1)  # (batch, hops, n)


@scores.slip
def W_s2_not_transposed(bent, W_s2):
    """W_s2 stands behind as it is: (n, d_a) times (hops, d_a) does not fit. With positions as rows it is transposed;
    with d_a as rows, as in the formula, it comes first."""
    return bent @ W_s2


@scores.slip
def first_row_for_every_hop(bent, W_s2):
    """Every hop has the scores of the first one. Each has a row of W_s2 of its own."""
    return (bent @ np.broadcast_to(W_s2[:1], W_s2.shape).T).swapaxes(-2, -1)


@scores.slip
def divided_by_the_root_of_d_a(bent, W_s2):
    """The scores are divided by the square root of d_a. That belongs to scaled dot products; equation 6 has no such
    divisor."""
    return (bent @ W_s2.T).swapaxes(-2, -1) / W_s2.dtype.type(np.sqrt(W_s2.shape[-1]))


@scores.slip
def divided_by_the_root_of_d_states(bent, W_s2, states):
    """The scores are divided by the square root of the size of a state, d_states. That belongs to scaled dot products;
    equation 6 has no such divisor."""
    return (bent @ W_s2.T).swapaxes(-2, -1) / W_s2.dtype.type(np.sqrt(states.shape[-1]))


@scores.slip
def scores_reshaped(bent, W_s2):
    """Scores of shape (batch, n, hops) are reshaped to (batch, hops, n), where they should be transposed: reshape keeps
    the numbers in their order, and letters and hops get mixed. swapaxes(-2, -1) turns them."""
    return (bent @ W_s2.T).reshape(len(bent), len(W_s2), bent.shape[1])


@scores.rare
def W_s2_has_no_part(bent, W_s2):
    """The hidden numbers are added up as they are, the same for every hop. Each hop weighs them with a row of W_s2."""
    return np.repeat(bent.sum(axis=-1)[:, None, :], len(W_s2), axis=1)


@scores.rare
def tanh_of_the_scores_too(bent, W_s2):
    """The tanh is taken a second time, of the scores, which are then between -1 and 1. It stands once, between the two
    matrices."""
    return np.tanh((bent @ W_s2.T).swapaxes(-2, -1))


@scores.rare
def sum_of_the_hops(bent, W_s2):
    """Every hop has the sum of all rows of W_s2 for its scores. Each has a row of its own."""
    return (bent @ np.broadcast_to(W_s2.sum(axis=0), W_s2.shape).T).swapaxes(-2, -1)


@Stage
def masked(scores, real):
    return np.where(real[:, None, :], scores, scores.dtype.type(-np.inf))


@masked.slip
def no_axis_for_the_hops(scores, real):
    """The mask has shape (batch, n) and the scores (batch, hops, n): the batch is lined up with the hops. Give the mask
    an axis of size 1 for the hops: (batch, 1, n)."""
    return np.where(real, scores, scores.dtype.type(-np.inf))


@masked.slip
def mask_with_an_axis_behind(scores, real):
    """The mask has shape (batch, n, 1), so its positions are lined up with the hops. The axis of size 1 for the hops
    stands in the middle: (batch, 1, n)."""
    return np.where(real[:, :, None], scores, scores.dtype.type(-np.inf))


@masked.slip
def hidden_scores_zero(scores, real):
    """The padding has the score 0 before the softmax, its own or that of a state of zeros, and the exponential of 0 is
    1: it still takes weight. Minus infinity takes none."""
    return np.where(real[:, None, :], scores, scores.dtype.type(0))


@masked.slip
def large_number_for_infinity(scores, real):
    """In an empty name all positions share the weight alike, as they do where hidden scores are a large negative
    number, such as -1e9, and not minus infinity. All its weights should be 0."""
    return np.where(real[:, None, :], scores, scores.dtype.type(-1e9))


@masked.rare
def large_number_added(scores, real):
    """In an empty name the padding shares the weight by its scores, as it does where a large number, such as 1e9, is
    subtracted from them: all are lowered alike, which changes nothing. All its weights should be 0."""
    return np.where(real[:, None, :], scores, scores - scores.dtype.type(1e9))


def _softmax(scores, axis=-1):
    """The softmax along an axis; where everything is -inf the weights are 0."""
    largest = scores.max(axis=axis, keepdims=True)
    exponentials = np.exp(scores - np.where(np.isfinite(largest), largest, 0).astype(scores.dtype))
    sums = exponentials.sum(axis=axis, keepdims=True)
    return exponentials / np.where(sums == 0, 1, sums).astype(scores.dtype)


@Stage
def weights(masked):
    return _softmax(masked)  # (batch, hops, n)


@weights.slip
def softmax_over_the_hops(masked):
    """The softmax runs over the hops, so that the weights of each position sum to 1. Each hop shares out its attention
    over the positions: the axis of size n."""
    return _softmax(masked, axis=-2)


@weights.slip
def softmax_over_everything(masked):
    """One softmax runs over all the scores of a name, so that all its hops together sum to 1. Every hop shares out its
    own: along the n positions alone."""
    return _softmax(masked.reshape(len(masked), -1)).reshape(masked.shape)


@weights.slip
def exponentials_alone(masked):
    """The exponentials are not divided by their sum, so the weights of a hop do not sum to 1."""
    return np.exp(masked)


@weights.slip
def no_softmax(scores, real):
    """There is no softmax: the scores themselves serve as weights."""
    return np.where(real[:, None, :], scores, scores.dtype.type(0))


@weights.slip
def nan_for_an_empty_name(masked):
    """An empty name comes out as NaN: there is nothing to share out, and 0 is divided by 0. Its weights should be 0, as
    those of masked_softmax are."""
    exponentials = np.exp(masked - masked.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@weights.slip
def overflowing(masked):
    """The softmax overflows on large scores: their exponentials are inf, and the weights NaN. Subtract each hop's
    largest score first, or call masked_softmax."""
    exponentials = np.exp(masked)
    sums = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(sums == 0, 1, sums).astype(masked.dtype)


@weights.slip
def overflowing_before_the_mask(scores, real):
    """The exponentials of large scores are inf, those of the padding too, and inf times 0 is NaN. Hide the scores of
    the padding first and subtract each hop's largest, or call masked_softmax."""
    exponentials = np.exp(scores) * real[:, None, :]
    sums = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(sums == 0, 1, sums).astype(scores.dtype)


@weights.slip
def overflowing_and_empty(masked):
    """The softmax overflows on large scores, and divides 0 by 0 in an empty name and where all scores are very low: the
    weights are NaN. Call masked_softmax, or subtract each hop's largest score first and mind the empty name."""
    exponentials = np.exp(masked)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@weights.slip
def multiplied_after(scores, real):
    """The padding has its part in the softmax and is set to 0 only then: what the weights of a hop give to real
    positions no longer sums to 1. Hide the scores before."""
    return _softmax(scores) * real[:, None, :]


@weights.rare
def divided_again_after(scores, real):
    """The padding is set to 0 behind the exponentials, and the rest is divided by its sum. That is right until a score
    far above, such as one of the padding, leaves the others with exponentials of 0. Hide the scores before, and let
    each hop subtract its own largest."""
    kept = _softmax(scores) * real[:, None, :]
    sums = kept.sum(axis=-1, keepdims=True)
    return kept / np.where(sums == 0, 1, sums).astype(scores.dtype)


@weights.rare
def overflowing_turned_into_zero(masked):
    """The softmax overflows on large scores, and the NaN that comes of it is turned into 0, so that hops have no weight
    left. Subtract each hop's largest score first, or call masked_softmax."""
    exponentials = np.exp(masked)
    return np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True))


@weights.rare
def softmax_twice(masked, real):
    """The softmax is taken twice: the second one takes weights for scores."""
    return _softmax(np.where(real[:, None, :], _softmax(masked), masked.dtype.type(-np.inf)))


@weights.rare
def softmax_of_the_weights_padding_and_all(masked):
    """The softmax is taken twice, and the second one gives the padding a share again: the exponential of a weight of 0
    is 1."""
    return _softmax(_softmax(masked))


@weights.rare
def softmax_of_the_negative(masked):
    """The lowest score gets the largest weight: the softmax is that of the scores with the sign turned around."""
    return _softmax(np.where(masked == -np.inf, masked, -masked))


@weights.rare
def best_position_alone(masked):
    """Each hop puts all its weight on the position with the highest score. Softmax gives every real one its share."""
    largest = masked.max(axis=-1, keepdims=True)
    return ((masked == largest) & np.isfinite(masked)).astype(masked.dtype)


@weights.rare
def sigmoid_for_softmax(masked):
    """Each score goes through a sigmoid of its own, so the weights of a hop do not sum to 1."""
    return 1 / (1 + np.exp(-masked))


@weights.rare
def powers_of_two(masked):
    """The weights are made of powers of 2. Softmax takes powers of e, as np.exp does."""
    return _softmax(masked * masked.dtype.type(np.log(2)))


@weights.rare
def logarithms_of_the_weights(masked):
    """These are the logarithms of the weights, as log_softmax gives them."""
    return np.log(_softmax(masked))
