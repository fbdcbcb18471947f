"""04.masked_attention: scaled dot-product attention under any mask (Vaswani et al. 2017, eq. 1 and section 3.2.3)."""

import math

import numpy as np
import torch

import course_lib
from course_lib import scaled_dot_product_attention as reference
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import attention_stages, first_attention_stages
from tasks.probes import apart, first_difference, weights_seen
from tasks.rules import informative

known = Known()


def left_padded(rng, batch, length, d_k, d_v):
    """Nobody sees the future, nor the padding in front: at least one position and at most half of them, another number
    for each sequence. The first queries see nothing."""
    first = rng.permutation(1 + np.arange(batch) % (length // 2))
    real = np.arange(length) >= first[:, None]
    return _inputs(rng, (batch,), length, length, d_k, d_v, real[:, None, :] & np.tri(length, dtype=bool))


def of_another_text(rng, batch, q_len, k_len, d_k, d_v):
    """The queries look into another text, padded at the end: one row of mask for all of them, (batch, 1, k_len)."""
    lengths = rng.permutation(k_len - 1 - np.arange(batch))
    return _inputs(rng, (batch,), q_len, k_len, d_k, d_v, np.arange(k_len) < lengths[:, None, None])


def one_mask_for_all(rng, batch, num_heads, length, d_k, d_v):
    return _inputs(rng, (batch, num_heads), length, length, d_k, d_v, np.tri(length, dtype=bool))


def with_a_gap(rng, batch, length, d_k, d_v):
    """One position inside each sequence is not real, as after a word was deleted; one sequence is empty throughout."""
    real = np.arange(length) != rng.integers(1, length - 1, size=batch)[:, None]
    real[rng.integers(batch)] = False
    return _inputs(rng, (batch,), length, length, d_k, d_v, real[:, None, :] & np.tri(length, dtype=bool))


def without_a_mask(rng, q_len, k_len, d_k, d_v):
    return _inputs(rng, (), q_len, k_len, d_k, d_v, None)


def _inputs(rng, leading, q_len, k_len, d_k, d_v, mask):
    query, key = 1.5 * rng.normal(size=(*leading, q_len, d_k)), rng.normal(size=(*leading, k_len, d_k))
    return {"query": query, "key": key, "value": rng.normal(size=(*leading, k_len, d_v)), "mask": mask}


def of_the_text(rng, length, d_k):
    mask = np.array([[False, False, False], [False, True, False], [False, True, True]])
    value = np.array([[10.0], [20.0], [40.0]])
    return {"query": np.zeros((length, d_k)), "key": rng.normal(size=(length, d_k)), "value": value, "mask": mask}


def one_word(rng, batch, length, d_k, d_v):
    return _inputs(rng, (batch,), length, length, d_k, d_v, np.ones((batch, 1, length), dtype=bool))


def loud_for_float32(rng, batch, length, d_k, d_v):
    """Queries whose scores lie around 100, -120, 1,000 and 0, those of the padding five times as far out; halves and
    quarters, which float32 adds exactly."""
    inputs = left_padded(rng, batch, length, d_k, d_v)
    inputs = {**inputs, "query": np.round(2 * inputs["query"]) / 2, "key": np.round(4 * inputs["key"]) / 4}
    loud = np.stack([rng.permutation([100.0, -120.0, 1000.0, 0.0]) for _ in range(batch)])
    inputs["query"][..., 0] = loud
    inputs["key"][..., 0] = np.where(inputs["mask"][:, -1], 1, 5) * math.sqrt(d_k)
    return inputs


def weights(query, key, value, mask, *asks):
    return course_lib.attention_weights(query, key, mask)


def _scores(query, key):
    return query @ key.mT / math.sqrt(query.shape[-1])


def _mask(query, key, mask):
    return torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool) if mask is None else mask


product = first_attention_stages.product.but(
    "all_axes_reversed",
    "keys_not_transposed",
    "keys_with_themselves",
    "keys_reshaped",
    "entries_of_queries_and_swapped_keys",
    "distances",
    "negative_distances",
    "cosines",
)
scaled = first_attention_stages.scaled.but(
    "root_of_query_count",
    "divided_by_the_square",
    "fourth_root",
    "multiplied_by_d_k",
    "divided_by_two",
    "root_of_two",
    "half_of_d_k",
)
masked = attention_stages.masked.but("small_number_for_infinity", "mask_inverted", mask="allowed")
weights_of_scores = attention_stages.masked_weights.but(
    "logarithms_of_the_weights",
    "sigmoid_for_softmax",
    "softmax_of_the_negative",
    "the_best_key_alone",
    "shares_of_the_scores",
    mask="allowed",
)
output = first_attention_stages.output.but(
    "queries_for_values", "output_divided_by_the_keys", "sum_of_the_values", "softmax_of_the_output", "queries_added"
)


@Stage
def allowed(mask, query, key):
    return _mask(query, key, mask)


@scaled.rare
def root_of_axis_1(product, query):
    """The scores are divided by the root of the size of axis 1, which is d_k only where nothing stands before the
    queries. d_k is the last axis, whatever stands before it: query.shape[-1]."""
    return product / math.sqrt(query.shape[1])


@allowed.slip
def mask_inverted(mask, query, key):
    """The mask is used the wrong way round: True means that a query may attend to a key, and masked_fill fills where
    it is told True."""
    return _mask(query, key, None) if mask is None else ~mask


@allowed.slip
def mask_transposed(mask, query, key):
    """The mask is transposed: its rows are taken for keys. Its rows are queries and its columns keys, as in the
    scores."""
    return _mask(query, key, mask).mT


@allowed.slip
def first_row_of_the_mask(mask, query, key):
    """The first row of the mask serves for all queries. A mask may have a row for each of them, and each counts for its
    own query."""
    return _mask(query, key, mask)[..., :1, :]


@allowed.slip
def mask_of_the_first_sentence(mask, query, key):
    """The mask of the first sentence serves for all of them. Each has its own."""
    mask = _mask(query, key, mask)
    return mask[:1] if mask.ndim > 2 else mask


@allowed.slip
def an_axis_for_the_heads(mask, query, key):
    """The mask gets one more axis of size 1, as for several heads. It comes as it fits the scores already, and
    broadcasts by itself."""
    return _mask(query, key, None) if mask is None else mask.unsqueeze(1)


@allowed.slip
def a_square_without_a_mask(mask, query, key):
    """Without a mask, one is made that is a square of the queries. There may be more keys than queries, or fewer: it is
    (q_len, k_len)."""
    return _mask(query, query, mask)


@allowed.slip
def future_hidden_too(mask, query, key):
    """The future is hidden, whatever the mask says. The mask alone says who may attend to whom; whoever wants it causal
    hands over a causal one."""
    return _mask(query, key, mask) & torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()


@allowed.slip
def causal_without_a_mask(mask, query, key):
    """Without a mask, the future is hidden. If mask is None, every query may attend to every key."""
    return torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril() if mask is None else mask


@allowed.slip
def nothing_without_a_mask(mask, query, key):
    """Without a mask, the output is 0, as if nothing were allowed. If mask is None, every query may attend to every
    key."""
    return torch.zeros(query.shape[-2], key.shape[-2], dtype=torch.bool) if mask is None else mask


@allowed.slip
def itself_always(mask, query, key):
    """Every query attends to the key at its own position, even where the mask forbids it. The mask alone decides, and a
    query that may attend to nothing has output 0."""
    return _mask(query, key, mask) | torch.eye(query.shape[-2], key.shape[-2], dtype=torch.bool)


@allowed.rare
def itself_where_nothing_is_allowed(mask, query, key):
    """A query that may attend to nothing attends to the key at its own position. Its output should be 0."""
    mask = _mask(query, key, mask)
    itself = torch.eye(query.shape[-2], key.shape[-2], dtype=torch.bool)
    return mask | itself & ~mask.any(dim=-1, keepdim=True)


@allowed.slip
def first_key_always(mask, query, key):
    """Every query attends to the first key, even where the mask forbids it. A query that may attend to nothing has
    output 0."""
    return _mask(query, key, mask) | (torch.arange(key.shape[-2]) == 0)


@product.slip
def keys_turned_altogether(query, key):
    """`.T` turns all the axes of the keys around, that of the batch too. Swap the last two alone: .mT."""
    return query @ key.T


@product.slip
def keys_as_they_are(query, key):
    """The keys are not transposed: (q_len, d_k) times (k_len, d_k) fits only where q_len is d_k, or not at all. Swap
    the last two axes of key first."""
    return query @ key


@product.slip
def keys_dealt_out_anew(query, key):
    """The keys are brought to (..., d_k, k_len) by a reshape or a view, which deals the numbers out anew, row by row.
    Swap the last two axes: .mT."""
    return query @ key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])


