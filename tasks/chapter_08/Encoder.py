"""08.Encoder: blocks one after the other, and a last norm (Vaswani et al. 2017, section 3.1)."""

import copy

import numpy as np
from torch import nn
from torch.func import functional_call

from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws
from tasks.probes import first_difference
from tasks.skeletons import Encoder as Skeleton
from tasks.skeletons import EncoderBlock
from tasks.torch_blocks import torchs_encoder, torchs_mask

known = Known()


def pre(rng, **sizes):
    return _inputs(rng, "pre", **sizes)


def post(rng, **sizes):
    return _inputs(rng, "post", **sizes)


def _inputs(rng, norm, batch, length, num_layers, d_model, num_heads, d_ff, dropout=0.0):
    return {
        "num_layers": num_layers,
        "d_model": d_model,
        "num_heads": num_heads,
        "d_ff": d_ff,
        "dropout": dropout,
        "norm": norm,
        "x": 1.2 * rng.normal(size=(batch, length, d_model)) + 0.3,
        "mask": None,
        **draws.parameters(rng, Skeleton(num_layers, d_model, num_heads, d_ff)),
    }


def post_padded(rng, batch, length, **sizes):
    """Sentences of different lengths; of the last one nothing is left."""
    mask = np.arange(length) < np.linspace(length, 0, batch).round().astype(int)[:, None, None]
    return {**post(rng, batch=batch, length=length, **sizes), "mask": mask}


def pre_causal(rng, length, **sizes):
    return {**pre(rng, length=length, **sizes), "mask": np.tri(length, dtype=bool)}


def post_dropping(rng, **sizes):
    """With a share of 1, dropout leaves nothing of what the parts return."""
    return _inputs(rng, "post", dropout=1.0, **sizes)


def the_example(rng, **sizes):
    """All parts give zeros, so sums and norms are left."""
    zeros = {name: np.zeros_like(value) for name, value in draws.parameters(rng, Skeleton(2, 4, 2, 3)).items()}
    gains = {name: np.ones(4) for name in zeros if "norm" in name and name.endswith("weight")}
    inputs = {"num_layers": 2, "d_model": 4, "num_heads": 2, "d_ff": 3, "dropout": 0.0, "norm": "pre"}
    return {**inputs, "x": np.array([[[0.0, 0.0, 0.0, 2.0]]]), "mask": None, **zeros, **gains}


def reference(module, x, mask, num_heads, norm):
    """PyTorch's own encoder with the module's weights."""
    encoder, weights = torchs_encoder(module, norm)
    return functional_call(encoder.train(module.training), weights, (x,), {"mask": torchs_mask(x, mask, num_heads)})


@Stage
def start(x):
    return x


@start.slip
def normalized_first(module, x):
    """x is normalized before the first block. A block brings the norms that it needs; the encoder's own comes last."""
    return module.norm(x)


@start.rare
def dropped_first(module, x):
    """Dropout is applied to x before the first block. The encoder takes x as it is; dropout stands in the blocks."""
    return module.blocks[0].dropout(x)


@Stage
def masks(module, mask):
    return [mask for _ in module.blocks]


@masks.slip
def mask_not_handed_on(module):
    """The mask has no effect: it does not reach the blocks, and hidden words are read like any others."""
    return [None for _ in module.blocks]


@masks.slip
def mask_for_the_first_block_alone(module, mask):
    """Only the first block gets the mask, so in the others hidden words are read. Every block gets it."""
    return [mask, *(None for _ in module.blocks[1:])]


@masks.slip
def mask_inverted(module, mask):
    """The mask is used the wrong way round: True means that a word may be read."""
    return [None if mask is None else ~mask for _ in module.blocks]


@Stage
def sequence(module):
    return list(module.blocks)


@sequence.slip
def blocks_backward(module):
    """The blocks run in reverse order. blocks[0] comes first."""
    return list(module.blocks)[::-1]


@sequence.slip
def first_block_for_all(module):
    """The first block is used every time, so the weights of the others have no effect. Each block has its turn."""
    return [module.blocks[0] for _ in module.blocks]


@sequence.slip
def last_block_for_all(module):
    """The last block is used every time, so the weights of the others have no effect. Each block has its turn."""
    return [module.blocks[-1] for _ in module.blocks]


@sequence.slip
def last_block_left_out(module):
    """The last block has no effect. All num_layers of them have their turn."""
    return list(module.blocks)[:-1]


@sequence.slip
def first_block_left_out(module):
    """The first block has no effect. All num_layers of them have their turn, from blocks[0] on."""
    return list(module.blocks)[1:]


@sequence.slip
def first_block_alone(module):
    """Only the first block has an effect, as if the loop ended after one turn: with a `return` inside it, say. All
    num_layers of them have their turn."""
    return [module.blocks[0]]


