"""06.MultiHeadAttention: the layer as a module, for self- and cross-attention (Vaswani et al. 2017, section 3.2.2)."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_lib import attention_weights, scaled_dot_product_attention
from course_lib.multi_head import MultiHeadAttention as Finished
from course_lib.multi_head import merge_heads, split_heads
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws, heads_stages
from tasks.probes import first_difference
from tasks.rules import informative
from tasks.skeletons import MultiHeadAttention as Skeleton

known = Known()

BUILD = Build(takes=("x", "memory", "mask"), arguments=("d_model", "num_heads"), module="MultiHeadAttention")


class Base(nn.Module):
    """The four maps, as the task names them, and what they make of x and the memory."""

    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def three(self, x, memory):
        memory = x if memory is None else memory
        maps = self.W_q(x), self.W_k(memory), self.W_v(memory)
        return tuple(each.unflatten(-1, (self.num_heads, -1)).swapaxes(-3, -2) for each in maps)


def draw(rng, batch, length, num_heads, d_k):
    return _inputs(rng, (batch, length), num_heads, d_k)


def draw_padded(rng, batch, length, num_heads, d_k):
    """Sentences of different lengths; the mask has an axis of size 1 for the queries."""
    lengths = rng.permutation(length - 1 - np.arange(batch) % (length // 2))
    return _inputs(rng, (batch, length), num_heads, d_k, mask=np.arange(length) < lengths[:, None, None])


def draw_causal(rng, batch, length, num_heads, d_k):
    """One mask for all sentences, (length, length)."""
    return _inputs(rng, (batch, length), num_heads, d_k, mask=np.tri(length, dtype=bool))


def draw_memory(rng, batch, q_len, k_len, num_heads, d_k):
    return _inputs(rng, (batch, q_len), num_heads, d_k, k_len=k_len)


def draw_padded_memory(rng, batch, q_len, k_len, num_heads, d_k):
    """Memories of different lengths; of the last one nothing is left."""
    lengths = np.linspace(k_len, 0, batch).round().astype(int)
    mask = np.arange(k_len) < lengths[:, None, None]
    return _inputs(rng, (batch, q_len), num_heads, d_k, k_len=k_len, mask=mask)


def draw_pairs(rng, batch, q_len, k_len, num_heads, d_k):
    """A mask of its own for every query of every sentence, (batch, q_len, k_len); one query may attend to nothing."""
    mask = rng.random(size=(batch, q_len, k_len)) < 0.6
    mask[:, :, 0], mask[:, 0, 0], mask[:, 0, 1], mask[0, 1] = True, False, True, False
    return _inputs(rng, (batch, q_len), num_heads, d_k, k_len=k_len, mask=mask)


def draw_loud(rng, batch, length, num_heads, d_k):
    """Scores in the hundreds, where a bare exponential in float32 is infinite."""
    inputs = draw(rng, batch, length, num_heads, d_k)
    return inputs | {"W_q.weight": 400 * inputs["W_q.weight"]}


def draw_one_token(rng, num_heads, d_k):
    """A batch of one sentence of one token: what drops axes of size 1 shows."""
    return _inputs(rng, (1, 1), num_heads, d_k, mask=np.ones((1, 1, 1), dtype=bool))


def the_example(rng):
    """Queries of zeros; the second token may attend to the first alone."""
    maps = {"W_q": np.zeros((2, 2)), "W_k": np.eye(2), "W_v": np.eye(2), "W_o": np.array([[0.0, 1], [1, 1]])}
    inputs = {"d_model": 2, "num_heads": 2, "x": np.array([[[1.0, 10], [3, 30]]]), "memory": None}
    inputs["mask"] = np.array([[True, True], [True, False]])
    for name, weight in maps.items():
        inputs |= {f"{name}.weight": weight, f"{name}.bias": np.zeros(2)}
    return inputs | {"W_o.bias": np.array([100.0, 200])}


def _inputs(rng, axes, num_heads, d_k, *, k_len=None, mask=None):
    batch, q_len = axes
    d_model = num_heads * d_k
    weights = draws.parameters(rng, Skeleton(d_model, num_heads))
    weights["W_q.weight"] = 1.5 * weights["W_q.weight"]
    x = rng.normal(size=(batch, q_len, d_model))
    memory = None if k_len is None else rng.normal(size=(batch, k_len, d_model))
    return {"d_model": d_model, "num_heads": num_heads, "x": x, "memory": memory, "mask": mask, **weights}


def reference(module, num_heads, x, memory, mask):
    memory = x if memory is None else memory
    maps = (module.W_q(x), module.W_k(memory), module.W_v(memory))
    heads = (each.unflatten(-1, (num_heads, -1)).transpose(1, 2) for each in maps)
    gathered = functional.scaled_dot_product_attention(*heads, attn_mask=_for_heads(mask))
    return module.W_o(gathered.transpose(1, 2).flatten(2))


def weights(d_model, num_heads, x, memory, mask, *parameters):
    W_q, b_q, W_k, b_k = parameters[:4]
    memory = x if memory is None else memory
    query, key = (split_heads(each, num_heads) for each in (x @ W_q.T + b_q, memory @ W_k.T + b_k))
    return attention_weights(query, key, _for_heads(mask))


def _for_heads(mask):
    return None if mask is None else mask[..., None, :, :]


@Stage
def offered(x, memory):
    return x if memory is None else memory  # (batch, k_len, d_model)


@offered.slip
def memory_ignored(x):
    """The memory has no effect: keys and values are made of x. If a memory is given, it is the memory that offers
    them."""
    return x


@Stage
def query(module, x):
    return module.W_q(x)  # (batch, q_len, d_model)


@query.slip
def queries_by_W_k(module, x):
    """The queries are made by W_k, like the keys. Queries have a map of their own, W_q."""
    return module.W_k(x)


@Stage
def key(module, offered):
    return module.W_k(offered)  # (batch, k_len, d_model)


@key.slip
def keys_by_W_q(module, offered):
    """The keys are made by W_q, like the queries. Keys have a map of their own, W_k."""
    return module.W_q(offered)


@Stage
def value(module, offered):
    return module.W_v(offered)  # (batch, k_len, d_model)


@value.slip
def values_by_W_k(module, offered):
    """The values are made by W_k, like the keys. They have a map of their own, W_v."""
    return module.W_k(offered)


@Stage
def pieces(query, key, value, num_heads):
    return tuple(heads_stages.cut(each, num_heads) for each in (query, key, value))  # (batch, len, num_heads, d_k)


@pieces.slip
def every_nth_component(query, key, value, num_heads):
    """Head h takes every num_heads-th component, beginning with the h-th. It takes one piece without gaps: head 0 the
    first d_k components."""
    return tuple(heads_stages.every_nth_component(each, num_heads) for each in (query, key, value))


@Stage
def heads(pieces):
    return tuple(each.swapaxes(-3, -2) for each in pieces)  # (batch, num_heads, len, d_k)


@heads.slip
def reshaped_without_swap(pieces):
    """The heads come before the tokens by a reshape alone, which deals the numbers out in the order of memory, so that
    head 0 gets whole tokens. Cut every vector first; then swap two axes."""
    return tuple(heads_stages.reshaped_without_swap(each) for each in pieces)


@Stage
def product(heads):
    return heads[0] @ heads[1].mT  # (batch, num_heads, q_len, k_len)


@product.slip
def rows_are_keys(heads):
    """Queries and keys are exchanged: row i of the scores should hold the query of token i with all the keys."""
    return heads[1] @ heads[0].mT


@Stage
def scaled(product, heads):
    return product / math.sqrt(heads[0].shape[-1])


@scaled.slip
def root_of_d_model(product, d_model):
    """The scores are divided by the root of d_model. Each head multiplies vectors of d_k = d_model / num_heads
    components, and that is the size that counts."""
    return product / math.sqrt(d_model)


@scaled.slip
def not_scaled(product):
    """The scores are not divided by the square root of d_k."""
    return product


@Stage
def seen(mask):
    return _for_heads(mask)  # one for all heads


@seen.slip
def mask_ignored(mask):
    """A given mask has no effect: hidden keys take part like any others. They should get no weight, in every head."""
    return


@seen.slip
def mask_inverted(mask):
    """The mask is used the wrong way round: hidden keys are attended to, and the allowed ones are not. In this course
    True means may attend; in PyTorch's own layer it means blocked."""
    return None if mask is None else ~_for_heads(mask)


