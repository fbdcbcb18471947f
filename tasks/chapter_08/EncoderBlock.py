"""08.EncoderBlock: attention and a feed-forward network, with sums, norms and dropout, in either order (Vaswani et al.
2017, section 3.1; Xiong et al. 2020, figure 1b)."""

import functools

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from course_lib.layers import FeedForward, layer_norm
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws
from tasks.probes import first_difference
from tasks.skeletons import EncoderBlock as Skeleton
from tasks.skeletons import MultiHeadAttention
from tasks.torch_blocks import torchs_block, torchs_mask

known = Known()


def pre(rng, **sizes):
    return _inputs(rng, "pre", **sizes)


def post(rng, **sizes):
    return _inputs(rng, "post", **sizes)


def _inputs(rng, norm, batch, length, d_model, num_heads, d_ff, dropout=0.0):
    return {
        "d_model": d_model,
        "num_heads": num_heads,
        "d_ff": d_ff,
        "dropout": dropout,
        "norm": norm,
        "x": 1.2 * rng.normal(size=(batch, length, d_model)) + 0.3,
        "mask": None,
        **draws.parameters(rng, Skeleton(d_model, num_heads, d_ff)),
    }


def post_padded(rng, **sizes):
    return _padded(rng, "post", **sizes)


def quiet(rng, **sizes):
    """Words whose numbers hardly differ, so that epsilon counts."""
    inputs = _padded(rng, "pre", **sizes)
    return {**inputs, "x": 0.01 * inputs["x"]}


def _padded(rng, norm, batch, length, **sizes):
    """Sentences of different lengths; of the last one nothing is left."""
    mask = np.arange(length) < np.linspace(length, 0, batch).round().astype(int)[:, None, None]
    return {**_inputs(rng, norm, batch=batch, length=length, **sizes), "mask": mask}


def post_causal(rng, length, **sizes):
    """With a share of 1, dropout leaves nothing in training and everything in evaluation."""
    return {**_inputs(rng, "post", length=length, dropout=1.0, **sizes), "mask": np.tri(length, dtype=bool)}


def pre_dropping(rng, **sizes):
    return _inputs(rng, "pre", dropout=1.0, **sizes)


def post_dropping(rng, **sizes):
    return _inputs(rng, "post", dropout=1.0, **sizes)


def the_example(rng, **sizes):
    """Both parts give zeros, so sums and norms are left."""
    zeros = {name: np.zeros_like(value) for name, value in draws.parameters(rng, Skeleton(4, 2, 3)).items()}
    gains = {name: np.ones(4) for name in zeros if name.startswith("norm") and name.endswith("weight")}
    inputs = {"d_model": 4, "num_heads": 2, "d_ff": 3, "dropout": 0.0, "norm": "post"}
    return {**inputs, "x": np.array([[[0.0, 0.0, 0.0, 2.0]]]), "mask": None, **zeros, **gains}


def reference(module, x, mask, norm):
    """PyTorch's own block with the module's weights."""
    layer, weights = torchs_block(module, norm)
    heads = module.attention.num_heads
    return functional_call(layer.train(module.training), weights, (x,), {"src_mask": torchs_mask(x, mask, heads)})


# Some parts are functions here, so that a slip in one of them is made wherever it is used.


@Stage
def order(norm):
    return norm


@order.slip
def always_post(norm):
    """This is post-norm whatever `norm` says. With "pre", the norm comes before each part, and the sum stays as it
    is."""
    return "post"


@order.slip
def always_pre(norm):
    """This is pre-norm whatever `norm` says. With "post", each norm comes after its sum."""
    return "pre"


@order.slip
def orders_swapped(norm):
    """The two orders have changed places. "pre" means that the norm comes before each part."""
    return "post" if norm == "pre" else "pre"


@Stage
def norms(module):
    return module.norm_attention, module.norm_feed_forward


@norms.slip
def first_norm_for_both(module):
    """Both norms are norm_attention. The feed-forward network has a norm of its own, with other weights:
    norm_feed_forward."""
    return module.norm_attention, module.norm_attention