@sequence.slip
def no_block(module):
    """No block has an effect: x arrives at the end as it came. A block changes nothing in place, it returns a new
    tensor: x = block(x, mask)."""
    return []


@sequence.slip
def every_block_twice(module):
    """Every block runs twice. Once is enough: x = block(x, mask)."""
    return [block for block in module.blocks for _ in range(2)]


@Stage
def passed(start, sequence, masks):
    x = start
    for block, mask in _pairs(sequence, masks):
        x = block(x, mask)
    return x


def _pairs(sequence, masks):
    return [(block, masks[min(i, len(masks) - 1)]) for i, block in enumerate(sequence)]


@passed.slip
def all_blocks_see_the_input(start, sequence, masks):
    """Every block gets the encoder's input, and only the last one's output counts. A block gets what the one before it
    has made."""
    return [block(start, mask) for block, mask in _pairs(sequence, masks)][-1]


@passed.slip
def input_of_each_block_added(start, sequence, masks):
    """What goes into a block is added to what comes out. The sums stand inside the blocks, none around
    them."""
    x = start
    for block, mask in _pairs(sequence, masks):
        x = x + block(x, mask)
    return x


@passed.slip
def outputs_added_up(start, sequence, masks):
    """The outputs of all blocks are added up. What counts is that of the last one."""
    x, total = start, 0
    for block, mask in _pairs(sequence, masks):
        x = block(x, mask)
        total = total + x
    return total


@Stage
def output(module, passed):
    return module.norm(passed)


@output.slip
def no_last_norm(passed):
    """The last norm has no effect. After the last block comes the encoder's own norm, in both orders."""
    return passed


@output.slip
def last_norm_in_pre_norm_alone(module, passed, norm):
    """In post-norm the last norm is left out. Here it comes in both orders."""
    return module.norm(passed) if norm == "pre" else passed


@output.slip
def last_norm_in_post_norm_alone(module, passed, norm):
    """In pre-norm the last norm is left out. Here it comes in both orders."""
    return module.norm(passed) if norm == "post" else passed


@output.slip
def norm_after_every_block(module, start, sequence, masks):
    """The encoder's norm comes after every block. It comes once, after the last one."""
    x = start
    for block, mask in _pairs(sequence, masks):
        x = module.norm(block(x, mask))
    return x


@output.slip
def input_added(module, passed, x):
    """The encoder's input is added before the last norm. The sums stand inside the blocks; around them there is
    none."""
    return module.norm(x + passed)


@output.slip
def input_added_at_the_end(module, passed, x):
    """The encoder's input is added to the result. The sums stand inside the blocks; around them there is none."""
    return x + module.norm(passed)


class Base(nn.Module):
    """The parts, as the task names them."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.blocks = nn.ModuleList(EncoderBlock(d_model, num_heads, d_ff, dropout, norm) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)


@known.legal
class OneAfterTheOther(Base):
    def forward(self, x, mask=None):
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)


@known.legal
class OfCopies(nn.Module):
    """Every block is a copy of the first, with parameters of its own."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.norm, self.blocks = nn.LayerNorm(d_model), nn.ModuleList()
        block = EncoderBlock(d_model, num_heads, d_ff, dropout=dropout, norm=norm)
        while len(self.blocks) < num_layers:
            self.blocks.append(copy.deepcopy(block))

    def forward(self, x, mask=None):
        def through(x, count):
            return x if count == 0 else self.blocks[count - 1](through(x, count - 1), mask=mask)

        return self.norm(through(x, len(self.blocks)))


@known.legal
class OfPiecesAlone(Base):
    """Calls no block, only what stands in it."""

    def forward(self, x, mask=None):
        for block in self.blocks:
            first, second, drop = block.norm_attention, block.norm_feed_forward, block.dropout
            if block.order == "pre":
                words = first(x)
                x = x + drop(block.attention(words, words, mask))
                x = x + drop(block.feed_forward(second(x)))
            else:
                x = first(x + drop(block.attention(x, x, mask)))
                x = second(x + drop(block.feed_forward(x)))
        return nn.functional.layer_norm(x, x.shape[-1:], self.norm.weight, self.norm.bias)


@known.mistake
class OrderNotHandedOn(OneAfterTheOther):
    """The blocks are pre-norm whatever `norm` says: it does not reach them. Hand it on when they are built."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__(num_layers, d_model, num_heads, d_ff, dropout)


@known.mistake
class DropoutNotHandedOn(OneAfterTheOther):
    """The blocks drop nothing while training: `dropout` does not reach them. Hand it on when they are built."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__(num_layers, d_model, num_heads, d_ff, norm=norm)


@known.mistake
class NeitherHandedOn(OneAfterTheOther):
    """The blocks are pre-norm and drop nothing, whatever `norm` and `dropout` say: neither reaches them. Hand both on
    when they are built."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__(num_layers, d_model, num_heads, d_ff)


@known.mistake
class ChangedPlaces(OneAfterTheOther):
    """`norm` and `dropout` have changed places in the call that builds a block: the text "pre" arrives as a share. In
    EncoderBlock, dropout comes first."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__(num_layers, d_model, num_heads, d_ff, norm, dropout)