@Stage
def masked(scaled, seen):
    return scaled if seen is None else scaled.masked_fill(~seen, -math.inf)


@masked.slip
def large_number_for_infinity(scaled, seen):
    """Hidden scores become a large negative number, such as -1e9, and not minus infinity. It shows in a row with
    nothing allowed: that turns into an average of everything, and should gather 0."""
    return scaled if seen is None else scaled.masked_fill(~seen, -1e9)


@masked.slip
def hidden_scores_zero(scaled, seen):
    """Hidden scores are 0 before the softmax, and the exponential of 0 is 1, so those keys still take weight. Minus
    infinity takes none."""
    return scaled if seen is None else scaled * seen


@Stage
def shares(masked):
    return torch.softmax(masked, dim=-1).masked_fill(masked == -math.inf, 0)  # (batch, num_heads, q_len, k_len)


@shares.slip
def nan_where_nothing_is_allowed(masked):
    """A row with nothing allowed comes out as NaN. It should gather 0, so that the bias of W_o alone is left."""
    return torch.softmax(masked, dim=-1)


@shares.slip
def softmax_over_the_queries(masked):
    """The softmax runs over the queries, so that the columns sum to 1. Each query shares out its own attention over the
    keys: the last axis."""
    return torch.softmax(masked, dim=-2).nan_to_num()


