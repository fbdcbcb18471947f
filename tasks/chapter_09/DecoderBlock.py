"""09.DecoderBlock: masked self-attention, cross-attention and feed-forward, in either order of norm and sum (Vaswani et
al. 2017, section 3.1 and figure 1, right; Xiong et al. 2020)."""

import math

import numpy as np
import torch
from torch import nn

from course_lib import causal_mask
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws, torch_blocks
from tasks.probes import first_difference, hidden_memory, other_memory
from tasks.skeletons import DecoderBlock as Skeleton
from tasks.skeletons import FeedForward, MultiHeadAttention

known = Known()

ARGUMENTS = ("d_model", "num_heads", "d_ff", "dropout", "norm")
BUILD = Build(takes=("x", "memory", "mask", "memory_mask"), arguments=ARGUMENTS, module="DecoderBlock")


def pre(rng, batch, length, k_len, num_heads, d_k, d_ff):
    """Without masks, so that source and target may differ in length whatever is done with masks."""
    d_model = num_heads * d_k
    return {
        "d_model": d_model,
        "num_heads": num_heads,
        "d_ff": d_ff,
        "dropout": 0.0,
        "norm": "pre",
        "x": 1.2 * rng.normal(size=(batch, length, d_model)) + 0.3,
        "memory": 1.7 * rng.normal(size=(batch, k_len, d_model)) - 0.4,
        "mask": None,
        "memory_mask": None,
        **draws.parameters(rng, Skeleton(d_model, num_heads, d_ff)),
    }


def post(rng, **sizes):
    return {**pre(rng, **sizes), "norm": "post"}


def masked_pre(rng, length, **sizes):
    """A causal mask, and sources of different lengths; as many positions in the memory as in x, so that a mask in the
    wrong place fits there, too."""
    inputs = pre(rng, length=length, k_len=length, **sizes)
    lengths = np.linspace(length - 1, 1, sizes["batch"]).round().astype(int)
    real = np.arange(length) < lengths[:, None, None]
    return {**inputs, "mask": np.tri(length, dtype=bool), "memory_mask": real}


def masked_post(rng, length, batch, **sizes):
    """The mask is one for each text of the batch: the future, and a first position that is padding in some."""
    inputs = masked_pre(rng, length, batch=batch, **sizes)
    mask = np.broadcast_to(inputs["mask"], (batch, length, length)).copy()
    mask[1:, 1:, 0] = False
    return {**inputs, "mask": mask, "norm": "post"}


def dropped_pre(rng, **sizes):
    return {**masked_pre(rng, **sizes), "dropout": 1.0}


def dropped_post(rng, **sizes):
    return {**masked_post(rng, **sizes), "dropout": 1.0}


def the_example_pre(rng):
    """Self-attention and cross-attention hand on what they see, on average; the feed-forward network returns 0."""
    weights = {name: np.zeros(tuple(p.shape)) for name, p in Skeleton(2, 1, 3).named_parameters()}
    for name in weights:
        if name.endswith(("W_v.weight", "W_o.weight")):
            weights[name] = np.eye(2)
        if name.startswith("norm") and name.endswith("weight"):
            weights[name] = np.ones(2)
    return {
        "d_model": 2,
        "num_heads": 1,
        "d_ff": 3,
        "dropout": 0.0,
        "norm": "pre",
        "x": np.array([[[1.0, 3.0], [3.0, 1.0]]]),
        "memory": np.array([[[10.0, 30.0], [90.0, 90.0]]]),
        "mask": None,
        "memory_mask": np.array([[[True, False]]]),
        **weights,
    }


def the_example_post(rng):
    return {**the_example_pre(rng), "norm": "post"}


def reference(module, x, memory, mask, memory_mask, norm):
    return torch_blocks.by_torchs_decoder_block(module, x, memory, mask, memory_mask, norm)


@Stage
def is_pre(norm):
    return norm == "pre"


@is_pre.slip
def always_post(norm):
    """This is post-norm whatever `norm` says. With "pre", the norm comes before each part, and the sum stays as it
    is."""
    return False