@known.mistake
class GradientsCut(Base):
    """The output is right, but a block is cut off from the one before it, by detach(), .data or no_grad(), so no
    gradient gets through. Leave the thread whole."""

    def forward(self, x, mask=None):
        for block in self.blocks:
            x = block(x.detach(), mask)
        return self.norm(x)


@known.borrowed
class ByPyTorchsOwn(Base):
    def forward(self, x, mask=None):
        block = nn.TransformerEncoderLayer(x.shape[-1], 1, 4, batch_first=True)
        return nn.TransformerEncoder(block, 1, enable_nested_tensor=False)(x.float())


@known.probe
def silent_blocks(rng):
    inputs = pre(rng, batch=1, length=3, num_layers=2, d_model=4, num_heads=1, d_ff=5)
    inputs |= {name: np.zeros_like(value) for name, value in inputs.items() if "W_o" in name or "W_2" in name}
    found = yield inputs
    x = inputs["x"]
    normalized = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    differs = first_difference(found, normalized * inputs["norm.weight"] + inputs["norm.bias"])
    return differs and (
        "With every W_o and W_2 of zeros the blocks add nothing in pre-norm, and what is left is the encoder's norm of "
        "x: at [{}] yours is {:.4g}, that is {:.4g}."
    ).format(*differs)


@known.probe
def last_norm_laid_bare(rng):
    inputs = post(rng, batch=1, length=3, num_layers=2, d_model=4, num_heads=1, d_ff=5)
    inputs["norm.weight"] = np.zeros(4)
    found = yield inputs
    differs = first_difference(found, np.broadcast_to(inputs["norm.bias"], found.shape))
    return differs and (
        "With a weight of zeros in the encoder's norm its bias is left, and the result should be that: at [{}] yours "
        "is {:.4g}, the bias {:.4g}."
    ).format(*differs)


@known.probe
def a_hidden_word_changed(rng):
    inputs = pre(rng, batch=1, length=4, num_layers=2, d_model=4, num_heads=1, d_ff=5)
    inputs["mask"] = np.array([[[True, True, True, False]]])
    before = yield inputs
    x = inputs["x"].copy()
    x[:, 3] = rng.normal(size=4)
    after = yield {**inputs, "x": x}
    if np.allclose(before[:, :3], after[:, :3], atol=1e-6):
        return None
    return "A word that nobody may attend to was changed, and the results of other words changed with it."


TASK = Task(
    id="08.Encoder",
    title="A stack of blocks",
    difficulty=2,
    minutes=10,
    reference=reference,
    draw=pre,
    build=Build(
        takes=("x", "mask"),
        arguments=("num_layers", "d_model", "num_heads", "d_ff", "dropout", "norm"),
        module="Encoder",
    ),
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case(
            "two blocks, pre-norm",
            dict(batch=3, length=5, num_layers=2, d_model=8, num_heads=4, d_ff=7),
            dtype="float32",
        ),
        Case(
            "three blocks, post-norm, padding",
            dict(batch=2, length=4, num_layers=3, d_model=6, num_heads=1, d_ff=5),
            dtype="float32",
            draw=post_padded,
        ),
        Case(
            "two blocks, pre-norm, a causal mask, float64",
            dict(batch=1, length=5, num_layers=2, d_model=6, num_heads=3, d_ff=4),
            draw=pre_causal,
        ),
        Case(
            "post-norm, training with a dropout of 1",
            dict(batch=1, length=3, num_layers=2, d_model=8, num_heads=4, d_ff=5),
            dtype="float32",
            draw=post_dropping,
            asks="training",
        ),
        Case(
            "gradients",
            dict(batch=1, length=3, num_layers=2, d_model=8, num_heads=4, d_ff=5),
            dtype="float32",
            asks="gradients",
        ),
    ),
    finished=("torch.nn.TransformerEncoder.forward", "course_lib.transformer.Encoder.forward"),
    hints=(
        "Every block has weights of its own, and PyTorch has to find them all. What holds modules so that it does?",
        "nn.ModuleList takes any number of modules. Build num_layers of them, each by a call of its own.",
        "A block takes x and the mask and returns the new x; the next one takes that. After the loop comes the norm.",
        "nn.ModuleList(EncoderBlock(d_model, ...) for _ in range(num_layers)); then `for block in self.blocks:` with "
        "one line in it.",
    ),
    coincidences={
        "blocks_backward + all_blocks_see_the_input": "first_block_alone",
        "first_block_for_all + all_blocks_see_the_input": "first_block_alone",
    },
    stages=(start, masks, sequence, passed, output),
    **known.ways,
)
