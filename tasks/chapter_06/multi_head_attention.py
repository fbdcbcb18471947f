"""06.multi_head_attention: split, attend, merge, mix, with a mask that holds for every head."""

import math

import numpy as np
import torch

from course_lib import attention_weights, causal_mask, masked_softmax, padding_mask, scaled_dot_product_attention
from course_lib.multi_head import MultiHeadAttention, merge_heads, split_heads
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import heads_stages
from tasks import layer_stages as layer
from tasks.probes import first_difference, weights_seen
from tasks.rules import informative

known = Known()


def draw(rng, batch, length, num_heads, d_k):
    return _inputs(rng, batch, length, num_heads, d_k, mask=None)


def draw_padded(rng, batch, length, num_heads, d_k):
    """Sentences of different length, in a mask with an axis of size 1 for the queries."""
    lengths = rng.permutation(length - 1 - np.arange(batch) % (length // 2))
    return _inputs(rng, batch, length, num_heads, d_k, padding_mask(lengths, length))


def draw_causal(rng, batch, length, num_heads, d_k):
    """One mask for all sentences, (length, length)."""
    return _inputs(rng, batch, length, num_heads, d_k, causal_mask(length))


def draw_both(rng, batch, length, num_heads, d_k):
    """A mask of its own for every query of every sentence, (batch, length, length)."""
    mask = rng.random(size=(batch, length, length)) < 0.6
    mask |= np.eye(length, dtype=bool)
    mask[:, 0, 1], mask[:, 1, 0] = True, False
    return _inputs(rng, batch, length, num_heads, d_k, mask)


def draw_loud(rng, batch, length, num_heads, d_k):
    """Whole numbers, with the scores of head 0 in the hundreds: see `layer.loud`."""
    d_model = num_heads * d_k
    inputs = layer.loud(rng, length, d_model, d_model, d_model, batch=batch)
    inputs["x"][..., 1] = np.resize([480, -480, 0, 1], length)
    return inputs | {"num_heads": num_heads, "mask": None}


def the_example(rng):
    maps = {"W_q": np.zeros((2, 2)), "W_k": np.eye(2), "W_v": np.eye(2), "W_o": np.array([[0.0, 1], [1, 1]])}
    return {"x": np.array([[[1.0, 10], [3, 30]]]), **maps, "num_heads": 2, "mask": None}


def draw_one_word(rng, num_heads, d_k):
    """A batch of one sentence of one word: what drops axes of size 1 shows."""
    return _inputs(rng, 1, 1, num_heads, d_k, mask=np.ones((1, 1, 1), dtype=bool))


def _inputs(rng, batch, length, num_heads, d_k, mask):
    d_model = num_heads * d_k
    W_q, W_k, W_v, W_o = rng.normal(size=(4, d_model, d_model)) / math.sqrt(d_model)
    x = rng.normal(size=(batch, length, d_model))
    return {"x": x, "W_q": 1.5 * W_q, "W_k": W_k, "W_v": W_v, "W_o": W_o, "num_heads": num_heads, "mask": mask}


def reference(x, W_q, W_k, W_v, W_o, num_heads, mask):
    heads = scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask))
    return merge_heads(heads) @ W_o


def weights(x, W_q, W_k, W_v, W_o, num_heads, mask):
    query, key, _ = _heads(x, W_q, W_k, W_v, num_heads)
    return attention_weights(query, key, _for_heads(mask))


def _heads(x, W_q, W_k, W_v, num_heads):
    return tuple(split_heads(x @ W, num_heads) for W in (W_q, W_k, W_v))


def _for_heads(mask):
    return None if mask is None else mask[..., None, :, :]


@Stage
def maps(query, key, value):
    return torch.stack([query, key, value])  # (3, batch, length, d_model)


@Stage
def query_heads(heads):
    return heads[0]  # (batch, num_heads, length, d_k)


@Stage
def key_heads(heads):
    return heads[1]


@Stage
def value_heads(heads):
    return heads[2]


