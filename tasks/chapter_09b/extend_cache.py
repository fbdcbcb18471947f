"""09b.extend_cache: keys and values of new positions behind those of the past."""

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
    takes=("x", "cache"), arguments=("d_model", "num_heads"), module="MultiHeadAttention", given=True, name="attention"
)


def draw_inputs(rng, batch, length, past, num_heads, d_k):
    d_model = num_heads * d_k
    return {
        "d_model": d_model,
        "num_heads": num_heads,
        "x": rng.normal(size=(batch, length, d_model)),
        "cache": rng.normal(size=(2, batch, num_heads, past, d_k)),
        **draws.parameters(rng, MultiHeadAttention(d_model, num_heads)),
    }


def first(rng, batch, length, num_heads, d_k):
    """Nothing has been written yet."""
    return {**draw_inputs(rng, batch, length, 1, num_heads, d_k), "cache": None}


def the_example(rng):
    """Two heads of size 1; W_k keeps x, W_v multiplies it by 10."""
    weights = {
        f"{name}.{kind}": np.eye(2) * factor if kind == "weight" else np.zeros(2)
        for name, factor in (("W_q", 0), ("W_k", 1), ("W_v", 10), ("W_o", 0))
        for kind in ("weight", "bias")
    }
    cache = np.array([[1.0, 2.0], [10.0, 20.0]]).reshape(2, 1, 2, 1, 1)
    return {"d_model": 2, "num_heads": 2, "x": np.array([[[3.0, 4.0]]]), "cache": cache, **weights}


