"""09b.attend_to_cache: queries of new positions over keys and values that were computed before."""

import math

import numpy as np
import torch
from torch.nn import functional

from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws
from tasks.probes import first_difference
from tasks.skeletons import MultiHeadAttention

known = Known()

BUILD = Build(
    takes=("x", "cache", "mask"),
    arguments=("d_model", "num_heads"),
    module="MultiHeadAttention",
    given=True,
    name="attention",
)


def draw_inputs(rng, batch, q_len, k_len, num_heads, d_k):
    d_model = num_heads * d_k
    return {
        "d_model": d_model,
        "num_heads": num_heads,
        "x": rng.normal(size=(batch, q_len, d_model)),
        "cache": rng.normal(size=(2, batch, num_heads, k_len, d_k)),
        "mask": None,
        **draws.parameters(rng, MultiHeadAttention(d_model, num_heads)),
    }


def padded(rng, batch, q_len, k_len, num_heads, d_k):
    """A memory of different lengths; of the last source nothing is left."""
    lengths = np.linspace(k_len, 0, batch).round().astype(int)
    mask = np.arange(k_len) < lengths[:, None, None]  # (batch, 1, k_len)
    return {**draw_inputs(rng, batch, q_len, k_len, num_heads, d_k), "mask": mask}


def causal(rng, batch, q_len, k_len, num_heads, d_k):
    """The q_len positions are the last ones in the cache, and none of them sees those after it."""
    mask = np.tri(q_len, k_len, k_len - q_len, dtype=bool)
    return {**draw_inputs(rng, batch, q_len, k_len, num_heads, d_k), "mask": mask}


def the_example(rng):
    """Every score is 0, so that everything is averaged; two heads of size 1."""
    weights = {
        f"{name}.{kind}": np.eye(2) * factor if kind == "weight" else np.zeros(2)
        for name, factor in (("W_q", 0), ("W_k", 1), ("W_v", 10), ("W_o", 1))
        for kind in ("weight", "bias")
    } | {"W_o.bias": np.array([0.5, 0.5])}
    cache = np.array([[[1.0, 3.0], [2.0, 4.0]], [[10.0, 30.0], [20.0, 40.0]]]).reshape(2, 1, 2, 2, 1)
    return {"d_model": 2, "num_heads": 2, "x": np.array([[[3.0, 4.0]]]), "cache": cache, "mask": None, **weights}


def reference(attention, x, cache, mask):
    batch, q_len, d_model = x.shape
    query = attention.W_q(x).view(batch, q_len, attention.num_heads, -1).transpose(1, 2)
    if mask is not None and mask.ndim == 3:
        mask = mask.unsqueeze(1)
    attend = functional.scaled_dot_product_attention
    gathered = attend(query, cache[0], cache[1], attn_mask=mask)  # (batch, num_heads, q_len, d_k)
    return attention.W_o(gathered.transpose(1, 2).reshape(batch, q_len, d_model))


@Stage
def mapped(attention, x):
    return attention.W_q(x)  # (batch, q_len, d_model)


@mapped.slip
def queries_by_W_k(attention, x):
    """The queries are made by W_k, the map of the keys. Queries have one of their own, W_q."""
    return attention.W_k(x)


@mapped.slip
def queries_without_their_bias(attention, x):
    """The queries lack the bias of W_q. Calling the layer, W_q(x), multiplies by its weight and adds its bias."""
    return x @ attention.W_q.weight.mT


@mapped.slip
def queries_not_mapped(x):
    """The queries are x itself: W_q has no part in them."""
    return x


@Stage
def query(mapped, num_heads):
    return mapped.unflatten(-1, (num_heads, -1)).transpose(-3, -2)  # (batch, num_heads, q_len, d_k)