@value_heads.slip
def values_cut_another_way(value, num_heads):
    """Of the values, head h takes every num_heads-th component, and queries and keys are cut in one piece. All three
    are cut alike."""
    return value.unflatten(-1, (-1, num_heads)).movedim(-1, -3)


@value_heads.slip
def values_reshaped(value, num_heads):
    """The values are split by a reshape without a swap, so that head 0 mixes whole words of one part of the sentence.
    All three are cut alike, and swapped."""
    return value.reshape(*value.shape[:-2], num_heads, value.shape[-2], -1)


@value_heads.slip
def values_not_split(value):
    """The values are not split, so that every head weighs whole vectors, and the merged ones are too long for W_o. All
    three are split."""
    return value.unsqueeze(-3)


@Stage
def seen(mask):
    return None if mask is None else mask[..., None, :, :]  # one for all heads


@seen.slip
def mask_ignored(mask):
    """A given mask has no effect: forbidden keys should get no weight, in every head."""
    return


@seen.slip
def mask_inverted(mask):
    """The mask is used the wrong way round: the forbidden keys are attended to. In this course True means may attend;
    in PyTorch's own layer it means blocked."""
    return None if mask is None else ~mask[..., None, :, :]


@seen.slip
def mask_on_the_queries(mask):
    """The mask is transposed: it blocks queries instead of keys. Its last axis is that of the keys already."""
    return None if mask is None else mask.mT[..., None, :, :]


@seen.slip
def mask_of_the_first_head(mask, num_heads):
    """The mask holds for head 0 alone; the other heads see everything. It is the same for all heads."""
    others = torch.arange(num_heads)[:, None, None] > 0
    return None if mask is None else mask[..., None, :, :] | others


@seen.slip
def causal_always(mask, x):
    """No word sees those after it, as with a causal mask, whether or not the mask asks for it. The given mask alone
    says who may attend."""
    causal = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril()
    return causal if mask is None else mask[..., None, :, :] & causal


@Stage
def masked(scaled, seen):
    return scaled if seen is None else scaled.masked_fill(~seen, -math.inf)


@masked.slip
def mask_inverted_with_a_large_number(scaled, mask):
    """The mask is used the wrong way round: the scores of allowed keys become a large negative number. In this course
    True means may attend; in PyTorch's own layer it means blocked."""
    return scaled if mask is None else scaled.masked_fill(mask[..., None, :, :], -1e9)


@masked.slip
def mask_on_the_queries_with_a_large_number(scaled, mask):
    """The mask is transposed, and a large negative number stands where that forbids: its rows serve as keys, its
    columns as queries. Its last axis is that of the keys already."""
    return scaled if mask is None else scaled.masked_fill(~mask.mT[..., None, :, :], -1e9)


@masked.slip
def mask_added(scaled, seen):
    """The mask is added to the scores as zeros and ones, so forbidden keys lose 1 and are still attended to. Their
    scores must become minus infinity."""
    return scaled if seen is None else scaled + seen


@masked.slip
def scores_times_mask(scaled, seen):
    """The scores of forbidden keys become 0. To a softmax that is a score like any other, and takes weight; minus
    infinity takes none."""
    return scaled if seen is None else scaled * seen


scaled = layer.scaled.but(
    "root_of_a_plain_number",
    "root_of_d_v",
    "half_of_d_k",
    "root_of_the_first_axis",
    "power_of_one_then_half",
    "whole_root",
    query="query_heads",
)


@scaled.slip
def root_of_num_heads(product, num_heads):
    """The scores are divided by the root of the number of heads. It is the size of a head that counts."""
    return product / math.sqrt(num_heads)


shares = layer.weights.but(
    "softmax_over_dim_0",
    "softmax_over_dim_1",
    "softmax_over_the_queries",
    "softmax_of_the_negative",
    "shares_of_the_scores",
    "sigmoid_for_softmax",
    "divided_by_the_sums_of_the_columns",
    "the_best_key_alone",
    scores="masked",
    query="query_heads",
)