@product.slip
def axes_1_and_2_of_the_keys_swapped(query, key):
    """Of the keys, axes 1 and 2 are swapped, which fits exactly one leading axis. There may be none, or two: count from
    the end, as .mT does."""
    return query @ key.transpose(1, 2)


@product.slip
def two_axes_alone_transposed(query, key):
    """t() transposes a tensor of two axes, and here there may be more. .mT swaps the last two, whatever stands
    before."""
    return query @ key.t()


@scaled.slip
def root_of_a_plain_number(product, query):
    """PyTorch's sqrt takes a tensor, and a size is a plain number: math.sqrt, or ** 0.5."""
    return product / torch.sqrt(query.shape[-1])


@masked.slip
def mask_added(scaled, allowed):
    """The mask is added to the scores as ones and zeros, which raises the allowed ones by 1 and forbids nothing. Where
    the mask is False, the score itself has to become minus infinity."""
    return scaled + allowed


@masked.slip
def scores_times_mask(scaled, allowed):
    """Every number is NaN where something is hidden: 0 times infinity is NaN. masked_fill and torch.where choose, where
    a product such as (~mask) * -math.inf multiplies."""
    return scaled + ~allowed * -math.inf


@weights_of_scores.slip
def softmax_over_dim_1(scores):
    """The softmax runs over dim=1, which is the axis of the keys only where nothing stands in front. With a batch it is
    that of the queries: count from the end, dim=-1."""
    hidden = scores == -math.inf
    return torch.softmax(scores, dim=1).masked_fill(hidden, 0.0)