@norms.rare
def second_norm_for_both(module):
    """Both norms are norm_feed_forward. Attention has a norm of its own, with other weights: norm_attention."""
    return module.norm_feed_forward, module.norm_feed_forward


@norms.slip
def norms_swapped(module):
    """The two norms have changed places. norm_attention belongs to attention, norm_feed_forward to the feed-forward
    network."""
    return module.norm_feed_forward, module.norm_attention


@Stage
def drops(module):
    return module.dropout, module.dropout  # behind attention, behind the feed-forward network


@drops.slip
def no_dropout(module):
    """Dropout has no effect while training. It stands behind each part, before the sum: x + dropout(part(...))."""
    return nn.Identity(), nn.Identity()


@drops.rare
def no_dropout_behind_attention(module):
    """Dropout has no effect on what attention returns. It stands behind each of the two parts."""
    return nn.Identity(), module.dropout


@drops.rare
def no_dropout_behind_the_network(module):
    """Dropout has no effect on what the feed-forward network returns. It stands behind each of the two parts."""
    return module.dropout, nn.Identity()


@drops.slip
def dropout_in_evaluation(module):
    """Dropout goes on in evaluation mode, where everything should pass. An nn.Dropout made in __init__ knows the mode;
    a function has to be told: F.dropout(..., training=self.training)."""
    drop = functools.partial(functional.dropout, p=module.dropout.p, training=True)
    return drop, drop


@Stage
def attend(module, mask):
    """Attention of queries made of the words, keys and values of the same or of others."""
    return lambda words, others=None: module.attention(words, others, mask)


@attend.slip
def mask_not_handed_on(module):
    """The mask has no effect: it does not reach attention, and hidden words are read like any others."""
    return lambda words, others=None: module.attention(words, others)


@attend.rare
def mask_inverted(module, mask):
    """The mask is used the wrong way round: True means that a word may be read."""
    return lambda words, others=None: module.attention(words, others, None if mask is None else ~mask)


@Stage
def around(order):
    """What stands around each part: norm, dropout and sum."""

    def around(x, part, norm, drop):
        return x + drop(part(norm(x))) if order == "pre" else norm(x + drop(part(x)))

    return around


@around.slip
def no_residual_sums(order):
    """Each part replaces its input; nothing is added. Add the input to what the part returns, both times."""
    return lambda x, part, norm, drop: drop(part(norm(x))) if order == "pre" else norm(drop(part(x)))


@around.slip
def residual_from_the_normalized_input(order):
    """In pre-norm, the sums add the normalized input, as if x had been overwritten by its norm. Add x itself: the norm
    is for the part alone."""

    def around(x, part, norm, drop):
        return norm(x) + drop(part(norm(x))) if order == "pre" else norm(x + drop(part(x)))

    return around


@around.slip
def norm_before_the_sum(order):
    """In post-norm, each norm is applied to the part's output before that is added. Add first, then normalize the
    sum."""
    return lambda x, part, norm, drop: x + (drop(part(norm(x))) if order == "pre" else norm(drop(part(x))))


@around.slip
def no_norms(order):
    """There is no norm, neither before the parts nor after their sums."""
    return lambda x, part, norm, drop: x + drop(part(x))


@around.slip
def norm_after_every_sum(order):
    """In pre-norm, the sums are normalized as well. The norm comes before each part there, and the sum stays as it
    is."""
    return lambda x, part, norm, drop: norm(x + drop(part(norm(x) if order == "pre" else x)))


@around.rare
def norm_of_the_result_in_pre_norm(order):
    """In pre-norm, each norm is applied to what a part returns, and the part sees the words as they are. The norm comes
    before the part."""
    return lambda x, part, norm, drop: x + drop(norm(part(x))) if order == "pre" else norm(x + drop(part(x)))


@around.rare
def norm_of_the_result_always(order):
    """Each norm is applied to what a part returns, before the sum, in both orders. In pre-norm it comes before the
    part, in post-norm after the sum."""
    return lambda x, part, norm, drop: x + drop(norm(part(x)))