@shares.slip
def over_the_queries_with_a_large_number(scaled, seen):
    """The softmax runs over the queries, so that the columns sum to 1, also those of keys that are hidden from all.
    Each query shares out its own attention: the last axis, that of the keys."""
    return (scaled if seen is None else scaled.masked_fill(~seen, -1e9)).softmax(dim=-2)


@shares.slip
def over_the_queries_with_nan(masked):
    """The softmax runs over the queries, and gives NaN where a key is hidden from all of them. Each query shares out
    its own attention: the last axis, that of the keys."""
    return masked.softmax(dim=-2)


@shares.slip
def softmax_over_the_heads(masked):
    """The softmax runs over the heads. It runs over the keys, the last axis, in each head for itself."""
    return masked.softmax(dim=-3)


@shares.slip
def over_the_heads_with_a_large_number(scaled, seen):
    """The softmax runs over the heads, so that even a forbidden key takes weight, 1 / num_heads in every head. It runs
    over the keys, the last axis, in each head for itself."""
    return (scaled if seen is None else scaled.masked_fill(~seen, -1e9)).softmax(dim=-3)


@shares.rare
def nan_throughout(scaled, seen):
    """With a mask NaN comes out for every word, as where 0 times minus infinity is added to the scores of allowed keys:
    that product is NaN, not 0. Fill in minus infinity only where the mask is False."""
    return (scaled if seen is None else scaled + (~seen).to(scaled.dtype) * -math.inf).softmax(dim=-1)


@shares.rare
def scores_times_mask_for_weights(scaled, seen):
    """There is no softmax: the scores serve as weights, and those of forbidden keys are 0. Weights are a softmax of the
    scores, before which forbidden ones become minus infinity."""
    return scaled if seen is None else scaled * seen


@shares.slip
def mask_after_the_softmax(scaled, seen):
    """The mask is multiplied onto the weights after the softmax, so the rows no longer sum to one. It belongs before
    the softmax."""
    return scaled.softmax(dim=-1) * (1 if seen is None else seen)


@shares.slip
def weights_averaged(exponentials):
    """The heads' weights are averaged, and every head uses the mean. So they all look at the same places. Each head has
    its own weights; it is the outputs that are laid side by side."""
    weights = exponentials / exponentials.sum(dim=-1, keepdim=True)
    return weights.mean(dim=-3, keepdim=True).expand(weights.shape)


@Stage
def mixed(merged, W_o):
    return merged @ W_o  # (batch, length, d_model)


@mixed.slip
def no_output_projection(merged):
    """W_o has no part in it: the merged heads are not multiplied by it."""
    return merged


@mixed.slip
def output_map_transposed(merged, W_o):
    """The merged heads are multiplied by W_o transposed. Here it is given as the formula has it: heads @ W_o."""
    return merged @ W_o.T


@mixed.slip
def heads_summed(swapped, W_o):
    """The heads are added up, and the sum is multiplied by the first d_k rows of W_o. Each head has rows of its own:
    lay the heads side by side."""
    return swapped.sum(dim=-2) @ W_o[: swapped.shape[-1]]


@mixed.slip
def heads_averaged(swapped, W_o):
    """The heads are averaged, and the average is multiplied by the first d_k rows of W_o. Each head has rows of its
    own: lay the heads side by side."""
    return swapped.mean(dim=-2) @ W_o[: swapped.shape[-1]]


@Stage
def result(mixed):
    return mixed


@result.slip
def input_added(mixed, x):
    """The input is added to the result. The layer alone is asked for."""
    return x + mixed


