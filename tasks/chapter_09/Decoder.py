"""09.Decoder: decoder blocks under one causal mask, and a last norm (Vaswani et al. 2017, figure 1, right)."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_lib import causal_mask
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws, torch_blocks
from tasks.probes import first_difference, hidden_memory, other_memory
from tasks.skeletons import Decoder as Skeleton
from tasks.skeletons import DecoderBlock

known = Known()

ARGUMENTS = ("num_layers", "d_model", "num_heads", "d_ff", "dropout", "norm")
BUILD = Build(takes=("x", "memory", "memory_mask"), arguments=ARGUMENTS, module="Decoder")


def pre(rng, num_layers, batch, length, k_len, num_heads, d_k, d_ff):
    d_model = num_heads * d_k
    return {
        "num_layers": num_layers,
        "d_model": d_model,
        "num_heads": num_heads,
        "d_ff": d_ff,
        "dropout": 0.0,
        "norm": "pre",
        "x": 1.2 * rng.normal(size=(batch, length, d_model)) + 0.3,
        "memory": 1.7 * rng.normal(size=(batch, k_len, d_model)) - 0.4,
        "memory_mask": None,
        **draws.parameters(rng, Skeleton(num_layers, d_model, num_heads, d_ff)),
    }


def masked(rng, length, batch, **sizes):
    """Sources of different lengths; as many positions in the memory as in x, so that a mask in the wrong place fits."""
    lengths = np.linspace(length - 1, 1, batch).round().astype(int)
    real = np.arange(length) < lengths[:, None, None]
    return {**pre(rng, length=length, k_len=length, batch=batch, **sizes), "memory_mask": real}


def post(rng, **sizes):
    return {**masked(rng, **sizes), "norm": "post"}


def dropped(rng, **sizes):
    return {**masked(rng, **sizes), "dropout": 1.0}


def the_example(rng):
    """One block whose self-attention hands on the average of what it may see; its other parts return 0."""
    weights = {name: np.zeros(tuple(p.shape)) for name, p in Skeleton(1, 2, 1, 3).named_parameters()}
    weights |= {name: np.ones(2) for name in weights if "norm" in name and name.endswith("weight")}
    weights |= {f"blocks.0.self_attention.{name}.weight": np.eye(2) for name in ("W_v", "W_o")}
    weights["norm.bias"] = np.array([10.0, 10.0])
    return {
        "num_layers": 1,
        "d_model": 2,
        "num_heads": 1,
        "d_ff": 3,
        "dropout": 0.0,
        "norm": "post",
        "x": np.array([[[1.0, 3.0], [9.0, 1.0]]]),
        "memory": np.array([[[5.0, 7.0], [8.0, 2.0]]]),
        "memory_mask": None,
        **weights,
    }


def reference(module, x, memory, memory_mask, norm):
    length = x.shape[-2]
    mask = torch.arange(length, device=x.device) <= torch.arange(length, device=x.device)[:, None]
    for block in module.blocks:
        x = torch_blocks.by_torchs_decoder_block(block, x, memory, mask, memory_mask, norm)
    return functional.layer_norm(x, x.shape[-1:], module.norm.weight, module.norm.bias)


@Stage
def mask(x):
    return causal_mask(x.shape[-2], like=x)  # (length, length)


@mask.slip
def no_causal_mask(x):
    """No causal mask reaches the blocks: every position sees those that come after it."""
    return None


@mask.slip
def mask_transposed(x):
    """The causal mask is the other way round: every position sees itself and what comes after it."""
    return causal_mask(x.shape[-2], like=x).mT


@mask.slip
def mask_inverted(x):
    """The causal mask is inverted: every position sees what comes after it, and neither itself nor the past. True means
    may attend."""
    return ~causal_mask(x.shape[-2], like=x)


@mask.slip
def itself_hidden(x):
    """The causal mask hides each position from itself, and the first one sees nothing. Position i sees 0 to i."""
    return causal_mask(x.shape[-2], like=x).tril(-1)


@mask.slip
def one_too_many(x):
    """The causal mask lets each position see the next one. Position i sees 0 to i."""
    return torch.ones_like(causal_mask(x.shape[-2], like=x)).tril(1)


@mask.slip
def itself_alone(x):
    """Each position sees itself alone. Position i sees 0 to i."""
    return torch.eye(x.shape[-2], dtype=torch.bool, device=x.device)


@Stage
def blocks(module):
    return list(module.blocks)


@blocks.slip
def blocks_reversed(module):
    """The blocks are gone through from the last to the first."""
    return list(module.blocks)[::-1]


@blocks.slip
def last_block_left_out(module):
    """The last block has no part in the result."""
    return list(module.blocks)[:-1]


@blocks.slip
def first_block_alone(module):
    """The first block stands in for all of them: the others have no part in the result."""
    return [module.blocks[0]] * len(module.blocks)


@Stage
def others(memory, memory_mask):
    return memory, memory_mask


@others.slip
def memory_mask_not_handed_on(memory, memory_mask):
    """memory_mask does not reach the blocks: cross-attention reads the padding of the source."""
    return memory, None


@others.slip
def memory_normalized(memory, memory_mask):
    """The memory is normalized before the blocks read it. The encoder has done so: it is read as it comes."""
    return functional.layer_norm(memory, memory.shape[-1:]), memory_mask


@Stage
def through(x, mask, blocks, others):
    for block in blocks:
        x = block(x, others[0], mask, others[1])
    return x  # (batch, length, d_model)


@through.slip
def memory_replaced(x, mask, blocks, others):
    """After a block, what it returns is taken for the memory as well. The memory stays what the encoder made: every
    block reads the same."""
    memory = others[0]
    for block in blocks:
        x = memory = block(x, memory, mask, others[1])
    return x


@through.slip
def x_in_the_place_of_the_memory(x, mask, blocks, others):
    """The blocks are handed x, or what they made of it, in the place of the memory: nothing of the source arrives."""
    for block in blocks:
        x = block(x, x, mask, others[1])
    return x


@through.slip
def every_block_from_the_start(x, mask, blocks, others):
    """Every block gets the decoder's input, and only what the last one makes of it counts. Each gets what the one
    before has made."""
    return blocks[-1](x, others[0], mask, others[1])


@through.slip
def residual_around_the_blocks(x, mask, blocks, others):
    """What goes into a block is added to what comes out. The sums stand inside the blocks; between them nothing is
    added."""
    for block in blocks:
        x = x + block(x, others[0], mask, others[1])
    return x


@through.slip
def memory_mask_in_self_attention_too(x, mask, blocks, others):
    """memory_mask hides positions of x as well, as if it spoke of what is written. It speaks of the memory alone."""
    both = mask if others[1] is None or mask is None else mask & others[1]
    for block in blocks:
        x = block(x, others[0], both, others[1])
    return x


@through.slip
def norm_after_every_block(x, mask, blocks, others, module):
    """The last norm is applied after every block. It comes once, at the very end."""
    for number, block in enumerate(blocks, 1):
        x = block(x, others[0], mask, others[1])
        x = module.norm(x) if number < len(blocks) else x
    return x


@through.slip
def memory_and_x_exchanged(x, mask, blocks, others):
    """The blocks get the memory first and x second. First comes what is written, then the memory that it reads."""
    for block in blocks:
        x = block(others[0], x, mask, others[1])
    return x


@Stage
def output(through, module):
    return module.norm(through)


@output.slip
def no_last_norm(through):
    """The last norm is missing: the sums of the last block come out as they are. self.norm follows the whole stack."""
    return through


@output.slip
def last_norm_in_post_norm_alone(through, module, norm):
    """With "pre", the last norm is missing. self.norm follows the stack in both orders."""
    return through if norm == "pre" else module.norm(through)


@output.slip
def last_norm_in_pre_norm_alone(through, module, norm):
    """With "post", the last norm is missing. self.norm follows the stack in both orders."""
    return module.norm(through) if norm == "pre" else through


@output.slip
def dropout_at_the_end(through, module):
    """In training mode, dropout acts on the whole result. It stands inside the blocks alone."""
    return functional.dropout(module.norm(through), 1.0, module.training and module.blocks[0].dropout.p == 1)


@known.mistake
def norm_first(module, x, memory, memory_mask):
    """The norm comes before the blocks. It comes at the very end, behind the last one."""
    x, mask = module.norm(x), causal_mask(x.shape[-2], like=x)
    for block in module.blocks:
        x = block(x, memory, mask, memory_mask)
    return x


@known.mistake
def one_mask_for_both(module, x, memory, memory_mask):
    """The causal mask is laid over the memory, too: position i reads the source up to i alone. The source is known in
    full; the causal mask is for self-attention."""
    mask = causal_mask(x.shape[-2], like=x)
    both = torch.ones(x.shape[-2], memory.shape[-2], dtype=torch.bool, device=x.device).tril()
    for block in module.blocks:
        x = block(x, memory, mask, both if memory_mask is None else both & memory_mask)
    return module.norm(x)


@known.mistake
def masks_exchanged(module, x, memory, memory_mask):
    """The blocks get the two masks in the wrong order: first comes the causal one, for self-attention, then that of the
    memory."""
    mask = causal_mask(x.shape[-2], like=x)
    for block in module.blocks:
        x = block(x, memory, memory_mask, mask)
    return module.norm(x)


@known.mistake
def blocks_of_the_usual_kind(module, x, memory, memory_mask):
    """The blocks are in pre-norm and without dropout, whatever the decoder is told. Hand `dropout` and `norm` on to
    each of them."""
    mask = causal_mask(x.shape[-2], like=x)
    for block in module.blocks:
        block.order, block.dropout.p = "pre", 0.0
        x = block(x, memory, mask, memory_mask)
    return module.norm(x)


class Stack(nn.Module):
    """The blocks and the last norm, as the task names them."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        sizes = (d_model, num_heads, d_ff, dropout, norm)
        self.blocks = nn.ModuleList([DecoderBlock(*sizes) for _ in range(num_layers)])
        self.norm = nn.LayerNorm(d_model)