@is_pre.slip
def always_pre(norm):
    """This is pre-norm whatever `norm` says. With "post", each norm comes after its sum."""
    return True


@is_pre.slip
def orders_exchanged(norm):
    """The two orders have changed places: with "pre", the norm comes before each part, with "post" after each sum."""
    return norm != "pre"


@Stage
def norms(module):
    return module.norm_self_attention, module.norm_cross_attention, module.norm_feed_forward


@norms.slip
def norms_of_the_attentions_exchanged(module):
    """The norms of the two attentions have changed places: norm_self_attention belongs to the first part,
    norm_cross_attention to the second."""
    return module.norm_cross_attention, module.norm_self_attention, module.norm_feed_forward


@norms.slip
def first_norm_for_both_attentions(module):
    """Cross-attention uses the norm of self-attention, and its own, norm_cross_attention, has no effect."""
    return module.norm_self_attention, module.norm_self_attention, module.norm_feed_forward


@Stage
def attentions(module):
    return module.self_attention, module.cross_attention


@attentions.slip
def attentions_exchanged(module):
    """The weights of the two attentions have changed places: `self_attention` is the one that reads what is written,
    `cross_attention` the one that reads the memory."""
    return module.cross_attention, module.self_attention


@attentions.slip
def self_attention_for_both(module):
    """The memory is read with the weights of `self_attention`, and those of `cross_attention` have no effect."""
    return module.self_attention, module.self_attention


@Stage
def masks(x, mask, memory_mask):
    return mask, memory_mask


@masks.slip
def mask_not_handed_on(x, mask, memory_mask):
    """`mask` has no effect: in self-attention every position sees every other, later ones too."""
    return None, memory_mask


@masks.slip
def memory_mask_not_handed_on(x, mask, memory_mask):
    """`memory_mask` has no effect: cross-attention reads the padding of the source."""
    return mask, None


@masks.slip
def neither_mask(x, mask, memory_mask):
    """Neither mask has an effect. `mask` is for self-attention, `memory_mask` for cross-attention."""
    return None, None


@masks.slip
def masks_exchanged(x, mask, memory_mask):
    """The two masks have changed places: `mask` is for self-attention, `memory_mask` for cross-attention."""
    return memory_mask, mask


@masks.slip
def mask_for_both(x, mask, memory_mask):
    """Cross-attention is under `mask`, like self-attention. The source is known in full; what is hidden of it is said
    by `memory_mask`."""
    return mask, mask


@masks.slip
def causal_without_being_asked(x, mask, memory_mask):
    """Self-attention hides the future where no mask says so. This block makes no mask: it hides what `mask` hides, and
    the decoder hands it the causal one."""
    causal = causal_mask(x.shape[-2], like=x)
    return causal if mask is None else mask & causal, memory_mask


@Stage
def around(module, is_pre):
    """What stands around each part: dropout, the sum and the norm."""
    dropout = module.dropout

    def around(x, norm, part):
        return x + dropout(part(norm(x))) if is_pre else norm(x + dropout(part(x)))

    return around


@around.slip
def no_residual_sums(module, is_pre):
    """Each part replaces its input; nothing is added. Add the input to what the part returns, all three times."""
    return lambda x, norm, part: module.dropout(part(norm(x))) if is_pre else norm(module.dropout(part(x)))


@around.slip
def residual_from_the_normalized_input(module, is_pre):
    """In pre-norm, the sums add the normalized input, as if x had been overwritten by its norm. Add x itself: the norm
    is for the part alone."""

    def around(x, norm, part):
        return norm(x) + module.dropout(part(norm(x))) if is_pre else norm(x + module.dropout(part(x)))

    return around


@around.slip
def norm_before_the_sum(module, is_pre):
    """In post-norm, the norm is applied to the part's output before it is added. Add first, then normalize the sum."""

    def around(x, norm, part):
        return x + (module.dropout(part(norm(x))) if is_pre else norm(module.dropout(part(x))))

    return around