@weights_of_scores.rare
def softmax_over_dim_0(scores):
    """The softmax runs over dim=0, the first axis: the sentences of a batch, or the queries where there is none. The
    keys are the last axis, dim=-1."""
    hidden = scores == -math.inf
    return torch.softmax(scores, dim=0).masked_fill(hidden, 0.0)


@weights_of_scores.slip
def powers_of_two(scores):
    """The weights are made of powers of 2. Softmax takes powers of e, as torch.exp does."""
    return attention_stages.weights(scores * math.log(2))


@weights_of_scores.slip
def maximum_of_all_keys(scaled, allowed):
    """The largest score of each row is subtracted, hidden ones included. Where a hidden score is far above the others,
    the exponentials of all visible keys become 0. Subtract the largest visible one, or call masked_softmax."""
    exponentials = torch.exp(scaled - scaled.amax(dim=-1, keepdim=True)) * allowed
    sums = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / torch.where(sums == 0, 1, sums)


@weights_of_scores.slip
def overflowing(scores):
    """The softmax overflows on large scores: their exponentials are inf, and the weights NaN. Subtract each row's
    largest score first, or call masked_softmax."""
    exponentials = torch.exp(scores)
    sums = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / torch.where(sums == 0, 1, sums)


@weights_of_scores.slip
def overflowing_and_nan(scores):
    """The exponentials are taken of the scores as they are, and divided by their sum. Those of large scores are inf,
    and those of a row with nothing allowed are all 0: both give NaN. Subtract each row's largest score first, and give
    the row with nothing allowed zeros, or call masked_softmax."""
    exponentials = torch.exp(scores)
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@weights_of_scores.rare
def one_maximum_for_all_rows(scores):
    """The largest score of all is subtracted from every row, and a row far below it is left with exponentials of 0
    alone. Subtract from each row its own largest score, or call masked_softmax."""
    exponentials = torch.exp(scores - scores.max())
    sums = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / torch.where(sums == 0, 1, sums)