@around.rare
def sums_dropped(order):
    """Dropout is applied to the sums, and the words themselves lose numbers. It belongs to what a part returns, before
    x is added."""
    return lambda x, part, norm, drop: drop(x + part(norm(x))) if order == "pre" else norm(drop(x + part(x)))


@around.rare
def inputs_of_the_parts_dropped(order):
    """Dropout is applied to what the parts get. It belongs to what they return, before x is added."""
    return lambda x, part, norm, drop: x + part(drop(norm(x))) if order == "pre" else norm(x + part(drop(x)))


@around.slip
def dropped_after_the_norm(order):
    """In post-norm, dropout comes last, after the norm, and takes numbers from the words themselves. It belongs to what
    a part returns, before x is added."""
    return lambda x, part, norm, drop: x + drop(part(norm(x))) if order == "pre" else drop(norm(x + part(x)))


@Stage
def after_attention(x, around, attend, norms, drops):
    return around(x, attend, norms[0], drops[0])  # (batch, length, d_model)


@after_attention.slip
def no_sum_around_attention(x, order, drops, attend, norms):
    """The output of attention replaces its input. Add x to it."""
    return drops[0](attend(norms[0](x))) if order == "pre" else norms[0](drops[0](attend(x)))


@after_attention.slip
def first_norm_unused(x, drops, attend):
    """The norm of attention has no effect. There are two norms in a block: one for each part."""
    return x + drops[0](attend(x))


@after_attention.slip
def only_queries_normalized(x, order, drops, attend, norms):
    """In pre-norm, the queries come from the normalized words, keys and values from the words as they are. All three
    are made of the same thing: the normalized words."""
    return x + drops[0](attend(norms[0](x), x)) if order == "pre" else norms[0](x + drops[0](attend(x)))


@Stage
def output(module, after_attention, around, norms, drops):
    return around(after_attention, module.feed_forward, norms[1], drops[1])


@output.slip
def no_sum_around_feed_forward(module, after_attention, order, drops, norms):
    """The output of the feed-forward network replaces its input. Add what you had after attention to it."""
    feed, t = module.feed_forward, after_attention
    return drops[1](feed(norms[1](t))) if order == "pre" else norms[1](drops[1](feed(t)))


@output.slip
def second_sum_from_the_start(module, after_attention, x, order, drops, norms):
    """The second sum adds the block's input again. It adds what you had after attention (t in the table), so that what
    attention found is not lost."""
    feed, t = module.feed_forward, after_attention
    return x + drops[1](feed(norms[1](t))) if order == "pre" else norms[1](x + drops[1](feed(t)))


@output.slip
def both_parts_see_the_input(module, after_attention, x, order, drops, norms):
    """The feed-forward network gets the block's input, beside attention. It comes after attention, and gets what
    attention and the sum have made."""
    feed, t = module.feed_forward, after_attention
    return t + drops[1](feed(norms[1](x))) if order == "pre" else norms[1](t + drops[1](feed(x)))


@output.rare
def both_parts_see_the_input_in_pre_norm(module, after_attention, x, around, order, norms, drops):
    """In pre-norm, the feed-forward network gets the block's input, beside attention. It comes after attention, and
    gets what attention and the sum have made (t in the table)."""
    if order == "post":
        return around(after_attention, module.feed_forward, norms[1], drops[1])
    return after_attention + drops[1](module.feed_forward(norms[1](x)))


@output.rare
def post_norm_without_the_last_norm(module, after_attention, order, norms, drops):
    """In post-norm, the last sum is not normalized. A norm comes after each of the two sums."""
    feed, t = module.feed_forward, after_attention
    return t + drops[1](feed(norms[1](t) if order == "pre" else t))


@output.slip
def second_norm_unused(module, after_attention, drops):
    """The norm of the feed-forward network has no effect. There are two norms in a block: one for each part."""
    return after_attention + drops[1](module.feed_forward(after_attention))


@output.slip
def another_norm_at_the_end(module, after_attention, around, order, norms, drops):
    """In pre-norm, there is one norm too many: the last sum is normalized. That norm follows the whole stack of blocks,
    once; it is not part of a block."""
    y = around(after_attention, module.feed_forward, norms[1], drops[1])
    return norms[1](y) if order == "pre" else y