@around.slip
def norm_after_every_sum(module, is_pre):
    """In pre-norm, the sums are normalized as well. The norm comes before each part there, and the sum stays as it
    is."""
    return lambda x, norm, part: norm(x + module.dropout(part(norm(x) if is_pre else x)))


@around.slip
def no_dropout(module, is_pre):
    """Dropout has no effect, which shows in training mode alone. It acts on what each part returns, before that is
    added."""
    return lambda x, norm, part: x + part(norm(x)) if is_pre else norm(x + part(x))


@around.slip
def dropout_after_the_sum(module, is_pre):
    """In training mode, dropout acts on the sums, so that it hits the input as well. It acts on what a part returns,
    before that is added."""

    def around(x, norm, part):
        return module.dropout(x + part(norm(x))) if is_pre else norm(module.dropout(x + part(x)))

    return around


@around.slip
def dropout_before_the_part(module, is_pre):
    """In training mode, dropout acts on what goes into the parts. It acts on what each part returns, before that is
    added."""

    def around(x, norm, part):
        return x + part(module.dropout(norm(x))) if is_pre else norm(x + part(module.dropout(x)))

    return around


@Stage
def written(x, around, norms, attentions, masks):
    return around(x, norms[0], lambda words: attentions[0](words, mask=masks[0]))  # (batch, length, d_model)


@written.slip
def self_attention_over_the_memory(x, memory, around, norms, attentions, masks):
    """The first attention reads the memory. It is self-attention: queries, keys and values all come from what is
    written."""
    return around(x, norms[0], lambda words: attentions[0](words, memory, masks[0]))


@written.slip
def no_self_attention(x):
    """Self-attention has no part in the result. It is the first of the three."""
    return x


@Stage
def read(written, memory, around, norms, attentions, masks):
    return around(written, norms[1], lambda words: attentions[1](words, memory, masks[1]))


@read.slip
def memory_normalized(written, memory, is_pre, around, norms, attentions, masks):
    """In pre-norm, the memory goes through the norm of cross-attention, together with the queries. That norm is for
    what is written alone: the encoder has normalized its output already, with a norm of its own."""
    other = norms[1](memory) if is_pre else memory
    return around(written, norms[1], lambda words: attentions[1](words, other, masks[1]))


@read.slip
def memory_normalized_in_both_orders(written, memory, around, norms, attentions, masks):
    """The memory goes through the norm of cross-attention, in both orders. That norm is for what is written alone: the
    encoder has normalized its output already, with a norm of its own."""
    return around(written, norms[1], lambda words: attentions[1](words, norms[1](memory), masks[1]))


@read.slip
def nothing_of_the_memory(written, around, norms, attentions, masks):
    """The second attention reads what is written once more: the memory has no part in the result. Its keys and values
    come from the memory."""
    if masks[1] is not None and masks[1].shape[-1] != written.shape[-2]:
        raise ValueError("the mask is for the memory")
    return around(written, norms[1], lambda words: attentions[1](words, mask=masks[1]))


@read.slip
def queries_from_the_start(written, x, memory, is_pre, module, norms, attentions, masks):
    """The queries of cross-attention come from the block's input x. They come from what self-attention and its sum have
    made of it."""
    if is_pre:
        return written + module.dropout(attentions[1](norms[1](x), memory, masks[1]))
    return norms[1](written + module.dropout(attentions[1](x, memory, masks[1])))


@read.slip
def second_sum_from_the_start(written, x, memory, is_pre, module, norms, attentions, masks):
    """What cross-attention reads is added to the block's input x. It is added to what self-attention and its sum have
    made of it, so that this is not lost."""
    if is_pre:
        return x + module.dropout(attentions[1](norms[1](written), memory, masks[1]))
    return norms[1](x + module.dropout(attentions[1](written, memory, masks[1])))


@read.slip
def no_cross_attention(written):
    """Cross-attention has no part in the result. It comes second, between self-attention and feed-forward."""
    return written


@Stage
def output(read, module, around, norms):
    return around(read, norms[2], module.feed_forward)


