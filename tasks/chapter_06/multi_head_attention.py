"""06.multi_head_attention: split, attend, merge, mix, with a mask that holds for every head."""

import math

import numpy as np
import torch

from course_lib import attention_weights, causal_mask, masked_softmax, padding_mask, scaled_dot_product_attention
from course_lib.multi_head import MultiHeadAttention, merge_heads, split_heads
from grader.known import Known
from grader.task import Case, Task
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


def _attend(query, key, value, mask, divisor):
    """Attention with another divisor than the right one; everything else as it should be."""
    return attention_weights(query * math.sqrt(query.shape[-1]) / divisor, key, mask) @ value


@known.mistake
def root_of_d_model(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The scores are divided by the root of d_model. A head multiplies d_model / num_heads components, and that is the
    d_k under the root."""
    heads = _heads(x, W_q, W_k, W_v, num_heads)
    return merge_heads(_attend(*heads, _for_heads(mask), math.sqrt(x.shape[-1]))) @ W_o


@known.mistake
def root_of_num_heads(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The scores are divided by the root of the number of heads. It is the size of a head that counts."""
    return merge_heads(_attend(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask), math.sqrt(num_heads))) @ W_o


@known.mistake
def not_scaled(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The scores are not scaled: divide them by the root of the size of a head."""
    return merge_heads(_attend(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask), 1)) @ W_o


@known.mistake
def split_by_reshape(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Queries, keys and values are split by a reshape without a swap, so head 0 gets whole words. Cut every vector
    first, then swap the words and the heads."""
    batch, length, d_model = x.shape
    heads = ((x @ W).reshape(batch, num_heads, length, d_model // num_heads) for W in (W_q, W_k, W_v))
    return merge_heads(scaled_dot_product_attention(*heads, _for_heads(mask))) @ W_o


@known.mistake
def merged_by_reshape(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The heads are merged by a reshape without a swap, so the first words are made of head 0 alone. Bring the words
    before the heads first."""
    heads = scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask))
    return heads.reshape(x.shape) @ W_o


@known.mistake
def reshaped_both_ways(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Split and merge are both a reshape without a swap. The shapes come out right, and a head attends among pieces of
    a few words. Cut every vector first, then swap the words and the heads; to merge, swap back before you join."""
    batch, length, d_model = x.shape
    heads = ((x @ W).reshape(batch, num_heads, length, d_model // num_heads) for W in (W_q, W_k, W_v))
    return scaled_dot_product_attention(*heads, _for_heads(mask)).reshape(x.shape) @ W_o


@known.mistake
def no_output_projection(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Everything is right up to the merged heads. The last step is missing: they are multiplied by W_o."""
    return merge_heads(scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask)))


@known.mistake
def heads_not_laid_side_by_side(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The product with W_o does not fit: the heads were averaged or added up, so only d_k components are left. Lay them
    side by side, num_heads * d_k = d_model components; W_o mixes them."""
    heads = scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask))
    return heads.mean(dim=-3) @ W_o


@known.mistake
def weights_averaged(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The heads' weights are averaged, and every head uses the mean. So they all look at the same places. Each head has
    its own weights; it is the outputs that are laid side by side."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    return merge_heads(attention_weights(query, key, _for_heads(mask)).mean(dim=-3, keepdim=True) @ value) @ W_o


@known.mistake
def one_head(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """This is attention with one head: num_heads has no effect. Split queries, keys and values."""
    return scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask) @ W_o


@known.mistake
def keys_not_transposed(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The keys of a head are reshaped to (d_k, length). That has the right shape and the wrong numbers: swap the last
    two axes of every head."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    flipped = key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])
    return merge_heads(_softmax(query @ flipped / math.sqrt(query.shape[-1]), _for_heads(mask)) @ value) @ W_o


@known.mistake
def keys_as_they_are(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The product of queries and keys does not fit: the keys of every head must be transposed, their last two axes
    swapped, from (length, d_k) to (d_k, length)."""
    query, key, _ = _heads(x, W_q, W_k, W_v, num_heads)
    return query @ key


@known.mistake
def rows_are_keys(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Queries and keys are exchanged: row i of the scores belongs to query i, so it is Q times K transposed."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    return merge_heads(scaled_dot_product_attention(key, query, value, _for_heads(mask))) @ W_o


@known.mistake
def maps_transposed(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The four maps are transposed, as nn.Linear stores them. Here they are given as the formula has them: x @ W_q."""
    return reference(x, W_q.T, W_k.T, W_v.T, W_o.T, num_heads, mask)


@known.mistake
def output_map_transposed(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The merged heads are multiplied by W_o transposed. Here it is given as the formula has it: heads @ W_o."""
    return reference(x, W_q, W_k, W_v, W_o.T, num_heads, mask)


@known.mistake
def values_not_mapped(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The values are x itself: W_v has no effect. Values are x @ W_v, split into heads."""
    return reference(x, W_q, W_k, torch.eye(x.shape[-1], dtype=x.dtype), W_o, num_heads, mask)


@known.mistake
def mask_ignored(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Right without a mask. With one, it has no effect: forbidden keys get no weight, in every head."""
    return reference(x, W_q, W_k, W_v, W_o, num_heads, None)


@known.mistake
def mask_inverted(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask is used the wrong way round: the forbidden keys are attended to. In this course True means may attend;
    in PyTorch's own layer it means blocked."""
    return reference(x, W_q, W_k, W_v, W_o, num_heads, None if mask is None else ~mask)


@known.mistake
def mask_on_the_queries(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask is transposed: it blocks queries instead of keys. Its last axis is that of the keys already."""
    turned = None if mask is None else mask.swapaxes(-2, -1)
    return reference(x, W_q, W_k, W_v, W_o, num_heads, turned)


@known.mistake
def mask_without_an_axis_for_heads(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask has no axis for the heads, so the sentences of the batch are lined up with the heads. That is an error,
    or, with as many sentences as heads, wrong without a word. Put an axis of size 1 before the queries."""
    return merge_heads(scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), mask)) @ W_o


@known.mistake
def mask_filled_in_without_an_axis(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Where you fill in minus infinity, the mask has no axis for the heads, so the sentences of the batch are lined up
    with the heads. Put an axis of size 1 before the queries."""
    return _filled(x, W_q, W_k, W_v, W_o, num_heads, mask)


@known.mistake
def mask_axis_from_the_front(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The axis for the heads is put at place 1, counted from the front. That is right for a mask of a batch, (batch, 1,
    length), and wrong for one without a batch, (length, length). Count from the end: before the last two axes."""
    counted = None if mask is None else mask.unsqueeze(1)
    return merge_heads(scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), counted)) @ W_o


@known.mistake
def mask_filled_in_from_the_front(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Where you fill in minus infinity, the axis for the heads is put at place 1, counted from the front. A mask
    without a batch, (length, length), has no batch to skip. Count from the end: before the last two axes."""
    return _filled(x, W_q, W_k, W_v, W_o, num_heads, None if mask is None else mask.unsqueeze(1))


@known.mistake
def mask_after_the_softmax(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask is multiplied onto the weights after the softmax, so the rows no longer sum to one. It belongs before
    the softmax."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    kept = attention_weights(query, key) * (1 if mask is None else _for_heads(mask))
    return merge_heads(kept @ value) @ W_o


@known.mistake
def softmax_over_the_heads(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The softmax runs over the heads. It runs over the keys, the last axis, in each head for itself."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    scores = scores if mask is None else scores.masked_fill(~_for_heads(mask), -torch.inf)
    return merge_heads(scores.softmax(dim=1) @ value) @ W_o


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
def mask_added(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The mask is added to the scores as zeros and ones, so forbidden keys lose 1 and are still attended to. Their
    scores must become minus infinity."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    scores = scores if mask is None else scores + _for_heads(mask)
    return merge_heads(scores.softmax(dim=-1) @ value) @ W_o


@known.mistake
def scores_times_mask(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The scores are multiplied by the mask, so forbidden keys have the score 0, which is a score like any other. It
    must become minus infinity."""
    query, key, value = _heads(x, W_q, W_k, W_v, num_heads)
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    scores = scores if mask is None else scores * _for_heads(mask)
    return merge_heads(scores.softmax(dim=-1) @ value) @ W_o


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


@known.mistake
def input_maps_transposed(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """The three input maps are transposed, as nn.Linear stores them. Here they are given as the formula has them:
    x @ W_q."""
    return reference(x, W_q.T, W_k.T, W_v.T, W_o, num_heads, mask)


@known.mistake
def viewed_after_the_swap(x, W_q, W_k, W_v, W_o, num_heads, mask):
    """Merging with `view` fails: after a swap the numbers no longer lie in memory in the order of the axes. Use
    `reshape`, which copies them where it must."""
    heads = scaled_dot_product_attention(*_heads(x, W_q, W_k, W_v, num_heads), _for_heads(mask))
    return heads.swapaxes(-3, -2).view(x.shape) @ W_o


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
        Case("2 heads, no mask", dict(batch=1, length=3, num_heads=2, d_k=4)),
        Case("3 heads, no mask, float32", dict(batch=2, length=4, num_heads=3, d_k=5), points=2, dtype="float32"),
        Case("padded sentences", dict(batch=4, length=5, num_heads=3, d_k=2), points=2, draw=draw_padded),
        Case("a causal mask", dict(batch=2, length=5, num_heads=3, d_k=4), points=2, draw=draw_causal),
        Case("as many sentences as heads", dict(batch=3, length=5, num_heads=3, d_k=4), draw=draw_padded),
    ),
    finished=(
        "course_lib.multi_head.MultiHeadAttention.forward",
        "torch.nn.MultiheadAttention.forward",
        "torch.nn.functional.multi_head_attention_forward",
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
    **known.ways,
)