@shares.slip
def softmax_over_the_heads(masked):
    """The softmax runs over the heads. It runs over the keys, the last axis, in each head for itself."""
    return torch.softmax(masked, dim=-3).nan_to_num()


@shares.slip
def multiplied_after(scaled, seen):
    """The mask is applied after the softmax, so hidden keys have had their part in the sum, and the rows no longer sum
    to 1. It belongs on the scores."""
    return torch.softmax(scaled, dim=-1) * (1 if seen is None else seen)


@Stage
def value_heads(heads):
    return heads[2]


@Stage
def gathered(shares, value_heads):
    return shares @ value_heads  # (batch, num_heads, q_len, d_k)


@Stage
def mixed(module, merged):
    return module.W_o(merged)  # (batch, q_len, d_model)


@mixed.slip
def no_W_o(merged):
    """W_o has no part in it: the merged heads are returned as they are. It mixes what the heads have found."""
    return merged


@mixed.slip
def no_bias_of_W_o(module, merged):
    """The bias of W_o is not added. Calling the layer, W_o(...), multiplies by its weight and adds its bias."""
    return merged @ module.W_o.weight.mT


@Stage
def result(mixed):
    return mixed


@result.slip
def input_added(mixed, x):
    """The input is added to the result. That happens around the layer, in the block of chapter 08; here, the layer
    alone is asked for."""
    return x + mixed