@weights_of_scores.rare
def one_maximum_of_all_keys_for_all_rows(scaled, allowed):
    """The largest score of all, hidden ones included, is subtracted from every row, and a row far below it is left with
    exponentials of 0 alone. Subtract from each row its own largest visible score, or call masked_softmax."""
    exponentials = torch.exp(scaled - scaled.max()) * allowed
    sums = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / torch.where(sums == 0, 1, sums)


@known.mistake
def nan_comes_back_to_queries_and_keys(query, key, value, mask):
    """The output is right, but the gradients of queries and keys are NaN: what is NaN in a row with nothing allowed and
    overwritten at the end comes back, as 0 times NaN is NaN. It ends where minus infinity is filled in for the scores
    (torch.where, masked_fill); where it is added, or 0 divided by 0, it does not."""
    mask = _mask(query, key, mask)
    blocked = torch.zeros(mask.shape, dtype=query.dtype).masked_fill(~mask, -math.inf)
    return torch.softmax(_scores(query, key) + blocked, dim=-1).nan_to_num(0.0) @ value


@known.mistake
def nan_comes_back_to_values(query, key, value, mask):
    """The output is right, but the gradients of the values are NaN: in a row with nothing allowed the weights are NaN,
    and that is overwritten in the output alone. Give those weights 0 before they meet the values."""
    scores = torch.where(_mask(query, key, mask), _scores(query, key), -math.inf)
    return (torch.softmax(scores, dim=-1) @ value).nan_to_num(0.0)


@known.mistake
def plain_formula(query, key, value, mask):
    """The exponentials are multiplied by the mask and divided by their sum. Those of large scores are inf, and in a row
    with nothing allowed the sum is 0: both give NaN, in the gradients too. Call masked_softmax, or fill in minus
    infinity, subtract each row's largest score, and give the row with nothing allowed zeros."""
    exponentials = torch.exp(_scores(query, key)) * _mask(query, key, mask)
    return exponentials / exponentials.sum(dim=-1, keepdim=True) @ value


@known.mistake
def minus_infinity_added(query, key, value, mask):
    """A row with nothing allowed comes out as NaN, and so do the gradients: there minus infinity is added to all
    scores. Its output should be 0; and where minus infinity is filled in (torch.where, masked_fill), no NaN comes back
    to the queries and keys."""
    blocked = torch.where(_mask(query, key, mask), 0.0, -math.inf).to(query.dtype)
    return torch.softmax(_scores(query, key) + blocked, dim=-1) @ value


@known.mistake
def zero_rows_alone(query, key, value, mask):
    """A query that may attend to nothing has output 0, and all others attend to every key, hidden ones too. The mask
    hides keys from every query: their scores have to become minus infinity."""
    output = torch.softmax(_scores(query, key), dim=-1) @ value
    return output * _mask(query, key, mask).any(dim=-1, keepdim=True)


@known.mistake
def ones_without_a_mask(query, key, value, mask):
    """~ turns booleans around, and torch.ones and torch.ones_like make floating-point numbers: give them
    dtype=torch.bool."""
    scores = _scores(query, key)
    mask = torch.ones_like(scores) if mask is None else mask
    return torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1).masked_fill(~mask, 0.0) @ value


@known.mistake
def none_turned_around(query, key, value, mask):
    """The mask may be None, and None cannot be turned around by ~. If mask is None, every query may attend to every
    key."""
    return torch.softmax(_scores(query, key).masked_fill(~mask, -math.inf), dim=-1).masked_fill(~mask, 0.0) @ value


@known.mistake
def where_of_none(query, key, value, mask):
    """The mask may be None, and torch.where needs a tensor of True and False. If mask is None, every query may attend
    to every key."""
    return torch.nan_to_num(torch.softmax(torch.where(mask, _scores(query, key), -math.inf), dim=-1)) @ value


@known.mistake
def any_of_none(query, key, value, mask):
    """The mask may be None, and None has no `any`. If mask is None, every query may attend to every key."""
    some = mask.any(dim=-1, keepdim=True)
    return torch.softmax(_scores(query, key).masked_fill(~mask & some, -math.inf), dim=-1) * some @ value


@known.mistake
def none_handed_to_masked_softmax(query, key, value, mask):
    """The mask may be None, and masked_softmax of course_lib needs one. If mask is None, every query may attend to
    every key: a plain softmax."""
    return course_lib.masked_softmax(_scores(query, key), mask) @ value