@query.slip
def reshaped_straight(mapped, num_heads):
    """The queries are reshaped straight to (num_heads, q_len, d_k), which mixes positions into heads. First split
    d_model into heads, then swap the axes, as split_heads does."""
    batch, q_len, d_model = mapped.shape
    return mapped.reshape(batch, num_heads, q_len, d_model // num_heads)


@Stage
def key(cache):
    return cache[0]


@key.slip
def values_for_keys(cache):
    """The queries are compared with the values, index 1 of the cache. The keys are index 0."""
    return cache[1]


@Stage
def value(cache):
    return cache[1]


@value.slip
def keys_for_values(cache):
    """The keys are gathered, index 0 of the cache. What is gathered are the values, index 1."""
    return cache[0]


@Stage
def scaled(query, key):
    return query @ key.mT / math.sqrt(query.shape[-1])  # (batch, num_heads, q_len, k_len)


@scaled.slip
def not_scaled(query, key):
    """The scores are not divided by the square root of d_k."""
    return query @ key.mT


@scaled.slip
def root_of_d_model(query, key, d_model):
    """The scores are divided by the root of d_model. A head's queries and keys have d_k numbers, and it is those that
    count."""
    return query @ key.mT / math.sqrt(d_model)


@Stage
def allowed(mask):
    return mask if mask is None or mask.ndim < 3 else mask[:, None]  # (batch, 1, q_len or 1, k_len)


@allowed.slip
def no_mask():
    """The mask has no effect: hidden positions take part like any others."""
    return None


@allowed.slip
def mask_inverted(mask):
    """The mask is used the wrong way round: True means that a query may attend to that position."""
    return mask if mask is None else ~mask if mask.ndim < 3 else ~mask[:, None]


@allowed.slip
def mask_of_the_first_text(mask):
    """All texts get the mask of the first one. Each has its own: a new axis for the heads belongs behind the batch."""
    return mask if mask is None or mask.ndim < 3 else mask[:1, None]


@allowed.slip
def future_hidden_from_the_front(query, key):
    """A causal mask is made in here, counted from the front of the cache: the first query sees position 0 alone. The
    new positions stand at the end, all of the cache is there to be seen, and what is not, the mask says."""
    return torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()


@Stage
def weights(scaled, allowed):
    masked = scaled if allowed is None else scaled.masked_fill(~allowed, -math.inf)
    return torch.softmax(masked, dim=-1).masked_fill(masked == -math.inf, 0)


@weights.slip
def nan_where_nothing_is_allowed(scaled, allowed):
    """A query that may attend to nothing comes out as NaN. It gathers 0, so that the bias of W_o alone is left;
    masked_attention sees to it."""
    return torch.softmax(scaled if allowed is None else scaled.masked_fill(~allowed, -math.inf), dim=-1)


@weights.slip
def large_number_for_infinity(scaled, allowed):
    """Hidden scores become a large negative number, such as -1e9, and not minus infinity. A query that may attend to
    nothing then gathers the average of everything, and should gather 0."""
    return torch.softmax(scaled if allowed is None else scaled.masked_fill(~allowed, -1e9), dim=-1)


@weights.rare
def over_the_heads(scaled, allowed):
    """The softmax runs over the heads. Each head shares out its own attention, over the positions of the cache: the
    last axis."""
    masked = scaled if allowed is None else scaled.masked_fill(~allowed, -math.inf)
    return torch.softmax(masked, dim=1).nan_to_num()


@Stage
def merged(weights, value):
    return (weights @ value).transpose(-3, -2).flatten(-2)  # (batch, q_len, d_model)


@merged.slip
def heads_merged_straight(weights, value):
    """The heads' outputs are reshaped straight to (q_len, d_model), which mixes heads into positions. First swap the
    axes back, then put the heads side by side, as merge_heads does."""
    gathered = weights @ value
    return gathered.reshape(len(gathered), gathered.shape[2], -1)


@Stage
def output(attention, merged):
    return attention.W_o(merged)


@output.slip
def no_W_o(merged):
    """W_o has no part in it: the heads' outputs stand side by side and are not mapped."""
    return merged


@output.slip
def no_bias_of_W_o(attention, merged):
    """The bias of W_o is not added. Calling the layer, W_o(...), multiplies by its weight and adds its bias."""
    return merged @ attention.W_o.weight.mT


def _gather(attention, x, key, value, mask):
    query = attention.W_q(x).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]
    gathered = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return attention.W_o(gathered.transpose(1, 2).flatten(2))


@known.mistake
def x_added_to_the_cache(attention, x, cache, mask):
    """The keys and values of x are put behind those in the cache first. Whoever calls this has done so where it is
    wanted; across the bridge it never is. Attend to the cache as it comes."""
    new = torch.stack([attention.W_k(x), attention.W_v(x)]).unflatten(-1, (attention.num_heads, -1)).transpose(2, 3)
    if mask is not None:
        more = mask.new_ones(*mask.shape[:-1], x.shape[1])
        mask = torch.cat([mask, more], dim=-1)
    return _gather(attention, x, *torch.cat([cache, new], dim=3), mask)