@output.rare
def after_attention_alone(after_attention):
    """These are the words after attention (t in the table). The feed-forward network and what stands around it come
    after that."""
    return after_attention


@output.rare
def the_network_before_attention(module, x, around, attend, norms, drops):
    """The feed-forward network comes first, and attention after it. First the words read each other, then each one
    computes by itself."""
    return around(around(x, module.feed_forward, norms[1], drops[1]), attend, norms[0], drops[0])


class Base(nn.Module):
    """The parts, as the task names them."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.norm_attention = nn.LayerNorm(d_model)
        self.norm_feed_forward = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)
        self.norm = norm


@known.legal
class ByTheTable(Base):
    def forward(self, x, mask=None):
        if self.norm == "pre":
            t = x + self.dropout(self.attention(self.norm_attention(x), mask=mask))
            return t + self.dropout(self.feed_forward(self.norm_feed_forward(t)))
        t = self.norm_attention(x + self.dropout(self.attention(x, mask=mask)))
        return self.norm_feed_forward(t + self.dropout(self.feed_forward(t)))


class Norm(nn.Module):
    """A norm of one's own, by the function of task 1."""

    def __init__(self, d_model):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        return layer_norm(x, self.weight, self.bias)


@known.legal
class WithNormsOfItsOwn(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.is_pre, self.share = norm == "pre", dropout
        self.norm_feed_forward, self.norm_attention = Norm(d_model), Norm(d_model)
        self.feed_forward, self.attention = FeedForward(d_model, d_ff), MultiHeadAttention(d_model, num_heads)

    def forward(self, x, mask=None):
        before = self.norm_attention(x) if self.is_pre else x
        found = functional.dropout(self.attention(before, before, mask), self.share, self.training)
        x = x + found if self.is_pre else self.norm_attention(x + found)
        before = self.norm_feed_forward(x) if self.is_pre else x
        found = functional.dropout(self.feed_forward(before), self.share, self.training)
        return x + found if self.is_pre else self.norm_feed_forward(x + found)


@known.legal
class WrittenOut(Base):
    """No part is called: everything by its formula."""

    def forward(self, x, mask=None):
        is_pre = self.norm == "pre"

        def normed(t, norm):
            centered = t - t.mean(-1, keepdim=True)
            return centered * torch.rsqrt(centered.pow(2).mean(-1, keepdim=True) + 1e-5) * norm.weight + norm.bias

        def attend(s):
            (batch, length, d_model), heads = s.shape, self.attention.num_heads
            query, key, value = (
                torch.einsum("bli,oi->blo", s, one.weight).add(one.bias).reshape(batch, length, heads, -1)
                for one in (self.attention.W_q, self.attention.W_k, self.attention.W_v)
            )
            scores = torch.einsum("bqhd,bkhd->bhqk", query, key) / (d_model // heads) ** 0.5
            seen = torch.ones_like(scores) if mask is None else (mask if mask.ndim == 2 else mask[:, None])
            raised = torch.exp(scores - scores.amax(-1, keepdim=True)) * seen
            shares = raised / raised.sum(-1, keepdim=True).clamp(min=1e-30)
            gathered = torch.einsum("bhqk,bkhd->bqhd", shares, value).flatten(-2)
            return functional.linear(gathered, self.attention.W_o.weight, self.attention.W_o.bias)

        for part, norm in ((attend, self.norm_attention), (self.feed_forward, self.norm_feed_forward)):
            found = self.dropout(part(normed(x, norm) if is_pre else x))
            x = x + found if is_pre else normed(x + found, norm)
        return x


@known.mistake
class AnotherEpsilon(Base):
    """The norms' epsilon is not 1e-5, but smaller. It shows where the numbers of a word hardly differ. 1e-5 is what
    nn.LayerNorm has unless told otherwise."""

    def __init__(self, *sizes, **others):
        super().__init__(*sizes, **others)
        self.norm_attention.eps = self.norm_feed_forward.eps = 1e-6

    def forward(self, x, mask=None):
        return ByTheTable.forward(self, x, mask)


@known.mistake
class AnotherEpsilonByFar(AnotherEpsilon):
    """The norms have hardly any epsilon, or none. It is 1e-5, inside the root, and shows where the numbers of a word
    hardly differ."""

    def __init__(self, *sizes, **others):
        super().__init__(*sizes, **others)
        self.norm_attention.eps = self.norm_feed_forward.eps = 1e-12


@known.mistake
class TheOtherVariance(WithNormsOfItsOwn):
    """The norms divide the squares by d_model - 1, as torch's var and std do unless told otherwise. LayerNorm takes
    their plain mean."""

    def __init__(self, *sizes, **others):
        super().__init__(*sizes, **others)
        self.norm_attention, self.norm_feed_forward = self.Unbiased(sizes[0]), self.Unbiased(sizes[0])

    class Unbiased(Norm):
        def forward(self, x):
            root = (x.var(-1, keepdim=True) + 1e-5).sqrt()
            return (x - x.mean(-1, keepdim=True)) / root * self.weight + self.bias


@known.mistake
class DroppedAtTheEnd(Base):
    """Dropout is applied to the block's result alone, and takes numbers from the words themselves. It belongs to what
    each part returns, before x is added."""

    def forward(self, x, mask=None):
        found, self.dropout = self.dropout, nn.Identity()
        y = ByTheTable.forward(self, x, mask)
        self.dropout = found
        return found(y)


@known.mistake
class GradientsCut(Base):
    """The output is right, but a part is cut off from what made its input, by detach(), .data or no_grad(), so no
    gradient gets through it. Leave the thread whole."""

    def forward(self, x, mask=None):
        is_pre = self.norm == "pre"
        t = self.norm_attention(x) if is_pre else x
        t = x + self.dropout(self.attention(t.detach(), mask=mask))
        t = t if is_pre else self.norm_attention(t)
        y = t + self.dropout(self.feed_forward(self.norm_feed_forward(t) if is_pre else t))
        return y if is_pre else self.norm_feed_forward(y)


@known.borrowed
class ByPyTorchsOwn(Base):
    def forward(self, x, mask=None):
        d_model, d_ff = self.feed_forward.W_1.in_features, self.feed_forward.W_1.out_features
        return nn.TransformerEncoderLayer(d_model, self.attention.num_heads, d_ff, batch_first=True)(x.float())


def _silent(rng, norm):
    """Inputs on which both parts return zeros."""
    inputs = _inputs(rng, norm, batch=1, length=3, d_model=4, num_heads=2, d_ff=5)
    last = ("attention.W_o.weight", "attention.W_o.bias", "feed_forward.W_2.weight", "feed_forward.W_2.bias")
    return {**inputs, **{name: np.zeros_like(inputs[name]) for name in last}}


def _normalized(x, inputs, name):
    root = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return (x - x.mean(-1, keepdims=True)) / root * inputs[f"{name}.weight"] + inputs[f"{name}.bias"]


@known.probe
def nothing_but_the_order(rng):
    inputs = _silent(rng, "pre")
    found = yield inputs
    if differs := first_difference(found, inputs["x"]):
        return (
            "With W_o and W_2 of zeros both parts return zeros, and pre-norm should return x as it came: at [{}] yours "
            "is {:.4g}, x {:.4g}."
        ).format(*differs)
    inputs = _silent(rng, "post")
    found = yield inputs
    twice = _normalized(_normalized(inputs["x"], inputs, "norm_attention"), inputs, "norm_feed_forward")
    differs = first_difference(found, twice)
    return differs and (
        "With W_o and W_2 of zeros both parts return zeros, and post-norm should return x normalized twice, by "
        "norm_attention, then by norm_feed_forward: at [{}] yours is {:.4g}, that is {:.4g}."
    ).format(*differs)


@known.probe
def network_laid_bare(rng):
    inputs = _inputs(rng, "pre", batch=1, length=3, d_model=4, num_heads=2, d_ff=5)
    inputs |= {name: np.zeros_like(inputs[name]) for name in ("attention.W_o.weight", "attention.W_o.bias")}
    found = yield inputs
    seen = _normalized(inputs["x"], inputs, "norm_feed_forward")
    hidden = np.maximum(seen @ inputs["feed_forward.W_1.weight"].T + inputs["feed_forward.W_1.bias"], 0)
    network = hidden @ inputs["feed_forward.W_2.weight"].T + inputs["feed_forward.W_2.bias"]
    differs = first_difference(found - inputs["x"], network)
    return differs and (
        "With W_o of zeros attention returns zeros, and in pre-norm what your block adds to x is the feed-forward "
        "network's: at [{}] yours is {:.4g}, that of the normalized words {:.4g}."
    ).format(*differs)


@known.probe
def attention_laid_bare(rng):
    """One word alone attends to itself, so attention is two maps."""
    inputs = _inputs(rng, "pre", batch=1, length=1, d_model=4, num_heads=2, d_ff=5)
    inputs |= {name: np.zeros_like(inputs[name]) for name in ("feed_forward.W_2.weight", "feed_forward.W_2.bias")}
    found = yield inputs
    gathered = _normalized(inputs["x"], inputs, "norm_attention")
    for name in ("W_v", "W_o"):
        gathered = gathered @ inputs[f"attention.{name}.weight"].T + inputs[f"attention.{name}.bias"]
    differs = first_difference(found - inputs["x"], gathered)
    return differs and (
        "One word alone attends to itself, and with W_2 of zeros the network returns zeros, so in pre-norm your block "
        "adds to x the W_o of the W_v of the normalized word: at [{}] yours adds {:.4g}, that is {:.4g}."
    ).format(*differs)


TASK = Task(
    id="08.EncoderBlock",
    title="The block, in both orders",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=pre,
    build=Build(
        takes=("x", "mask"), arguments=("d_model", "num_heads", "d_ff", "dropout", "norm"), module="EncoderBlock"
    ),
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case("pre-norm, a batch", dict(batch=2, length=5, d_model=8, num_heads=4, d_ff=9), dtype="float32"),
        Case(
            "post-norm, padding",
            dict(batch=2, length=4, d_model=6, num_heads=3, d_ff=7),
            dtype="float32",
            draw=post_padded,
        ),
        Case(
            "pre-norm, padding, quiet words",
            dict(batch=3, length=5, d_model=8, num_heads=2, d_ff=6),
            draw=quiet,
        ),
        Case(
            "post-norm, one causal mask for all, a dropout of 1 in evaluation",
            dict(batch=2, length=5, d_model=6, num_heads=3, d_ff=8),
            dtype="float32",
            draw=post_causal,
        ),
        Case(
            "pre-norm, training with a dropout of 1",
            dict(batch=2, length=3, d_model=4, num_heads=1, d_ff=6),
            dtype="float32",
            draw=pre_dropping,
            asks="training",
        ),
        Case(
            "post-norm, training with a dropout of 1",
            dict(batch=2, length=3, d_model=4, num_heads=1, d_ff=6),
            dtype="float32",
            draw=post_dropping,
            asks="training",
        ),
        Case("gradients", dict(batch=2, length=3, d_model=4, num_heads=1, d_ff=5), dtype="float32", asks="gradients"),
    ),
    finished=(
        "torch.nn.TransformerEncoderLayer.forward",
        "course_lib.transformer.EncoderBlock.forward",
    ),
    hints=(
        "Write the two lines of each order on paper, one above the other. What does each part get to see, and what is "
        "added to its output?",
        "__init__ makes the five parts by the names of the text, and keeps `norm` under another name, "
        "for forward to ask.",
        "Pre-norm is t = x + dropout(attention(norm_attention(x))), then the same with the network for t. Post-norm: "
        "the norm goes around the whole sum. The mask is for attention alone: mask=mask.",
        "t = x + self.dropout(self.attention(self.norm_attention(x), mask=mask)) is the first line of pre-norm; three "
        "lines like it are left, and an `if`.",
    ),
    coincidences={
        "no_sum_around_attention + no_sum_around_feed_forward": "no_residual_sums",
        "first_norm_unused + second_norm_unused": "no_norms",
    },
    stages=(order, norms, drops, attend, around, after_attention, output),
    **known.ways,
)