@known.mistake
class MaskOnTheCpu(Stack):
    """The causal mask is made on the CPU and stays there. Bring it to x: .to(x.device)."""

    def forward(self, x, memory, memory_mask=None):
        mask = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril()
        for block in self.blocks:
            x = block(x, memory, mask, memory_mask)
        return self.norm(x)


@known.legal
class InALoop(Stack):
    def forward(self, x, memory, memory_mask=None):
        mask = (torch.ones(x.shape[-2], x.shape[-2]).tril() > 0).to(x.device)
        for block in self.blocks:
            x = block(x, memory, mask, memory_mask)
        return self.norm(x)


@known.legal
class WithABuffer(Stack):
    """The mask is kept, and grows when it is too small."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.register_buffer("mask", torch.ones(1, 1, dtype=torch.bool), persistent=False)

    def forward(self, x, memory, memory_mask=None):
        length = x.shape[-2]
        if len(self.mask) < length:
            self.mask = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        for block in self.blocks:
            x = block(x, memory, mask=self.mask[:length, :length], memory_mask=memory_mask)
        return self.norm(x)


@known.legal
class FromTheLastToTheFirst(Stack):
    """Recursion, and a mask for every sequence of the batch."""

    def forward(self, x, memory, memory_mask=None):
        positions = torch.arange(x.shape[1], device=x.device)
        mask = (positions[None, :, None] >= positions).expand(len(x), -1, -1)

        def upto(number):
            return self.blocks[number - 1](upto(number - 1), memory, mask, memory_mask) if number else x

        return self.norm(upto(len(self.blocks)))


@known.borrowed
class ByPyTorchsOwn(Stack):
    def forward(self, x, memory, memory_mask=None):
        layer = nn.TransformerDecoderLayer(x.shape[-1], 1, batch_first=True)
        return nn.TransformerDecoder(layer, len(self.blocks))(x, memory)


def _small(rng):
    return masked(rng, num_layers=2, length=4, batch=3, num_heads=1, d_k=6, d_ff=5)


@known.probe
def future_changed(rng):
    inputs = _small(rng)
    before = yield inputs
    changed = inputs["x"].copy()
    changed[:, -1] = rng.normal(size=changed[:, -1].shape)
    after = yield {**inputs, "x": changed}
    if np.allclose(before[:, :-1], after[:, :-1], atol=1e-5):
        return None
    return "The last position of x was changed, and your output at earlier positions changed with it: they see it."


@known.probe
def past_changed(rng):
    inputs = _small(rng)
    before = yield inputs
    changed = inputs["x"].copy()
    changed[:, 0] = rng.normal(size=changed[:, 0].shape)
    after = yield {**inputs, "x": changed}
    if np.allclose(before[:, -1], after[:, -1], atol=1e-5):
        return "The first position of x was changed, and your output at the last one stays as it was: it should see it."
    return None


@known.probe
def hidden_memory_changed(rng):
    return (yield from hidden_memory(_small(rng)))


@known.probe
def another_memory(rng):
    return (yield from other_memory(rng, _small(rng)))


@known.probe
def plain_last_norm(rng):
    """The output has the mean and the variance that the last norm gives."""
    inputs = _small(rng)
    inputs |= {"norm.weight": np.zeros(6), "norm.bias": np.arange(6.0)}
    found = yield inputs
    differs = first_difference(found, np.broadcast_to(np.arange(6.0), found.shape))
    return differs and (
        "With the last norm's weight made 0, its bias alone is left of everything: at [{}] your output is {:.4g}, not "
        "{:.4g}.".format(*differs)
    )


TASK = Task(
    id="09.Decoder",
    title="The decoder",
    difficulty=2,
    minutes=10,
    reference=reference,
    draw=masked,
    build=BUILD,
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, 1, "float32", draw=the_example),
        Case("two blocks", dict(num_layers=2, batch=1, length=4, num_heads=3, d_k=8, d_ff=5), 2, "float32"),
        Case(
            "one position",
            dict(num_layers=1, batch=2, length=1, k_len=4, num_heads=5, d_k=6, d_ff=7),
            1,
            "float32",
            draw=pre,
        ),
        Case(
            "sources of different lengths",
            dict(num_layers=2, batch=3, length=5, num_heads=1, d_k=4, d_ff=6),
            2,
            "float32",
        ),
        Case(
            "post-norm, float64",
            dict(num_layers=2, batch=2, length=4, num_heads=1, d_k=6, d_ff=5),
            1,
            "float64",
            draw=post,
        ),
        Case(
            "training, all of it dropped",
            dict(num_layers=2, batch=2, length=3, num_heads=1, d_k=4, d_ff=5),
            1,
            "float32",
            draw=dropped,
            asks="training",
        ),
        Case(
            "gradients",
            dict(num_layers=2, batch=2, length=4, num_heads=1, d_k=6, d_ff=5),
            1,
            "float32",
            draw=masked,
            asks="gradients",
        ),
        Case(
            "another device",
            dict(num_layers=1, batch=2, length=3, num_heads=1, d_k=4, d_ff=6),
            1,
            "float32",
            draw=masked,
            asks="device",
        ),
    ),
    stages=(mask, blocks, others, through, output),
    finished=("torch.nn.TransformerDecoder.forward", "course_lib.transformer.Decoder.forward"),
    hints=(
        "Of the five things that a block's forward takes, which changes from block to block?",
        "Your Encoder has nearly all of it. New are the memory, which every block gets as it is, and the causal mask, "
        "which you make once, before the loop.",
        "causal_mask(x.shape[1]) stands on the CPU; .to(x.device) brings it where x is.",
        "for block in self.blocks: x = block(x, memory, ..., ...)",
    ),
    **known.ways,
)