@known.mistake
def if_of_a_mask(query, key, value, mask):
    """`if mask:` asks a whole tensor for one True or False. Whether there is a mask at all is asked by
    `mask is None`."""
    if mask:
        return course_lib.masked_softmax(_scores(query, key), mask) @ value
    return torch.softmax(_scores(query, key), dim=-1) @ value


@known.mistake
def negated_by_python(query, key, value, mask):
    """`not` asks a whole tensor for one True or False. ~mask turns each of its values around; whether there is a mask
    at all is asked by `mask is None`."""
    return torch.softmax(_scores(query, key).masked_fill(not mask, -math.inf), dim=-1) @ value


@known.mistake
def two_axes_expected(query, key, value, mask):
    """Two axes are expected, and there may be batch and heads before them. query.shape[-1] is d_k, whatever stands
    before it."""
    _length, d_k = query.shape
    return course_lib.masked_softmax(query @ key.T / math.sqrt(d_k), _mask(query, key, mask)) @ value


@known.mistake
def three_axes_expected(query, key, value, mask):
    """The shape is taken apart into three sizes, as if there were always one leading axis. There may be none, or two:
    query.shape[-1] is d_k, whatever stands before it."""
    _batch, _length, d_k = query.shape
    return course_lib.masked_softmax(query @ key.mT / math.sqrt(d_k), _mask(query, key, mask)) @ value


@known.mistake
def batches_alone(query, key, value, mask):
    """torch.bmm takes exactly one leading axis, where there may be none, or two. @ takes leading axes as they come."""
    scores = torch.bmm(query, key.mT) / math.sqrt(query.shape[-1])
    return torch.bmm(course_lib.masked_softmax(scores, _mask(query, key, mask)), value)


@known.mistake
def batches_alone_and_axes_from_the_front(query, key, value, mask):
    """Axes 1 and 2 of the keys are swapped, and torch.bmm takes exactly one leading axis. There may be none, or two:
    .mT counts from the end, and @ takes leading axes as they come."""
    scores = torch.bmm(query, key.transpose(1, 2)) / math.sqrt(query.shape[-1])
    return torch.bmm(course_lib.masked_softmax(scores, _mask(query, key, mask)), value)


@known.mistake
def scaled_after_the_softmax(query, key, value, mask):
    """The scores are divided by the square root of d_k after the softmax: it shrinks weights and output instead of the
    scores."""
    allowed = _mask(query, key, mask)
    return course_lib.masked_softmax(query @ key.mT, allowed) @ value / math.sqrt(query.shape[-1])


@known.mistake
def hidden_scores_zero_but_for_empty_rows(query, key, value, mask):
    """Hidden scores are multiplied by 0, and the exponential of 0 is 1: those keys still take weight. Only in a row
    with nothing allowed the output is 0. Hidden scores have to become minus infinity."""
    allowed = _mask(query, key, mask)
    weights = torch.softmax(_scores(query, key) * allowed, dim=-1)
    return weights * allowed.any(dim=-1, keepdim=True) @ value


@known.mistake
def scores_and_weights_times_mask(query, key, value, mask):
    """Hidden scores are 0 before the softmax, so those keys take their part in the sum, and their weights are set to 0
    after it: rows no longer sum to 1. Before the softmax, they have to be minus infinity."""
    allowed = _mask(query, key, mask)
    return torch.softmax(_scores(query, key) * allowed, dim=-1) * allowed @ value


@known.mistake
def rows_with_anything_hidden_zero(query, key, value, mask):
    """Every query with a hidden key has output 0, whatever else it may attend to. Only a query that may attend to
    nothing should: mask.any(dim=-1) says where something is allowed, mask.all(dim=-1) where everything is."""
    allowed = _mask(query, key, mask)
    weights = course_lib.masked_softmax(_scores(query, key), allowed)
    return torch.where(allowed.all(dim=-1, keepdim=True), weights, 0) @ value


@known.mistake
def minus_infinity_after(query, key, value, mask):
    """The softmax runs over all keys, and hidden weights become minus infinity after it. It is their scores that should
    be minus infinity, before the softmax; then their weights are 0."""
    allowed = _mask(query, key, mask)
    return torch.softmax(_scores(query, key), dim=-1).masked_fill(~allowed, -math.inf) @ value