@output.slip
def no_feed_forward(read):
    """The feed-forward network has no part in the result. It comes third, with a sum and a norm like the others."""
    return read


@output.slip
def another_norm_at_the_end(read, is_pre, module, around, norms):
    """In pre-norm, there is one norm too many: the last sum is normalized. That norm follows the whole stack of blocks,
    once; it is no part of a block."""
    y = around(read, norms[2], module.feed_forward)
    return norms[2](y) if is_pre else y


def _steps(module, x, memory, mask, memory_mask, norm, order):
    """Return what the three parts make of x in this order."""
    parts = {
        "self": (module.norm_self_attention, lambda words: module.self_attention(words, mask=mask)),
        "cross": (module.norm_cross_attention, lambda words: module.cross_attention(words, memory, memory_mask)),
        "feed": (module.norm_feed_forward, module.feed_forward),
    }
    for name in order:
        normalize, part = parts[name]
        x = x + module.dropout(part(normalize(x))) if norm == "pre" else normalize(x + module.dropout(part(x)))
    return x


@known.mistake
def cross_attention_first(module, x, memory, mask, memory_mask, norm):
    """Cross-attention comes before self-attention. First the written positions look at each other, then they ask the
    memory."""
    return _steps(module, x, memory, mask, memory_mask, norm, ("cross", "self", "feed"))


@known.mistake
def feed_forward_first(module, x, memory, mask, memory_mask, norm):
    """The feed-forward network comes first. It comes last, when both attentions have gathered what there is to work
    on."""
    return _steps(module, x, memory, mask, memory_mask, norm, ("feed", "self", "cross"))


@known.mistake
def feed_forward_between(module, x, memory, mask, memory_mask, norm):
    """The feed-forward network stands between the two attentions. It comes last, behind both."""
    return _steps(module, x, memory, mask, memory_mask, norm, ("self", "feed", "cross"))


@known.mistake
def side_by_side(module, x, memory, mask, memory_mask, norm):
    """All three parts get the block's input, and what they return is added up. They stand one behind the other: each
    gets what the sum before it has made."""
    seen = [x if norm != "pre" else normalize(x) for normalize in _norms(module)]
    found = module.self_attention(seen[0], mask=mask), module.cross_attention(seen[1], memory, memory_mask)
    y = x + sum(map(module.dropout, (*found, module.feed_forward(seen[2]))))
    return y if norm == "pre" else module.norm_feed_forward(y)


def _norms(module):
    return module.norm_self_attention, module.norm_cross_attention, module.norm_feed_forward