@known.mistake
def x_added_and_the_mask_too_short(attention, x, cache, mask):
    """The keys and values of x are put behind those in the cache first, and then the mask is too short. Whoever calls
    this has done so where it is wanted. Attend to the cache as it comes."""
    new = torch.stack([attention.W_k(x), attention.W_v(x)]).unflatten(-1, (attention.num_heads, -1)).transpose(2, 3)
    query = attention.W_q(x).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    key, value = torch.cat([cache, new], dim=3)
    scores = query @ key.mT / math.sqrt(key.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return attention.W_o((torch.softmax(scores, dim=-1) @ value).transpose(1, 2).flatten(2))


@known.mistake
def mask_without_an_axis_for_heads(attention, x, cache, mask):
    """A mask (batch, 1, k_len) meets scores (batch, num_heads, q_len, k_len), and its batch stands where the heads are.
    It needs an axis for the heads: mask[:, None]."""
    query = attention.W_q(x).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    scores = query @ cache[0].mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, dim=-1).nan_to_num()
    return attention.W_o((weights @ cache[1]).transpose(1, 2).flatten(2))


@known.mistake
def mapped_once_more(attention, x, cache, mask):
    """The keys and values of the cache are mapped by W_k and W_v once more. They were, before they were kept."""
    merged = cache.transpose(2, 3).flatten(3)
    key, value = (
        layer(half).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
        for layer, half in zip((attention.W_k, attention.W_v), merged, strict=True)
    )
    return _gather(attention, x, key, value, mask)


@known.mistake
def cache_ignored(attention, x, cache, mask):
    """The positions of x attend to each other, and the cache has no part in it. Keys are cache[0], values cache[1]."""
    new = torch.stack([attention.W_k(x), attention.W_v(x)]).unflatten(-1, (attention.num_heads, -1)).transpose(2, 3)
    return _gather(attention, x, *new, None)


@known.mistake
def heads_left_apart(attention, x, cache, mask):
    """The heads are not merged: the result has an axis for them. merge_heads makes (batch, q_len, d_model), and W_o
    comes after it."""
    query = attention.W_q(x).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]
    return functional.scaled_dot_product_attention(query, cache[0], cache[1], attn_mask=mask)


@known.mistake
def made_on_the_cpu(attention, x, cache, mask):
    """A mask is made anew on the CPU, and on a GPU it would meet scores that are not there. Where there is no mask,
    hide nothing; or make it where x is: device=x.device."""
    if mask is None:
        mask = torch.ones(x.shape[1], cache.shape[3], dtype=torch.bool)
    query = attention.W_q(x).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
    scores = query @ cache[0].mT / math.sqrt(query.shape[-1])
    mask = mask[:, None] if mask.ndim == 3 else mask
    weights = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1).nan_to_num()
    return attention.W_o((weights @ cache[1]).transpose(1, 2).flatten(2))


@known.legal
@torch.no_grad()
def by_formula(attention, x, cache, mask):
    query = torch.stack(attention.W_q(x).chunk(attention.num_heads, dim=-1), dim=1)
    scores = torch.einsum("bhqd,bhkd->bhqk", query, cache[0]) * query.shape[-1] ** -0.5
    if mask is not None:
        mask = mask if mask.ndim == 2 else mask[:, None]
        scores = scores.masked_fill(~mask, -math.inf)
    raised = torch.exp(scores - scores.amax(dim=-1, keepdim=True).clamp(min=torch.finfo(x.dtype).min))
    weights = raised / raised.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)
    gathered = torch.einsum("bhqk,bhkd->bqhd", weights, cache[1])
    return attention.W_o(gathered.flatten(2))


@known.legal
def head_by_head(attention, x, cache, mask):
    query, d_k = attention.W_q(x), cache.shape[-1]
    found = []
    for head in range(attention.num_heads):
        own = query[..., head * d_k : (head + 1) * d_k]
        scores = own @ cache[0, :, head].mT / d_k**0.5  # (batch, q_len, k_len)
        weights = torch.softmax(scores if mask is None else torch.where(mask, scores, -math.inf), dim=-1)
        weights = weights if mask is None else torch.where(mask, weights, 0.0)
        found.append(weights @ cache[1, :, head])
    return attention.W_o(torch.cat(found, dim=-1))