@known.mistake
def blocks_of_the_maps(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """x is split before the maps, and every head is mapped by the upper left d_k by d_k block of each matrix. A head's
    queries are its d_k components of x W_q, for which all of x counts."""
    d_k = x.shape[-1] // num_heads
    heads = (split_heads(x, num_heads) @ W[:d_k, :d_k] for W in (W_q, W_k, W_v))
    return merge_heads(scaled_dot_product_attention(*heads, _for_heads(mask))) @ W_o


@known.mistake
def diagonal_blocks_of_the_maps(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """x is split before the maps, and each head sees its own piece of x alone. A head's queries are its d_k components
    of x W_q, for which all of x counts."""
    d_k = x.shape[-1] // num_heads

    def own(W):
        blocks = torch.stack([W[i : i + d_k, i : i + d_k] for i in range(0, len(W), d_k)])
        return split_heads(x, num_heads) @ blocks

    return merge_heads(scaled_dot_product_attention(own(W_q), own(W_k), own(W_v), _for_heads(mask))) @ W_o


@known.mistake
def rows_of_the_maps(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Of each map, a head takes d_k rows, and the product does not fit. Its queries are d_k columns of x W_q, made by
    d_k columns of the map."""
    rows = slice(0, x.shape[-1] // num_heads)
    return x @ W_q[rows]


@known.mistake
def mask_as_a_condition(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """A mask is asked for its truth, and it has many. Whether there is one is `mask is not None`."""
    if mask:
        mask = mask.unsqueeze(-3)
    return merge_heads(scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), mask)) @ W_o


@known.mistake
def opposite_of_none(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The opposite of the mask is taken where there is none. The mask may be None: then nothing is hidden."""
    return _filled(x, W_q, W_k, W_v, W_o, num_heads, ~mask)


@known.mistake
def reshaped_both_ways(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Split and merge are both a reshape without a swap. The shapes come out right, and a head attends among pieces of
    a few words. Cut every vector first, then swap the words and the heads; to merge, swap back before you join."""
    batch, length, d_model = x.shape
    heads = ((x @ W).reshape(batch, num_heads, length, d_model // num_heads) for W in (W_q, W_k, W_v))
    return scaled_dot_product_attention(*heads, _for_heads(mask)).reshape(x.shape) @ W_o


@known.mistake
def heads_not_laid_side_by_side(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The product with W_o does not fit: the heads were averaged or added up, so only d_k components are left. Lay them
    side by side, num_heads * d_k = d_model components; W_o mixes them."""
    heads = scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask))
    return heads.mean(dim=-3) @ W_o


@known.mistake
def one_head(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """This is attention with one head: num_heads has no effect. Split queries, keys and values."""
    return scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask) @ W_o


@known.mistake
def maps_transposed(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The four maps are transposed, as nn.Linear stores them. Here they are given as the formula has them: x @ W_q."""
    return reference(x, W_q.T, W_k.T, W_v.T, W_o.T, num_heads, mask)


@known.mistake
def input_maps_transposed(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The three input maps are transposed, as nn.Linear stores them. Here they are given as the formula has them: x @
    W_q."""
    return reference(x, W_q.T, W_k.T, W_v.T, W_o, num_heads, mask)


@known.mistake
def mask_without_an_axis_for_heads(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask has no axis for the heads, so the sentences of the batch are lined up with the heads. That is an error,
    or, with as many sentences as heads, wrong without a word. It needs an axis of size 1 for the heads, as
    mask.unsqueeze(-3) gives it."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    return merge_heads(scaled_dot_product_attention(query, key, value, mask)) @ W_o


@known.mistake
def mask_axis_in_front(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask gets its new axis in front of all, so the sentences of the batch are lined up with the heads. The axis
    of size 1 stands for the heads, between batch and queries, as mask.unsqueeze(-3) gives it."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    mask = None if mask is None else mask.unsqueeze(0)
    return merge_heads(scaled_dot_product_attention(query, key, value, mask)) @ W_o


@known.mistake
def mask_axis_in_front_filled_in(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Where mask and scores meet, the mask has its new axis in front of all, so the sentences of the batch are
    lined up with the heads. The axis of size 1 stands between batch and queries, as mask.unsqueeze(-3) gives it."""
    return _filled(x, W_q, W_k, W_v, W_o, num_heads, None if mask is None else mask.unsqueeze(0))


@known.mistake
def mask_filled_in_without_an_axis(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Where mask and scores meet, the mask has no axis for the heads, so the sentences of the batch are lined up with
    the heads. It needs an axis of size 1 for the heads, as mask.unsqueeze(-3) gives it."""
    return _filled(x, W_q, W_k, W_v, W_o, num_heads, mask)


@known.mistake
def mask_axis_from_the_front(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask gets its axis for the heads at place 1, counted from the front, which fits a mask of a batch, (batch, 1,
    length), and none without one, (length, length). Count from the end: before the last two axes."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    mask = None if mask is None else mask.unsqueeze(1)
    return merge_heads(scaled_dot_product_attention(query, key, value, mask)) @ W_o


@known.mistake
def mask_filled_in_from_the_front(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Where mask and scores meet, the axis for the heads is put at place 1, counted from the front. A mask without a
    batch, (length, length), has no batch to skip. Count from the end: mask.unsqueeze(-3)."""
    return _filled(x, W_q, W_k, W_v, W_o, num_heads, None if mask is None else mask.unsqueeze(1))


@known.mistake
def mask_inverted_with_nan(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask is used the wrong way round: the allowed keys are filled with minus infinity, and NaN comes out where
    everything is allowed. In this course True means may attend; fill in where it is False."""
    return _filled(x, W_q, W_k, W_v, W_o, num_heads, None if mask is None else ~_for_heads(mask))


@known.mistake
def mask_without_an_axis_in_the_kernel(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """PyTorch's attention got the mask without an axis for the heads, so the sentences of the batch are lined up with
    the heads. Put an axis of size 1 before the queries."""
    heads = _heads(x, W_q, W_k, W_v, num_heads)
    return merge_heads(torch.nn.functional.scaled_dot_product_attention(*heads, attn_mask=mask)) @ W_o


@known.mistake
def mask_taken_for_granted(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask got its new axis, and it may be None: then there is nothing to index. Do it only if there is a mask."""
    return merge_heads(scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), mask[..., None, :, :])) @ W_o


@known.mistake
def attends_among_heads(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The vectors are cut, and the heads still stand behind the words. So each word attends among its own heads, and
    never to another word. Swap the words and the heads before you attend."""
    query, key, value = ((x @ W).unflatten(-1, (num_heads, -1)) for W in (W_q, W_k, W_v))
    return scaled_dot_product_attention(query, key, value).flatten(-2) @ W_o


@known.mistake
def all_axes_reversed(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The product of queries and keys does not fit: .T turns the batch and the heads around as well. Swap the last two
    axes of the keys alone."""
    query, key, _ = _heads(x, W_q, W_k, W_v, num_heads)
    return query @ key.T


@known.mistake
def mixed_before_merging(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The product with W_o does not fit: it is applied to each head's d_k components. Merge the heads first."""
    return merge_heads(scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask)) @ W_o)


@known.probe
def identity_values(rng):
    inputs = draw_both(rng, batch=1, length=3, num_heads=2, d_k=3)
    values = np.concatenate([np.eye(3), np.eye(3)], axis=1)  # (length, d_model)
    inputs["W_v"] = np.linalg.pinv(inputs["x"][0]) @ values
    yours = yield {**inputs, "W_o": np.eye(6)}
    for head in range(2):
        seen = weights_seen(yours[0, :, 3 * head : 3 * head + 3], inputs["mask"][0])
        if seen:
            return (
                f"With values that are the identity in each head, and W_o too, the result should be the weights of the "
                f"heads, side by side; in yours, where those of head {head} belong, {seen}."
            )
    return None


@known.probe
def queries_of_zeros(rng):
    inputs = draw_padded(rng, batch=2, length=5, num_heads=2, d_k=3)
    inputs["W_q"] = np.zeros_like(inputs["W_q"])
    yours = yield inputs
    shares = inputs["mask"] / inputs["mask"].sum(axis=-1, keepdims=True)
    found = first_difference(yours, shares @ inputs["x"] @ inputs["W_v"] @ inputs["W_o"])
    return found and (
        f"With a W_q of zeros all scores are equal, and each word should get the average of x W_v W_o over what it may "
        f"attend to: at [{found[0]}] yours is {found[1]:.4g}, the average {found[2]:.4g}."
    )


@known.probe
def one_word(rng):
    inputs = draw(rng, batch=1, length=1, num_heads=3, d_k=2)
    yours = yield inputs
    found = first_difference(yours, inputs["x"] @ inputs["W_v"] @ inputs["W_o"])
    return found and (
        f"A single word has nobody else to attend to, so the result should be x W_v W_o: at [{found[0]}] yours is "
        f"{found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def one_head_of_the_result(rng):
    inputs = draw(rng, batch=1, length=3, num_heads=2, d_k=3)
    inputs["W_o"] = np.diag([1.0, 1, 1, 0, 0, 0])
    once = yield inputs
    other = {**inputs, "W_q": inputs["W_q"].copy()}
    other["W_q"][:, 3:] = -inputs["W_q"][:, 3:]
    again = yield other
    found = first_difference(again, once)
    return found and (
        f"With a W_o that lets head 0 through alone, the queries of head 1 should not matter; with their sign turned, "
        f"yours changes at [{found[0]}] from {found[2]:.4g} to {found[1]:.4g}."
    )


def _softmax(scores, mask):
    return scores.softmax(dim=-1) if mask is None else masked_softmax(scores, mask)


def _filled(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Attention as many write it, with the mask as it comes."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return merge_heads(scores.softmax(dim=-1) @ value) @ W_o


@known.legal
def with_filling(x, W_q, W_k, W_v, W_o, num_heads, mask):
    return _filled(x, W_q, W_k, W_v, W_o, num_heads, _for_heads(mask))


@known.legal
def with_a_loop_over_heads(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The sum over heads, each with its block of rows of W_o."""
    d_k = x.shape[-1] // num_heads
    output = torch.zeros_like(x)
    for head in range(num_heads):
        piece = slice(head * d_k, (head + 1) * d_k)
        query, key, value = (x @ W[:, piece] for W in (W_q, W_k, W_v))
        output += scaled_dot_product_attention(query, key, value, mask) @ W_o[piece]
    return output


@known.legal
def with_einsum(x, W_q, W_k, W_v, W_o, num_heads, mask):
    query, key, value = ((x @ W).unflatten(-1, (num_heads, -1)) for W in (W_q, W_k, W_v))
    scores = torch.einsum("bihd,bjhd->bhij", query, key) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = torch.where(mask[..., None, :, :], scores, -torch.inf)
    return torch.einsum("bhij,bjhd->bihd", scores.softmax(-1), value).flatten(-2) @ W_o


@known.legal
def with_the_kernel(x, W_q, W_k, W_v, W_o, num_heads, mask):
    query, key, value = ((x @ W).unflatten(-1, (num_heads, -1)).transpose(1, 2) for W in (W_q, W_k, W_v))
    mask = None if mask is None else mask.unsqueeze(-3)
    heads = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return heads.transpose(1, 2).reshape(x.shape) @ W_o


@known.borrowed
def borrowed_from_the_course(x, W_q, W_k, W_v, W_o, num_heads, mask):
    layer = MultiHeadAttention(x.shape[-1], num_heads, bias=False).to(x.dtype)
    for linear, W in ((layer.W_q, W_q), (layer.W_k, W_k), (layer.W_v, W_v), (layer.W_o, W_o)):
        linear.weight.data = W.T
    return layer(x, mask=mask)[0]


@known.borrowed
def borrowed_from_torch(x, W_q, W_k, W_v, W_o, num_heads, mask):
    layer = torch.nn.MultiheadAttention(x.shape[-1], num_heads, bias=False, batch_first=True, dtype=x.dtype)
    layer.in_proj_weight.data = torch.cat([W_q.T, W_k.T, W_v.T])
    layer.out_proj.weight.data = W_o.T
    return layer(x, x, x)[0]


TASK = Task(
    id="06.multi_head_attention",
    title="Multi-head attention with a mask",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=draw,
    library="torch",
    cases=(
        Case("2 heads, no mask", dict(batch=1, length=3, num_heads=2, d_k=4), dtype="float32"),
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case("3 heads, no mask, float64", dict(batch=2, length=4, num_heads=3, d_k=5)),
        Case(
            "padded sentences", dict(batch=4, length=5, num_heads=3, d_k=2), points=2, dtype="float32", draw=draw_padded
        ),
        Case("a causal mask", dict(batch=2, length=5, num_heads=3, d_k=4), points=2, dtype="float32", draw=draw_causal),
        Case(
            "as many sentences as heads", dict(batch=3, length=5, num_heads=3, d_k=4), dtype="float32", draw=draw_padded
        ),
        Case("a mask for every query", dict(batch=2, length=4, num_heads=3, d_k=2), dtype="float32", draw=draw_both),
        Case("one word", dict(num_heads=2, d_k=3), dtype="float32", draw=draw_one_word),
        Case("scores in the hundreds", dict(batch=2, length=4, num_heads=2, d_k=4), dtype="float32", draw=draw_loud),
    ),
    finished=(
        "course_lib.multi_head.MultiHeadAttention.forward",
        "torch.nn.MultiheadAttention.forward",
        "torch.nn.functional.multi_head_attention_forward",
        "torch.nn.TransformerEncoderLayer.forward",
    ),
    hints=(
        "Four steps: split, attend, merge, mix. Begin without a mask. What shape does x @ W_q have after the split?",
        (
            "Queries, keys and values are `split_heads(x @ W_q, num_heads)` and so on, each (batch, num_heads, length, "
            "d_k). The function of chapter 03 takes leading axes as they come."
        ),
        (
            "The scores have shape (batch, num_heads, length, length). The mask has no axis for the heads: it needs "
            "one of size 1, before its last two. And it may be None."
        ),
        (
            "`mask = None if mask is None else mask[..., None, :, :]`; then attention of the three and the mask; then "
            "merge the heads; then `@ W_o`."
        ),
    ),
    drawn=(informative(weights),),
    stages=(
        layer.query.but("W_q_transposed"),
        layer.key.but("W_k_transposed"),
        layer.value.but("W_v_transposed"),
        maps,
        heads_stages.cut.but(
            "two_heads_always",
            "pieces_overlap",
            "pieces_too_short",
            "d_k_is_no_whole_number",
            "d_model_for_d_k",
            "whole_vectors",
            x="maps",
        ),
        heads_stages.heads.but(
            "not_swapped",
            "components_before_heads",
            "words_behind_the_components",
            "heads_before_batch",
            "first_axes_swapped",
            "axes_1_and_2_swapped",
            "four_axes_expected",
        ),
        query_heads,
        key_heads,
        value_heads,
        layer.product.but(
            "all_axes_reversed",
            "axes_1_and_2_of_the_keys_swapped",
            "keys_not_transposed",
            "cosines",
            "distances",
            query="query_heads",
            key="key_heads",
        ),
        scaled,
        seen,
        masked,
        layer.exponentials.but("powers_of_two", "largest_of_all_subtracted", scores="masked"),
        shares,
        layer.output.but("multiplied_element_by_element", "average_of_the_values", value="value_heads"),
        heads_stages.swapped.but(
            "all_axes_turned",
            "axes_0_and_1_swapped",
            "second_and_third_axes_swapped",
            "order_of_four_axes",
            "four_axes_component_by_component",
            "merged_words_reversed",
            "words_not_brought_forward",
            "words_and_components_swapped",
            heads="output",
        ),
        heads_stages.merged.but(
            "not_joined",
            "averaged",
            "summed",
            "largest_of_the_heads",
            "first_head_alone",
            "last_head_alone",
            "two_heads_merged",
            "divided_by_the_heads",
            "viewed_after_the_swap",
            "last_head_in_the_first_place",
            heads="output",
        ),
        mixed,
        result,
    ),
    coincidences={
        "queries_by_W_k + keys_by_W_q": "rows_are_keys",
        "scores_times_mask + softmax_over_the_heads": "over_the_heads_with_a_large_number",
        "scores_times_mask + no_softmax": "scores_times_mask_for_weights",
        "reshaped_without_swap + reshaped_at_once": "reshaped_both_ways",
    },
    **known.ways,
)