class Parts(nn.Module):
    """The parts, as the task names them."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.self_attention = MultiHeadAttention(d_model, num_heads)
        self.cross_attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.norm_self_attention = nn.LayerNorm(d_model)
        self.norm_cross_attention = nn.LayerNorm(d_model)
        self.norm_feed_forward = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)
        self.norm = norm


@known.mistake
class MemoryCutOff(Parts):
    """The output is right, but no gradient gets back to the memory: something like detach() or no_grad() cuts the
    thread. The encoder learns through the memory alone, and would never learn."""

    def forward(self, x, memory, mask=None, memory_mask=None):
        return _steps(self, x, memory.detach(), mask, memory_mask, self.norm, ("self", "cross", "feed"))


@known.mistake
class QueriesFromTheMemory(Parts):
    """The memory asks, and what is written answers. It is the other way round: the first argument of an attention gives
    the queries, here what is written, and the memory gives keys and values."""

    def forward(self, x, memory, mask=None, memory_mask=None):
        if self.norm == "pre":
            x = x + self.dropout(self.self_attention(self.norm_self_attention(x), mask=mask))
            x = x + self.dropout(self.cross_attention(memory, self.norm_cross_attention(x), memory_mask))
            return x + self.dropout(self.feed_forward(self.norm_feed_forward(x)))
        x = self.norm_self_attention(x + self.dropout(self.self_attention(x, mask=mask)))
        x = self.norm_cross_attention(x + self.dropout(self.cross_attention(memory, x, memory_mask)))
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x)))


@known.legal
class LineByLine(Parts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        if self.norm == "pre":
            x = x + self.dropout(self.self_attention(self.norm_self_attention(x), mask=mask))
            x = x + self.dropout(self.cross_attention(self.norm_cross_attention(x), memory, memory_mask))
            return x + self.dropout(self.feed_forward(self.norm_feed_forward(x)))
        x = self.norm_self_attention(x + self.dropout(self.self_attention(x, mask=mask)))
        x = self.norm_cross_attention(x + self.dropout(self.cross_attention(x, memory, memory_mask)))
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x)))


@known.legal
class WithAMethodForTheSteps(Parts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        x = self.step(x, self.norm_self_attention, self.self_attention, None, mask)
        x = self.step(x, self.norm_cross_attention, self.cross_attention, memory, memory_mask)
        return self.step(x, self.norm_feed_forward, self.feed_forward)

    def step(self, x, norm, part, *others):
        before, after = (norm, nn.Identity()) if self.norm == "pre" else (nn.Identity(), norm)
        return after(x + self.dropout(part(before(x), *others)))


@known.legal
class WrittenOut(nn.Module):
    """Attention, norm and network from their formulas, with modules that hold nothing but weights."""

    class Norm(nn.Module):
        def __init__(self, d_model):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))

        def forward(self, x):
            centered = x - x.mean(-1, keepdim=True)
            return centered / (centered.square().mean(-1, keepdim=True) + 1e-5).sqrt() * self.weight + self.bias

    def __init__(self, d_model, num_heads, d_ff, dropout, norm):
        super().__init__()
        for name in ("self_attention", "cross_attention"):
            self.add_module(name, nn.ModuleDict({f"W_{role}": nn.Linear(d_model, d_model) for role in "qkvo"}))
        self.feed_forward = nn.ModuleDict({"W_1": nn.Linear(d_model, d_ff), "W_2": nn.Linear(d_ff, d_model)})
        self.norm_self_attention, self.norm_cross_attention = self.Norm(d_model), self.Norm(d_model)
        self.norm_feed_forward = self.Norm(d_model)
        self.num_heads, self.p, self.is_pre = num_heads, dropout, norm == "pre"

    def attend(self, maps, x, others, mask):
        gathered, size = [], x.shape[-1] // self.num_heads
        for head in range(self.num_heads):
            mine = slice(head * size, (head + 1) * size)
            query, key, value = maps["W_q"](x), maps["W_k"](others), maps["W_v"](others)
            scores = torch.einsum("bqd,bkd->bqk", query[..., mine], key[..., mine]) / math.sqrt(size)
            shares = torch.exp(scores - scores.amax(-1, keepdim=True))
            shares = shares if mask is None else shares * mask
            gathered.append(shares / shares.sum(-1, keepdim=True) @ value[..., mine])
        return maps["W_o"](torch.cat(gathered, dim=-1))

    def forward(self, x, memory, mask=None, memory_mask=None):
        maps = self.feed_forward
        steps = (
            (self.norm_self_attention, lambda y: self.attend(self.self_attention, y, y, mask)),
            (self.norm_cross_attention, lambda y: self.attend(self.cross_attention, y, memory, memory_mask)),
            (self.norm_feed_forward, lambda y: maps["W_2"](maps["W_1"](y).clamp(min=0))),
        )
        for norm, part in steps:
            found = nn.functional.dropout(part(norm(x) if self.is_pre else x), self.p, self.training)
            x = x + found if self.is_pre else norm(x + found)
        return x


@known.borrowed
class ByPyTorchsOwn(Parts):
    def forward(self, x, memory, mask=None, memory_mask=None):
        d_model = x.shape[-1]
        return nn.TransformerDecoderLayer(d_model, 1, batch_first=True)(x, memory)


def _small(rng):
    return masked_pre(rng, length=4, batch=2, num_heads=2, d_k=3, d_ff=5)


@known.probe
def silent_parts(rng):
    """With parts that return 0, pre-norm hands x on."""
    inputs = _small(rng)
    quiet = ("W_o.weight", "W_o.bias", "W_2.weight", "W_2.bias")
    inputs |= {name: np.zeros_like(inputs[name]) for name in inputs if name.endswith(quiet)}
    differs = first_difference((yield inputs), inputs["x"])
    return differs and (
        "With W_o and W_2 made 0, all three parts return 0, and in pre-norm x should come out as it went in: at [{}] "
        "yours is {:.4g}, not {:.4g}.".format(*differs)
    )


@known.probe
def hidden_memory_changed(rng):
    return (yield from hidden_memory(_small(rng)))


@known.probe
def another_memory(rng):
    return (yield from other_memory(rng, _small(rng)))


@known.probe
def longer_memory(rng):
    """The parts do not normalize the memory, so its length counts."""
    inputs = _small(rng)
    inputs |= {"memory": inputs["memory"] - inputs["memory"].mean(-1, keepdims=True)}
    before = yield inputs
    after = yield {**inputs, "memory": 3 * inputs["memory"]}
    if np.allclose(before, after, atol=1e-3):
        return "With a memory three times as long, your output stays the same; it should be read as it is."
    return None


@known.probe
def future_changed(rng):
    inputs = _small(rng)
    before = yield inputs
    changed = inputs["x"].copy()
    changed[:, -1] = rng.normal(size=changed[:, -1].shape)
    after = yield {**inputs, "x": changed}
    if np.allclose(before[:, :-1], after[:, :-1], atol=1e-6):
        return None
    return "Under a causal mask, the last position of x was changed, and your output at earlier positions changed too."


TASK = Task(
    id="09.DecoderBlock",
    title="The decoder block",
    difficulty=2,
    minutes=20,
    reference=reference,
    draw=pre,
    build=BUILD,
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text, pre-norm", {}, 1, "float32", draw=the_example_pre),
        Case("the example of the text, post-norm", {}, 1, "float32", draw=the_example_post),
        Case("pre-norm", dict(batch=1, length=4, k_len=5, num_heads=2, d_k=3, d_ff=7), 2, "float32"),
        Case("one position", dict(batch=4, length=1, k_len=3, num_heads=2, d_k=5, d_ff=6), 1, "float32"),
        Case(
            "pre-norm, both masks", dict(batch=3, length=5, num_heads=2, d_k=4, d_ff=6), 2, "float32", draw=masked_pre
        ),
        Case(
            "post-norm, both masks", dict(batch=2, length=4, num_heads=3, d_k=2, d_ff=5), 2, "float64", draw=masked_post
        ),
        Case(
            "pre-norm, training, all of it dropped",
            dict(batch=2, length=4, num_heads=1, d_k=6, d_ff=5),
            1,
            "float32",
            draw=dropped_pre,
            asks="training",
        ),
        Case(
            "post-norm, training, all of it dropped",
            dict(batch=2, length=4, num_heads=1, d_k=6, d_ff=5),
            1,
            "float32",
            draw=dropped_post,
            asks="training",
        ),
        Case(
            "gradients",
            dict(batch=2, length=4, num_heads=2, d_k=3, d_ff=5),
            2,
            "float32",
            draw=masked_post,
            asks="gradients",
        ),
    ),
    stages=(is_pre, norms, attentions, masks, around, written, read, output),
    finished=("torch.nn.TransformerDecoderLayer.forward", "course_lib.transformer.DecoderBlock.forward"),
    hints=(
        "Which of the three parts sees the memory? And which of the two masks speaks of it?",
        "Take the two lines of your EncoderBlock and make room between them for a third. In it, the attention gets a "
        "second argument.",
        "pre-norm, the second step: x + dropout(cross_attention(norm of x, memory, the memory's mask)). Post-norm: the "
        "norm around all of it, and none inside.",
        "x = x + self.dropout(self.cross_attention(self.norm_cross_attention(x), ..., ...)), between the other two.",
    ),
    **known.ways,
)