@known.probe
def identity_values(rng):
    inputs = left_padded(rng, batch=2, length=5, d_k=3, d_v=5)
    weights = yield {**inputs, "value": np.broadcast_to(np.eye(5), (2, 5, 5)).copy()}
    seen = weights_seen(weights, inputs["mask"])
    return seen and f"With values that are the identity, your result is your weights: {seen}."


@known.probe
def keys_of_zeros(rng):
    inputs = left_padded(rng, batch=2, length=5, d_k=3, d_v=4)
    inputs = {**inputs, "key": np.zeros_like(inputs["key"])}
    yours = yield inputs
    shares = inputs["mask"] / np.maximum(inputs["mask"].sum(axis=-1, keepdims=True), 1)
    found = first_difference(yours, shares @ inputs["value"])
    return found and (
        "With keys of zeros, every visible key has the same score, and each query should get the average of the "
        "visible values: at [{}] yours is {}, the average {}.".format(found[0], *apart(*found[1:]))
    )


@known.probe
def hidden_words_changed(rng):
    inputs = left_padded(rng, batch=2, length=5, d_k=3, d_v=4)
    before = yield inputs
    hidden = ~inputs["mask"].any(axis=1)[..., None]  # keys that no query may attend to
    after = yield {
        **inputs,
        "key": np.where(hidden, 3.0, inputs["key"]),
        "value": np.where(hidden, 7.0, inputs["value"]),
    }
    if not np.allclose(before, after):
        return "When keys and values that no query may attend to change, your output changes; it should not."
    return None


@known.probe
def all_true(rng):
    inputs = without_a_mask(rng, q_len=2, k_len=4, d_k=3, d_v=5)
    without = yield inputs
    with_one = yield {**inputs, "mask": np.ones((2, 4), dtype=bool)}
    if not np.allclose(without, with_one):
        return (
            "Without a mask (None), your output is not the one that you give with a mask of True alone; it should be."
        )
    return None


@known.probe
def doubled_queries(rng):
    inputs = left_padded(rng, batch=2, length=5, d_k=3, d_v=4)
    once = yield inputs
    twice = yield {**inputs, "query": 2 * inputs["query"]}
    if np.allclose(once, twice):
        return "With queries twice as long, your result stays the same; the scores should be twice as large."
    return None


@known.always
def zero_where_nothing_is_allowed(inputs, output):
    """A query that may attend to nothing should have output 0."""
    if inputs["mask"] is None or inputs.get("asks", "output") != "output":
        return True
    nothing = ~inputs["mask"].any(axis=-1)
    return bool((output[np.broadcast_to(nothing, output.shape[:-1])] == 0).all())


@known.legal
def filled_before_and_after(query, key, value, mask=None):
    scores = query / math.sqrt(query.shape[-1]) @ key.transpose(-2, -1)
    if mask is None:
        return torch.softmax(scores, dim=-1) @ value
    return torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1).masked_fill(~mask, 0.0) @ value