def formula(query, key, value, mask):
    """Attention as many write it, with a mask that fits the heads, or does not."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, dim=-1)
    return (weights if mask is None else weights.masked_fill(~mask, 0.0)) @ value


@known.legal
class OfParts(Base):
    def forward(self, x, memory=None, mask=None):
        source = x if memory is None else memory
        query = split_heads(self.W_q(x), self.num_heads)
        key = split_heads(self.W_k(source), self.num_heads)
        value = split_heads(self.W_v(source), self.num_heads)
        if mask is not None:
            mask = mask.unsqueeze(-3)
        return self.W_o(merge_heads(formula(query, key, value, mask)))


@known.legal
class HeadByHead(Base):
    """The sum over heads, each with its rows of the maps and its columns of W_o."""

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        d_k = x.shape[-1] // self.num_heads
        output = self.W_o.bias
        for start in range(0, x.shape[-1], d_k):
            own = slice(start, start + d_k)
            query = x @ self.W_q.weight[own].T + self.W_q.bias[own]
            key = memory @ self.W_k.weight[own].T + self.W_k.bias[own]
            value = memory @ self.W_v.weight[own].T + self.W_v.bias[own]
            output = output + scaled_dot_product_attention(query, key, value, mask) @ self.W_o.weight[:, own].T
        return output


@known.legal
class WithEinsum(nn.Module):
    """Built in another order, with a softmax of its own."""

    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h = num_heads
        for name in ("W_o", "W_v", "W_k", "W_q"):
            setattr(self, name, nn.Linear(d_model, d_model))

    def forward(self, x, memory=None, mask=None):
        if memory is None:
            memory = x
        b, q_len, d_model = x.shape
        d_k = d_model // self.h
        query = self.W_q(x).view(b, q_len, self.h, d_k) / d_k**0.5
        key, value = (W(memory).view(b, -1, self.h, d_k) for W in (self.W_k, self.W_v))
        scores = torch.einsum("bihd,bjhd->bhij", query, key)
        raised = torch.exp(scores - scores.amax(-1, keepdim=True).detach())
        if mask is not None:
            mask = mask[:, None] if mask.ndim == 3 else mask
            hidden = torch.where(mask, scores, torch.finfo(x.dtype).min)
            raised = torch.where(mask, torch.exp(hidden - hidden.amax(-1, keepdim=True).detach()), 0)
        shares = raised / raised.sum(-1, keepdim=True).clamp(min=1e-30)
        return self.W_o(torch.einsum("bhij,bjhd->bihd", shares, value).reshape(b, q_len, d_model))


@known.mistake
class OneHead(Base):
    """This is attention with one head: num_heads has no effect. Split queries, keys and values."""

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        return self.W_o(formula(self.W_q(x), self.W_k(memory), self.W_v(memory), mask))


@known.mistake
class ReshapedBothWays(Base):
    """Split and merge are both a reshape without a swap. The shapes come out right, and a head attends among pieces of
    a few tokens. Cut every vector first, then swap the tokens and the heads; to merge, swap back before you join."""

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = self.W_q(x), self.W_k(memory), self.W_v(memory)
        heads = (each.reshape(len(x), self.num_heads, each.shape[1], -1) for each in maps)
        return self.W_o(formula(*heads, _for_heads(mask)).reshape(x.shape))


@known.mistake
class AmongTheHeads(Base):
    """The heads still stand behind the tokens when they attend, so each token attends among its own heads, and never to
    another token. Swap the tokens and the heads before you attend."""

    def forward(self, x, memory=None, mask=None):
        query, key, value = (W(x).unflatten(-1, (self.num_heads, -1)) for W in (self.W_q, self.W_k, self.W_v))
        return self.W_o(formula(query, key, value, mask).flatten(-2))


@known.mistake
class PiecesMapped(Base):
    """A map gets the heads' pieces of d_k components, where it takes vectors of d_model. W_q, W_k and W_v come before
    the split, and W_o after the merge."""

    def forward(self, x, memory=None, mask=None):
        heads = split_heads(x, self.num_heads)
        return self.W_q(heads)


# Attention from the file of parts: where it stops is none of the answer's own lines.
PART = {"torch": torch, "math": math}
exec(
    compile(
        """
def formula(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, dim=-1)
    return (weights if mask is None else weights.masked_fill(~mask, 0.0)) @ value