def reference(attention, x, cache):
    batch, length, d_model = x.shape
    shape = (batch, length, attention.num_heads, d_model // attention.num_heads)
    new = [functional.linear(x, layer.weight, layer.bias).view(shape) for layer in (attention.W_k, attention.W_v)]
    new = torch.stack(new).permute(0, 1, 3, 2, 4)  # (2, batch, num_heads, length, d_k)
    return new if cache is None else torch.cat([cache, new], dim=3)


@Stage
def key(attention, x):
    return attention.W_k(x)  # (batch, length, d_model)


@key.slip
def keys_by_W_q(attention, x):
    """The new keys are made by W_q. Keys have a map of their own, W_k."""
    return attention.W_q(x)


@key.slip
def keys_without_their_bias(attention, x):
    """The new keys lack the bias of W_k. Calling the layer, W_k(x), multiplies by its weight and adds its bias."""
    return x @ attention.W_k.weight.mT


@key.slip
def keys_not_mapped(x):
    """The new keys are x itself: W_k has no part in them. What is kept is what later positions will compare with."""
    return x


@Stage
def value(attention, x):
    return attention.W_v(x)  # (batch, length, d_model)


@value.slip
def values_by_W_k(attention, x):
    """The new values are made by W_k, like the keys. Values have a map of their own, W_v."""
    return attention.W_k(x)


@value.slip
def values_by_W_q(attention, x):
    """The new values are made by W_q. Values have a map of their own, W_v."""
    return attention.W_q(x)


@value.slip
def values_without_their_bias(attention, x):
    """The new values lack the bias of W_v. Calling the layer, W_v(x), multiplies by its weight and adds its bias."""
    return x @ attention.W_v.weight.mT


@value.slip
def values_not_mapped(x):
    """The new values are x itself: W_v has no part in them. What is kept is what later positions will gather."""
    return x


@Stage
def stacked(key, value):
    return torch.stack([key, value])  # (2, batch, length, d_model)


@stacked.slip
def values_first(key, value):
    """In the new positions, values stand at index 0 and keys at index 1. In the cache it is the other way round: keys
    first."""
    return torch.stack([value, key])


@Stage
def new(stacked, num_heads):
    return stacked.unflatten(-1, (num_heads, -1)).transpose(-3, -2)  # (2, batch, num_heads, length, d_k)


@new.slip
def reshaped_straight(stacked, num_heads):
    """The new keys and values are reshaped straight to (num_heads, length, d_k), which mixes positions into heads.
    First split d_model into heads, then swap the axes, as split_heads does."""
    two, batch, length, d_model = stacked.shape
    return stacked.reshape(two, batch, num_heads, length, d_model // num_heads)


@new.slip
def heads_interleaved(stacked, num_heads):
    """The new keys and values are split the other way: every num_heads-th number goes to one head. A head has d_k
    numbers that stand side by side."""
    return stacked.unflatten(-1, (-1, num_heads)).movedim(-1, -3)


@Stage
def extended(cache, new):
    return new if cache is None else torch.cat([cache, new], dim=-2)


@extended.slip
def in_front(cache, new):
    """The new positions stand in front of the past. Positions stay in their order: the new ones come behind."""
    return new if cache is None else torch.cat([new, cache], dim=-2)


@extended.slip
def past_lost(new):
    """The new positions alone come back; what was in the cache is lost. It is to stay, and the new ones come behind
    it."""
    return new


@extended.slip
def last_ones_overwritten(cache, new):
    """The new positions take the places of the last ones of the past, and the cache stays as long as it was. It is to
    grow: the new ones come behind."""
    return new if cache is None else torch.cat([cache[..., : -new.shape[-2], :], new], dim=-2)


@extended.slip
def oldest_dropped(cache, new):
    """The new positions come behind the past, and as many old ones fall out in front: the cache stays as long as it
    was. Everything written stays in it."""
    return new if cache is None else torch.cat([cache, new], dim=-2)[..., new.shape[-2] :, :]


@extended.slip
def first_new_position_only(cache, new):
    """Of the new positions only the first is kept. All of x goes into the cache."""
    return new[..., :1, :] if cache is None else torch.cat([cache, new[..., :1, :]], dim=-2)


@extended.slip
def last_new_position_only(cache, new):
    """Of the new positions only the last is kept. All of x goes into the cache."""
    return new[..., -1:, :] if cache is None else torch.cat([cache, new[..., -1:, :]], dim=-2)


@known.mistake
def none_joined(attention, x, cache):
    """At the first call there is nothing to join: cache is None, and the new keys and values alone are the answer."""
    new = torch.stack([attention.W_k(x), attention.W_v(x)])
    new = new.unflatten(-1, (attention.num_heads, -1)).transpose(-3, -2)
    return torch.cat([cache, new], dim=-2)


@known.mistake
def joined_at_the_first_axis(attention, x, cache):
    """torch.cat joins along axis 0 unless told otherwise, and axis 0 tells keys from values. Positions stand on the
    last axis but one: dim=-2."""
    new = torch.stack([attention.W_k(x), attention.W_v(x)])
    new = new.unflatten(-1, (attention.num_heads, -1)).transpose(-3, -2)
    return new if cache is None else torch.cat([cache, new])


@known.mistake
def joined_at_the_last_axis(attention, x, cache):
    """The new keys and values are joined along the last axis, where d_k stands. Positions stand on the last axis but
    one: dim=-2."""
    new = torch.stack([attention.W_k(x), attention.W_v(x)])
    new = new.unflatten(-1, (attention.num_heads, -1)).transpose(-3, -2)
    return new if cache is None else torch.cat([cache, new], dim=-1)


@known.mistake
def heads_not_split(attention, x, cache):
    """The new keys and values are not split into heads: they have 4 axes, and the cache has 5. split_heads makes
    (batch, num_heads, length, d_k) of each."""
    new = torch.stack([attention.W_k(x), attention.W_v(x)])
    return new if cache is None else torch.cat([cache, new], dim=-2)


@known.mistake
def made_on_the_cpu(attention, x, cache):
    """An empty cache is made on the CPU to begin with, and on a GPU it would meet keys and values that are not there.
    Where cache is None, the new ones alone are the answer; or make it where x is: device=x.device."""
    new = torch.stack([attention.W_k(x), attention.W_v(x)])
    new = new.unflatten(-1, (attention.num_heads, -1)).transpose(-3, -2)
    if cache is None:
        cache = torch.zeros(*new.shape[:3], 0, new.shape[-1], dtype=x.dtype)
    return torch.cat([cache, new], dim=-2)


@known.legal
@torch.no_grad()
def each_by_itself(attention, x, cache):
    rows = []
    for index, layer in enumerate((attention.W_k, attention.W_v)):
        heads = layer(x).chunk(attention.num_heads, dim=-1)
        new = torch.stack(heads, dim=1)  # (batch, num_heads, length, d_k)
        rows.append(new if cache is None else torch.cat((cache[index], new), dim=2))
    return torch.stack(rows)


@known.legal
def by_einsum(attention, x, cache):
    heads, d_k = attention.num_heads, x.shape[-1] // attention.num_heads
    weight = torch.stack([attention.W_k.weight, attention.W_v.weight]).reshape(2, heads, d_k, -1)
    bias = torch.stack([attention.W_k.bias, attention.W_v.bias]).reshape(2, 1, heads, 1, d_k)
    new = torch.einsum("shdm,blm->sbhld", weight, x) + bias
    if cache is None:
        cache = new[..., :0, :]
    return torch.cat([cache, new], -2)


@known.legal
def into_room(attention, x, cache):
    """Make room, then fill it."""
    (batch, length, d_model), heads = x.shape, attention.num_heads
    past = 0 if cache is None else cache.shape[3]
    room = x.new_empty(2, batch, heads, past + length, d_model // heads)
    if past:
        room[..., :past, :] = cache
    for position in range(length):
        room[0, :, :, past + position] = attention.W_k(x[:, position]).unflatten(-1, (heads, -1))
        room[1, :, :, past + position] = attention.W_v(x[:, position]).unflatten(-1, (heads, -1))
    return room


@known.probe
def the_past_stays(rng):
    inputs = draw_inputs(rng, batch=2, length=1, past=3, num_heads=3, d_k=2)
    found = yield inputs
    differs = first_difference(found[..., :3, :], inputs["cache"])
    if differs is None:
        return None
    return (
        "What was in the cache should stand in front as it is: of those positions, [{}] is {:.4g}, not {:.4g}.".format(
            *differs
        )
    )


@known.probe
def where_the_new_ones_are(rng):
    inputs = draw_inputs(rng, batch=2, length=1, past=3, num_heads=3, d_k=2)
    before = yield inputs
    after = yield {**inputs, "x": inputs["x"] + 1}
    moved = np.unique(np.argwhere(~np.isclose(before, after, atol=1e-6))[:, 3]).tolist()
    if moved == [3]:
        return None
    where = ", ".join(map(str, moved)) or "none at all"
    return (
        f"The cache holds positions 0, 1 and 2, and x is one position. When x changes, of your result position 3 alone "
        f"should change; it is {where}."
    )


@known.probe
def what_makes_keys_and_values(rng):
    inputs = draw_inputs(rng, batch=2, length=1, past=3, num_heads=3, d_k=2)
    before = yield inputs
    for name, index in (("W_k", 0), ("W_v", 1)):
        after = yield {
            **inputs,
            f"{name}.weight": inputs[f"{name}.weight"] + 1,
            f"{name}.bias": -inputs[f"{name}.bias"],
        }
        moved = {int(at) for at in np.argwhere(~np.isclose(before, after, atol=1e-6))[:, 0]}
        if moved != {index}:
            half = ("keys, index 0", "values, index 1")
            said = " and ".join(half[at] for at in sorted(moved)) or "nothing"
            return f"When {name} changes, the new {half[index]}, alone should change; in your result, {said}, does."
    return None


TASK = Task(
    id="09b.extend_cache",
    title="The cache grows",
    difficulty=1,
    minutes=8,
    reference=reference,
    draw=draw_inputs,
    build=BUILD,
    skeleton=MultiHeadAttention,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, 1, "float32", draw=the_example),
        Case("the first positions", dict(batch=2, length=3, num_heads=4, d_k=5), 1, "float32", draw=first),
        Case("one new position", dict(batch=2, length=1, past=4, num_heads=3, d_k=5), 1, "float32"),
        Case("several at once", dict(batch=3, length=2, past=5, num_heads=4, d_k=6), 1, "float64"),
        Case("another device", dict(batch=2, length=3, num_heads=4, d_k=5), 1, "float32", draw=first, asks="device"),
    ),
    stages=(key, value, stacked, new, extended),
    hints=(
        "Which two of the layer's four maps make what others look at, and which two belong to the one that looks?",
        "split_heads(attention.W_k(x), attention.num_heads) makes the new keys (batch, num_heads, length, d_k), and "
        "likewise the values. torch.stack([..., ...]) makes one tensor of two.",
        "new = keys and values, stacked on a new first axis. cache is None: new. Otherwise: cache, then new, joined "
        "where positions stand.",
        "return torch.cat([cache, new], dim=...): which axis of (2, batch, num_heads, past, d_k) is to grow?",
    ),
    **known.ways,
)