@known.legal
def text_by_text(attention, x, cache, mask):
    rows = []
    for text in range(len(x)):
        own = mask if mask is None or mask.ndim == 2 else mask[text]
        query = attention.W_q(x[text]).unflatten(-1, (attention.num_heads, -1)).swapaxes(0, 1)
        gathered = functional.scaled_dot_product_attention(query, *cache[:, text], attn_mask=own)
        rows.append(attention.W_o(gathered.swapaxes(0, 1).flatten(1)))
    return torch.stack(rows)


@known.probe
def equal_values(rng):
    """With equal values every average is the same, whatever the weights."""
    inputs = draw_inputs(rng, batch=2, q_len=1, k_len=4, num_heads=3, d_k=2)
    inputs["cache"][1] = inputs["cache"][1, :, :, :1]
    found = yield inputs
    value = inputs["cache"][1, :, :, 0].reshape(2, 1, 6)
    differs = first_difference(found, value @ inputs["W_o.weight"].T + inputs["W_o.bias"])
    if differs is None:
        return None
    return (
        "All values of the cache made equal, whatever the weights, your output should be W_o of that one value: at "
        "[{}] it is {:.4g}, not {:.4g}.".format(*differs)
    )


@known.probe
def nobody_allowed(rng):
    inputs = draw_inputs(rng, batch=2, q_len=1, k_len=4, num_heads=3, d_k=2)
    inputs["mask"] = np.zeros((2, 1, 4), dtype=bool)
    found = yield inputs
    differs = first_difference(found, np.broadcast_to(inputs["W_o.bias"], found.shape))
    if differs is None:
        return None
    return (
        "Where the mask allows nothing, a query gathers 0, and the bias of W_o is left: at [{}] your output is {:.4g}, "
        "not {:.4g}."
    ).format(*differs)


@known.probe
def the_cache_turned(rng):
    """Who attends to everything does not mind the order."""
    inputs = draw_inputs(rng, batch=2, q_len=2, k_len=4, num_heads=3, d_k=2)
    before = yield inputs
    after = yield {**inputs, "cache": inputs["cache"][..., ::-1, :].copy()}
    if np.allclose(before, after, atol=1e-6):
        return None
    return (
        "With no mask, all of the cache is seen, and the order of its positions makes no difference. With the cache "
        "turned round your output changes."
    )


TASK = Task(
    id="09b.attend_to_cache",
    title="New queries, old keys",
    difficulty=2,
    minutes=12,
    reference=reference,
    draw=draw_inputs,
    build=BUILD,
    skeleton=MultiHeadAttention,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, 1, "float32", draw=the_example),
        Case("one new position", dict(batch=2, q_len=1, k_len=4, num_heads=3, d_k=5), 1, "float32"),
        Case("a padded memory", dict(batch=3, q_len=1, k_len=5, num_heads=2, d_k=4), 2, "float32", draw=padded),
        Case("several at once, wide numbers", dict(batch=3, q_len=2, k_len=6, num_heads=4, d_k=5), 1, "float64"),
        Case(
            "several at once, behind each other",
            dict(batch=2, q_len=3, k_len=5, num_heads=4, d_k=6),
            1,
            "float32",
            draw=causal,
        ),
        Case("another device", dict(batch=2, q_len=1, k_len=4, num_heads=3, d_k=5), 1, "float32", asks="device"),
    ),
    stages=(mapped, query, key, value, scaled, allowed, weights, merged, output),
    hints=(
        "Of what multi-head attention does, which lines are about the one who looks, and which about those looked at?",
        "cache[0] and cache[1] are split into heads already. The queries are not yet. masked_attention takes leading "
        "axes as they come: (batch, num_heads, ...).",
        "query = split_heads(W_q(x)); gathered = masked_attention(query, keys, values, mask with an axis for the "
        "heads); then merge_heads, then W_o.",
        "mask[:, None] makes (batch, 1, q_len, k_len) of a mask with three axes; one with two fits as it is. The last "
        "line: return attention.W_o(merge_heads(...)).",
    ),
    **known.ways,
)