""",
        "<part 04.masked_attention>",
        "exec",
    ),
    PART,
)
from_a_part = PART["formula"]


def by_the_kernel(query, key, value, mask):
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


class AsItIs(Base):
    """Hands the mask on as it is."""

    attend, axis = staticmethod(from_a_part), None

    def forward(self, x, memory=None, mask=None):
        query, key, value = self.three(x, memory)
        if mask is not None and self.axis is not None:
            mask = mask.unsqueeze(self.axis)
        return self.W_o(merge_heads(self.attend(query, key, value, mask)))


@known.mistake
class NoAxisForTheHeads(AsItIs):
    """The mask has no axis for the heads, so the sentences of the batch are lined up with the heads. That is an error,
    or, with as many sentences as heads, wrong without a word. It needs an axis of size 1 before its last two."""


@known.mistake
class NoAxisWhereItIsFilledIn(AsItIs):
    """Where mask and scores meet, the mask has no axis for the heads, so the sentences of the batch are lined up with
    the heads. It needs an axis of size 1 before its last two."""

    attend = staticmethod(formula)


@known.mistake
class NoAxisInTheKernel(AsItIs):
    """PyTorch's attention gets the mask without an axis for the heads, so the sentences of the batch are lined up with
    the heads. Give it one of size 1 before its last two."""

    attend = staticmethod(by_the_kernel)


@known.mistake
class AxisFromTheFront(AsItIs):
    """The mask gets its axis for the heads at place 1, counted from the front. That fits a mask of a batch, (batch, 1,
    k_len), and none without one, (q_len, k_len). Count from the end: before the last two axes."""

    axis = 1


@known.mistake
class AxisFromTheFrontWhereItIsFilledIn(AxisFromTheFront):
    """Where mask and scores meet, the axis for the heads stands at place 1, counted from the front. A mask without a
    batch, (q_len, k_len), has no batch to skip. Count from the end: before the last two axes."""

    attend = staticmethod(formula)


class OfOthers(Base):
    """Makes queries, keys and values of the wrong sequences, for attention from the file of parts."""

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = zip((self.W_q, self.W_k, self.W_v), self.sources(x, memory), strict=True)
        query, key, value = (split_heads(W(source), self.num_heads) for W, source in maps)
        mask = _for_heads(mask)
        return self.W_o(merge_heads(from_a_part(query, key, value, mask)))


@known.mistake
class MemoryLeftOut(OfOthers):
    """Keys and values are made of x even where there is a memory. Then it is the memory that offers them."""

    def sources(self, x, memory):
        return x, x, x


@known.mistake
class TheMemoryAsks(OfOthers):
    """The queries are made of the memory, where there is one. It is x that asks, one row for each of its tokens."""

    def sources(self, x, memory):
        return memory, memory, memory


@known.mistake
class Exchanged(OfOthers):
    """x and the memory are exchanged: the memory asks, and x answers. Queries are made of x, keys and values of the
    memory."""

    def sources(self, x, memory):
        return memory, x, x


@known.mistake
class KeysOfAnother(OfOthers):
    """The keys are made of x and the values of the memory, so there are not as many of one as of the other. Both come
    from the memory, if there is one."""

    def sources(self, x, memory):
        return x, x, memory


@known.mistake
class ValuesOfAnother(OfOthers):
    """The values are made of x and the keys of the memory, so there are not as many of one as of the other. Both come
    from the memory, if there is one."""

    def sources(self, x, memory):
        return x, memory, x


@known.mistake
class WeightsNotTransposed(Base):
    """x is multiplied by the weight of W_q and not handed to W_q itself. nn.Linear keeps its weight turned around,
    (outputs, inputs); as it is square, nothing complains. Call the maps: that adds their biases as well."""

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = x @ self.W_q.weight, memory @ self.W_k.weight, memory @ self.W_v.weight
        heads = (split_heads(each, self.num_heads) for each in maps)
        return merge_heads(formula(*heads, _for_heads(mask))) @ self.W_o.weight


@known.mistake
class WeightsAlone(Base):
    """The biases take no part: x is multiplied by the weights alone. Calling a map, W_q(x), multiplies by its weight
    and adds its bias."""

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = x @ self.W_q.weight.mT, memory @ self.W_k.weight.mT, memory @ self.W_v.weight.mT
        heads = (split_heads(each, self.num_heads) for each in maps)
        return merge_heads(formula(*heads, _for_heads(mask))) @ self.W_o.weight.mT


@known.mistake
class GradientsCut(Base):
    """The weights are cut off from what made them, by detach() or no_grad(): the output is right, and W_q and W_k would
    never learn. Leave the thread whole."""

    def forward(self, x, memory=None, mask=None):
        query, key, value = self.three(x, memory)
        return self.W_o(merge_heads(formula(query.detach(), key.detach(), value, _for_heads(mask))))


@known.mistake
class GradientsOfNan(Base):
    """The output is right, but in a row with nothing allowed the gradient is no number (NaN): 0 / 0 happens on the way,
    and torch.where hides it going forward alone. Keep the sum from being 0 before you divide."""

    def forward(self, x, memory=None, mask=None):
        query, key, value = self.three(x, memory)
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        raised = torch.exp(scores - scores.amax(-1, keepdim=True)) * (1 if mask is None else _for_heads(mask))
        total = raised.sum(-1, keepdim=True)
        return self.W_o(merge_heads(torch.where(total > 0, raised / total, 0) @ value))


@known.mistake
class MadeOnTheCpu(Base):
    """A tensor is made anew on the CPU, and on a GPU it would meet those that stand there. Make it where x is:
    device=x.device."""

    def forward(self, x, memory=None, mask=None):
        query, key, value = self.three(x, memory)
        if mask is None:
            mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool)
        return self.W_o(merge_heads(formula(query, key, value, _for_heads(mask))))


@known.borrowed
class ByPyTorchsOwn(Base):
    def forward(self, x, memory=None, mask=None):
        return nn.MultiheadAttention(x.shape[-1], self.num_heads, batch_first=True, dtype=x.dtype)(x, x, x)[0]


@known.borrowed
class ByTheCourses(Base):
    def forward(self, x, memory=None, mask=None):
        return Finished(x.shape[-1], self.num_heads).to(x.dtype)(x, memory, mask)[0]


@known.probe
def one_token(rng):
    inputs = draw(rng, batch=2, length=1, num_heads=3, d_k=2)
    yours = yield inputs
    value = inputs["x"] @ inputs["W_v.weight"].T + inputs["W_v.bias"]
    found = first_difference(yours, value @ inputs["W_o.weight"].T + inputs["W_o.bias"])
    return found and (
        f"A single token has nobody else to attend to, so the result should be W_o(W_v(x)): at [{found[0]}] yours is "
        f"{found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def queries_of_zeros(rng):
    inputs = draw_padded(rng, batch=2, length=5, num_heads=2, d_k=3)
    inputs |= {name: np.zeros_like(inputs[name]) for name in ("W_q.weight", "W_q.bias")}
    inputs["memory"] = rng.normal(size=(2, 5, 6))
    yours = yield inputs
    value = inputs["memory"] @ inputs["W_v.weight"].T + inputs["W_v.bias"]
    average = np.broadcast_to(inputs["mask"] / inputs["mask"].sum(axis=-1, keepdims=True) @ value, (2, 5, 6))
    found = first_difference(yours, average @ inputs["W_o.weight"].T + inputs["W_o.bias"])
    return found and (
        f"With a W_q of zeros all scores are equal, and each token should get W_o of the average of W_v(memory) over "
        f"what it may attend to: at [{found[0]}] yours is {found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def one_head_of_the_result(rng):
    inputs = draw(rng, batch=1, length=3, num_heads=2, d_k=3)
    inputs["W_o.weight"] = np.diag([1.0, 1, 1, 0, 0, 0])
    once = yield inputs
    other = {**inputs, "W_q.weight": inputs["W_q.weight"].copy()}
    other["W_q.weight"][3:] = -inputs["W_q.weight"][3:]
    again = yield other
    found = first_difference(again, once)
    return found and (
        f"With a W_o that lets head 0 through alone, the queries of head 1 should not matter; with the sign of their "
        f"map turned, yours changes at [{found[0]}] from {found[2]:.4g} to {found[1]:.4g}."
    )


@known.probe
def nobody_allowed(rng):
    inputs = draw(rng, batch=2, length=4, num_heads=3, d_k=2)
    inputs["mask"] = np.zeros((4, 4), dtype=bool)
    yours = yield inputs
    found = first_difference(yours, np.broadcast_to(inputs["W_o.bias"], yours.shape))
    return found and (
        f"Where nobody may attend to anything, every token gathers 0, and the bias of W_o is left: at [{found[0]}] "
        f"your output is {found[1]:.4g}, not {found[2]:.4g}."
    )


TASK = Task(
    id="06.MultiHeadAttention",
    title="Multi-head attention as a module",
    difficulty=3,
    minutes=25,
    reference=reference,
    draw=draw,
    build=BUILD,
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("2 heads, no mask", dict(batch=1, length=3, num_heads=2, d_k=4), dtype="float32"),
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case("padded sentences", dict(batch=4, length=5, num_heads=3, d_k=2), dtype="float32", draw=draw_padded),
        Case("a causal mask", dict(batch=2, length=5, num_heads=3, d_k=4), dtype="float32", draw=draw_causal),
        Case("a memory", dict(batch=2, q_len=3, k_len=5, num_heads=2, d_k=4), 2, "float32", draw=draw_memory),
        Case(
            "padded memories, one of them empty",
            dict(batch=3, q_len=4, k_len=5, num_heads=2, d_k=3),
            2,
            "float32",
            draw=draw_padded_memory,
        ),
        Case(
            "a mask for every query, in float64",
            dict(batch=2, q_len=4, k_len=5, num_heads=3, d_k=2),
            draw=draw_pairs,
        ),
        Case("one token", dict(num_heads=2, d_k=3), dtype="float32", draw=draw_one_token),
        Case("scores in the hundreds", dict(batch=2, length=4, num_heads=3, d_k=5), dtype="float32", draw=draw_loud),
        Case(
            "gradients",
            dict(batch=3, q_len=4, k_len=5, num_heads=2, d_k=3),
            2,
            "float32",
            draw=draw_padded_memory,
            asks="gradients",
        ),
        Case("another device", dict(batch=2, length=4, num_heads=3, d_k=5), dtype="float32", asks="device"),
    ),
    finished=(
        "course_lib.multi_head.MultiHeadAttention.forward",
        "torch.nn.MultiheadAttention.forward",
        "torch.nn.functional.multi_head_attention_forward",
        "torch.nn.TransformerEncoderLayer.forward",
    ),
    hints=(
        "Begin without memory and mask: map, split, attend, merge, mix. Which of these five do you have already?",
        (
            "What shape has `split_heads(self.W_q(x), self.num_heads)`? Keys and values take the same way, from the "
            "memory, or from x where that is None."
        ),
        (
            "The scores have shape (batch, num_heads, q_len, k_len), and the mask has no axis for the heads: it needs "
            "one of size 1, before its last two. And it may be None."
        ),
        (
            "`mask = None if mask is None else mask[..., None, :, :]`, then `masked_attention` of the three and the "
            "mask, then `merge_heads`, then `self.W_o`."
        ),
    ),
    drawn=(informative(lambda *inputs: weights(*inputs[:-1])),),
    stages=(
        offered,
        query,
        key,
        value,
        pieces,
        heads,
        product,
        scaled,
        seen,
        masked,
        shares,
        value_heads,
        gathered,
        heads_stages.swapped.but(
            "all_axes_turned",
            "axes_0_and_1_swapped",
            "second_and_third_axes_swapped",
            "order_of_four_axes",
            "four_axes_component_by_component",
            "merged_words_reversed",
            "words_not_brought_forward",
            "words_and_components_swapped",
            "component_by_component",
            "merged_in_reverse_order",
            heads="gathered",
        ),
        heads_stages.merged.but(
            "not_joined",
            "averaged",
            "summed",
            "largest_of_the_heads",
            "first_head_alone",
            "last_head_alone",
            "last_head_missing",
            "average_for_every_head",
            "two_heads_merged",
            "divided_by_the_heads",
            "viewed_after_the_swap",
            "last_head_in_the_first_place",
            heads="gathered",
        ),
        mixed,
        result,
    ),
    coincidences={"reshaped_without_swap + reshaped_at_once": "ReshapedBothWays"},
    **known.ways,
)
