"""10b.build_model: the learner's own Transformer as a whole, held to the contract: weights in, logits and gradients
out."""

import numpy as np
import torch
from torch import nn

from course_lib import padding_mask
from grader.known import Known
from grader.task import Build, Case, Task
from tasks import draws
from tasks.probes import first_difference
from tasks.skeletons import Transformer as Skeleton
from tasks.torch_blocks import by_torchs_transformer

known = Known()

SIZES = ("source_size", "target_size", "d_model", "num_heads", "d_ff", "num_layers")
BUILD = Build(takes=("source", "target", "source_lengths"), arguments=SIZES, module="Transformer", factory=True)


def draw_inputs(rng, batch, k_len, length, source_size, target_size, d_model, num_heads, d_ff, num_layers):
    sizes = dict(zip(SIZES, (source_size, target_size, d_model, num_heads, d_ff, num_layers), strict=True))
    lengths = np.linspace(k_len, max(1, k_len // 2), batch).round().astype(np.int64)
    source = rng.integers(1, source_size, size=(batch, k_len)) * (np.arange(k_len) < lengths[:, None])
    inputs = {
        "source": source,
        "target": rng.integers(1, target_size, size=(batch, length)),
        "source_lengths": lengths,
    }
    return {**sizes, **inputs, **draws.parameters(rng, Skeleton(**sizes))}


def reference(module, source, target, source_lengths):
    """By PyTorch's own, with the same weights."""
    return by_torchs_transformer(module, source, target, source_lengths)


@known.legal
def as_asked(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    return Skeleton(source_size, target_size, d_model, num_heads, d_ff, num_layers)


@known.legal
def written_out(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    return Skeleton(source_size, target_size, d_model, num_heads, d_ff, num_layers, dropout=0.0, norm="pre").train()


@known.legal
def with_dropout(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """Dropout does nothing in evaluation mode, in which the model is judged."""
    return Skeleton(source_size, target_size, d_model, num_heads, d_ff, num_layers, dropout=0.1)


@known.mistake
def post_norm(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """The blocks are post-norm: the norm comes after each sum. This model is to be pre-norm, norm="pre"."""
    return Skeleton(source_size, target_size, d_model, num_heads, d_ff, num_layers, norm="post")


@known.mistake
def one_head(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """All attention has one single head. The number of heads is num_heads."""
    return Skeleton(source_size, target_size, d_model, 1, d_ff, num_layers)


class WithoutPositions(Skeleton):
    def forward(self, source, target, source_lengths):
        self.positions = nn.Identity()
        return super().forward(source, target, source_lengths)


@known.mistake
def no_positions(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """No token knows its position: the model gives what it would give without the sines and cosines."""
    return WithoutPositions(source_size, target_size, d_model, num_heads, d_ff, num_layers)


class WithoutMask(Skeleton):
    def forward(self, source, target, source_lengths):
        return super().forward(source, target, torch.full_like(source_lengths, source.shape[1]))


@known.mistake
def padding_read(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """The padding of the source is read as if it were text. source_lengths says where it begins; the mask hides it from
    the encoder and from cross-attention."""
    return WithoutMask(source_size, target_size, d_model, num_heads, d_ff, num_layers)


class Foreseeing(Skeleton):
    def forward(self, source, target, source_lengths):
        memory_mask = padding_mask(source_lengths, source.shape[1])
        memory = self.encoder(self.positions(self.source(source)), memory_mask)
        x = self.positions(self.target(target))
        for block in self.decoder.blocks:
            x = block(x, memory, None, memory_mask)
        return self.W_vocabulary(self.decoder.norm(x))


@known.mistake
def future_seen(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """Positions of the target see those after them: the causal mask has no effect. In training the answers would be
    read off, and nothing learned."""
    return Foreseeing(source_size, target_size, d_model, num_heads, d_ff, num_layers)


class Softmaxed(Skeleton):
    def forward(self, source, target, source_lengths):
        return super().forward(source, target, source_lengths).softmax(-1)


@known.mistake
def probabilities(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """These are probabilities: a softmax stands at the end. The logits are asked for; the loss takes the softmax."""
    return Softmaxed(source_size, target_size, d_model, num_heads, d_ff, num_layers)


class Cut(Skeleton):
    def forward(self, source, target, source_lengths):
        memory_mask = padding_mask(source_lengths, source.shape[1])
        memory = self.encoder(self.positions(self.source(source)), memory_mask).detach()
        return self.W_vocabulary(self.decoder(self.positions(self.target(target)), memory, memory_mask))


@known.mistake
def encoder_cut_off(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """The logits are right, and no gradient reaches the encoder: it would never learn. Somewhere between the memory and
    the decoder the thread is cut, by detach() or no_grad()."""
    return Cut(source_size, target_size, d_model, num_heads, d_ff, num_layers)


class OnTheCpu(Skeleton):
    def forward(self, source, target, source_lengths):
        positions = torch.arange(source.shape[1])
        memory_mask = positions < source_lengths[:, None, None]
        memory = self.encoder(self.positions(self.source(source)), memory_mask)
        return self.W_vocabulary(self.decoder(self.positions(self.target(target)), memory, memory_mask))


@known.mistake
def made_on_the_cpu(source_size, target_size, d_model, num_heads, d_ff, num_layers):
    """Right on the CPU, and on a GPU it stops: some mask, or some positions, are made on the CPU in forward. Make them
    where the inputs are."""
    return OnTheCpu(source_size, target_size, d_model, num_heads, d_ff, num_layers)


@known.probe
def other_padding(rng):
    inputs = draw_inputs(rng, 2, 5, 4, 6, 7, 4, 2, 8, 1)
    before = yield inputs
    source = inputs["source"].copy()
    source[1, inputs["source_lengths"][1] :] = 1
    after = yield {**inputs, "source": source}
    if first_difference(before, after) is None:
        return None
    return "Other tokens in the padding of the source change your logits; nothing should read them."


@known.probe
def another_future(rng):
    inputs = draw_inputs(rng, 2, 5, 4, 6, 7, 4, 2, 8, 1)
    before = yield inputs
    target = inputs["target"].copy()
    target[:, -1] = target[:, -1] % 6 + 1
    after = yield {**inputs, "target": target}
    if first_difference(before[:, :-1], after[:, :-1]) is None:
        return None
    return "Another last token of the target changes your logits at earlier positions; they must not see it."


@known.probe
def a_source_turned_around(rng):
    inputs = draw_inputs(rng, 1, 5, 4, 6, 7, 4, 2, 8, 1)
    inputs["source"] = np.array([[1, 2, 3, 4, 5]])
    before = yield inputs
    after = yield {**inputs, "source": inputs["source"][:, ::-1].copy()}
    if first_difference(before, after) is not None:
        return None
    return "A source read backward gives the same logits: your encoder does not know where its tokens stand."


def the_example(rng):
    """All weights 0, so that the logits are the bias of the last map."""
    inputs = draw_inputs(rng, 1, 2, 2, 3, 3, 2, 1, 4, 1)
    inputs |= {name: np.zeros_like(inputs[name]) for name in BUILD.parameters(inputs)}
    return {**inputs, "W_vocabulary.bias": np.array([1.0, 2.0, 3.0])}


ORDINARY = dict(batch=2, k_len=5, length=4, source_size=7, target_size=9, d_model=6, num_heads=3, d_ff=8, num_layers=1)
DEEPER = dict(batch=3, k_len=6, length=5, source_size=9, target_size=7, d_model=8, num_heads=4, d_ff=10, num_layers=2)

TASK = Task(
    id="10b.build_model",
    title="The machine",
    difficulty=1,
    minutes=5,
    reference=reference,
    draw=draw_inputs,
    build=BUILD,
    skeleton=Skeleton,
    own_file=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, 1, "float32", draw=the_example),
        Case("one block on each side", ORDINARY, 2, "float32"),
        Case("two blocks on each side", DEEPER, 2, "float32"),
        Case("one text", {**ORDINARY, "batch": 1, "num_layers": 2}, 1, "float32"),
        Case("gradients", ORDINARY, 3, "float32", asks="gradients"),
        Case("another device", ORDINARY, 1, "float32", asks="device"),
    ),
    finished=("torch.nn.Transformer.forward", "course_lib.transformer.Transformer.forward"),
    hints=(
        "Everything is built already. Which class of yours has all the others inside?",
        "from my_transformer import Transformer brings it here; its arguments come in the order of this function's.",
        "Transformer(source_size, target_size, d_model, num_heads, d_ff, num_layers, norm=...)",
        "return the Transformer of these six sizes, in this order, pre-norm as it is unless told otherwise.",
    ),
    **known.ways,
)