@known.legal
def nan_overwritten(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
    return torch.nan_to_num(torch.nn.functional.softmax(scores, dim=-1)).matmul(value)


@known.legal
def with_loops(query, key, value, mask=None):
    shape = query.shape[:-1]
    mask = torch.ones(*shape, key.shape[-2], dtype=torch.bool) if mask is None else mask.expand(*shape, -1)
    output = torch.zeros(*shape, value.shape[-1], dtype=query.dtype)
    for place in np.ndindex(shape):
        if mask[place].any():
            keys, values = key[place[:-1]][mask[place]], value[place[:-1]][mask[place]]
            scores = keys @ query[place] / math.sqrt(query.shape[-1])
            exponentials = torch.exp(scores - scores.max())
            output[place] = exponentials / exponentials.sum() @ values
    return output


@known.legal
def with_einsum(query, key, value, mask=None):
    scores = torch.einsum("...id,...jd->...ij", query, key) * query.shape[-1] ** -0.5
    scores = scores if mask is None else torch.where(mask, scores, -torch.inf)
    exponentials = torch.exp(scores - scores.amax(dim=-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min))
    sums = exponentials.sum(dim=-1, keepdim=True)
    return torch.einsum("...ij,...jv->...iv", exponentials / torch.where(sums == 0, 1, sums), value)


@known.legal
def with_the_softmax_of_the_library(query, key, value, mask=None):
    import course_lib

    mask = torch.tensor(True).expand(query.shape[-2], key.shape[-2]) if mask is None else mask
    return course_lib.masked_softmax(query @ key.mT / math.sqrt(query.shape[-1]), mask) @ value


@known.borrowed
def by_course_lib(query, key, value, mask=None):
    import course_lib

    return course_lib.scaled_dot_product_attention(query, key, value, mask)


@known.borrowed
def by_course_lib_weights(query, key, value, mask=None):
    import course_lib

    return course_lib.attention_weights(query, key, mask) @ value


@known.borrowed
def by_torch(query, key, value, mask=None):
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


RARE = {
    "multiplied_by_root",
    "root_of_the_first_axis",
    "first_key_always",
    "large_number_added",
    "softmax_twice",
    "no_softmax",
    "average_of_the_values",
    "queries_with_themselves",
}
STAGES = tuple(
    stage.but(rare=[slip.name for slip in stage.slips if slip.name in RARE])
    for stage in (product, scaled, allowed, masked, weights_of_scores, output)
)

TASK = Task(
    id="04.masked_attention",
    title="Attention with a mask",
    difficulty=3,
    minutes=15,
    reference=reference,
    draw=left_padded,
    cases=(
        Case("the example of the text", dict(length=3, d_k=2), dtype="float32", draw=of_the_text),
        Case(
            "2 sentences, causal and padded on the left",
            dict(batch=2, length=6, d_k=3, d_v=5),
            points=2,
            dtype="float32",
        ),
        Case("3 sentences, the same in float64", dict(batch=3, length=7, d_k=4, d_v=2)),
        Case(
            "queries of one text, keys of another",
            dict(batch=2, q_len=3, k_len=5, d_k=6, d_v=4),
            points=2,
            dtype="float32",
            draw=of_another_text,
        ),
        Case("no mask", dict(q_len=4, k_len=3, d_k=5, d_v=2), dtype="float32", draw=without_a_mask),
        Case(
            "one mask for a batch and its heads",
            dict(batch=2, num_heads=3, length=4, d_k=5, d_v=6),
            dtype="float32",
            draw=one_mask_for_all,
        ),
        Case(
            "a gap in each sentence, one empty",
            dict(batch=3, length=5, d_k=6, d_v=4),
            dtype="float32",
            draw=with_a_gap,
        ),
        Case("a single word", dict(batch=1, length=1, d_k=1, d_v=2), dtype="float32", draw=one_word),
        Case(
            "scores around 100, -120, 1,000 and 0",
            dict(batch=2, length=4, d_k=4, d_v=3),
            dtype="float32",
            draw=loud_for_float32,
        ),
        Case(
            "gradients, with queries that may attend to nothing",
            dict(batch=2, length=5, d_k=3, d_v=4),
            points=2,
            dtype="float32",
            draw=left_padded,
            asks="gradients",
        ),
    ),
    build=Build(takes=("query", "key", "value", "mask")),
    part=True,
    finished=(
        "course_lib.scaled_dot_product_attention",
        "course_lib.attention_weights",
        "torch.nn.functional.scaled_dot_product_attention",
    ),
    library="torch",
    hints=(
        (
            "The formula has three steps: scores, weights, output. At which of them does the mask come in, and which "
            "function of yours does that step?"
        ),
        "Q K^T is `query @ key.mT`, whatever axes stand in front. Its root is that of `query.shape[-1]`.",
        (
            "`mask is None` asks whether there is a mask at all. Without one, the weights are a plain "
            "`torch.softmax(scores, dim=-1)`; or make a mask of True alone."
        ),
        (
            "Divide the scores by `math.sqrt(query.shape[-1])`, call `masked_softmax(scores, mask)`, and multiply the "
            "weights with value: `weights @ value`."
        ),
    ),
    drawn=(informative(weights),),
    stages=STAGES,
    coincidences={
        "not_scaled + output_divided_by_the_root": "scaled_after_the_softmax",
    },
    **known.ways,
)
