"""09.Transformer: two embeddings with positions, encoder, decoder, and a linear map to the vocabulary (Vaswani et al.
2017, figure 1), without the scaling of the embeddings (section 3.4)."""

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from course_lib import causal_mask, padding_mask
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws, torch_blocks
from tasks.probes import first_difference
from tasks.skeletons import Decoder, Encoder
from tasks.skeletons import Transformer as Skeleton

known = Known()

ARGUMENTS = ("source_size", "target_size", "d_model", "num_heads", "d_ff", "num_layers", "dropout", "norm")
BUILD = Build(takes=("source", "target", "source_lengths"), arguments=ARGUMENTS, module="Transformer")


def pre(rng, source_size, target_size, num_heads, d_k, d_ff, batch, k_len, length):
    """Tokens that both vocabularies have, so that the wrong one can be asked."""
    d_model, sizes = num_heads * d_k, (source_size, target_size)
    tokens = min(sizes)
    lengths = np.linspace(k_len - 1, 1, batch).round().astype(int)
    source = np.where(np.arange(k_len) < lengths[:, None], rng.integers(1, tokens, size=(batch, k_len)), 0)
    target = rng.integers(1, tokens, size=(batch, length))
    target[:, 0] = 1
    return {
        "source_size": source_size,
        "target_size": target_size,
        "d_model": d_model,
        "num_heads": num_heads,
        "d_ff": d_ff,
        "num_layers": 1,
        "dropout": 0.0,
        "norm": "pre",
        "source": source,
        "target": target,
        "source_lengths": lengths,
        **draws.parameters(rng, Skeleton(*sizes, d_model, num_heads, d_ff, 1)),
    }


def two_layers(rng, **sizes):
    inputs = pre(rng, **sizes)
    module = Skeleton(**{name: inputs[name] for name in ARGUMENTS} | {"num_layers": 2})
    return {**inputs, "num_layers": 2, "norm": "post", **draws.parameters(rng, module)}


def dropped(rng, **sizes):
    return {**pre(rng, **sizes), "dropout": 1.0}


def as_long(rng, length, **sizes):
    """Source and target have one length, and their vocabularies one size: whatever is exchanged fits."""
    return pre(rng, k_len=length, length=length, **sizes)


def the_example(rng):
    """All parts return 0, so that each position says its own token, and where it stands."""
    weights = {name: np.zeros(tuple(p.shape)) for name, p in Skeleton(2, 3, 2, 1, 3, 1).named_parameters()}
    weights |= {name: np.ones(2) for name in weights if "norm" in name and name.endswith("weight")}
    weights["target.weight"] = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 5.0]])
    weights["W_vocabulary.weight"] = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
    weights["W_vocabulary.bias"] = np.array([0.0, 10.0, 0.0])
    return {
        "source_size": 2,
        "target_size": 3,
        "d_model": 2,
        "num_heads": 1,
        "d_ff": 3,
        "num_layers": 1,
        "dropout": 0.0,
        "norm": "pre",
        "source": np.array([[1, 0]]),
        "target": np.array([[1, 2]]),
        "source_lengths": np.array([1]),
        **weights,
    }


def _positions(x):
    """Sines and cosines, two by two (Vaswani et al. 2017, section 3.5)."""
    pairs = torch.arange(x.shape[-1], device=x.device) // 2
    angles = torch.arange(x.shape[1], device=x.device)[:, None] * 10_000.0 ** (-2 * pairs.double() / x.shape[-1])
    is_sine = torch.arange(x.shape[-1], device=x.device) % 2 == 0
    return torch.where(is_sine, angles.sin(), angles.cos()).to(x.dtype)


def reference(module, source, target, source_lengths, norm):
    def vectors(tokens, embedding):
        x = functional.embedding(tokens, embedding.weight)
        return functional.dropout(x + _positions(x), module.dropout.p, module.training)

    def normalized(x, norm):
        return functional.layer_norm(x, x.shape[-1:], norm.weight, norm.bias)

    real = (torch.arange(source.shape[1], device=source.device) < source_lengths[:, None])[:, None]
    memory = vectors(source, module.source)
    encoder, weights = torch_blocks.torchs_encoder(module.encoder, norm)
    hidden = torch_blocks.torchs_mask(memory, real, module.encoder.blocks[0].attention.num_heads)
    memory = functional_call(encoder.train(module.training), weights, (memory, hidden))
    x = vectors(target, module.target)
    past = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool, device=target.device).tril()
    for block in module.decoder.blocks:
        x = torch_blocks.by_torchs_decoder_block(block, x, memory, past, real, norm)
    return functional.linear(normalized(x, module.decoder.norm), module.W_vocabulary.weight, module.W_vocabulary.bias)


@Stage
def embedded(module, source, target):
    return module.source(source), module.target(target)  # (batch, k_len, d_model), (batch, length, d_model)


@embedded.slip
def embeddings_exchanged(module, source, target):
    """The embeddings have changed places: the source's tokens are looked up in self.target, the target's in
    self.source."""
    return module.target(source), module.source(target)


@embedded.slip
def source_embedding_for_both(module, source, target):
    """The target's tokens are looked up in self.source. They have a table of their own, self.target: token 5 of one
    vocabulary has nothing to do with token 5 of the other."""
    return module.source(source), module.source(target)


@embedded.slip
def target_embedding_for_both(module, source, target):
    """The source's tokens are looked up in self.target. They have a table of their own, self.source: token 5 of one
    vocabulary has nothing to do with token 5 of the other."""
    return module.target(source), module.target(target)


@embedded.slip
def embeddings_scaled(module, source, target, d_model):
    """The embeddings are multiplied by the root of d_model. The paper does so (section 3.4); this Transformer leaves
    them as they are."""
    return module.source(source) * d_model**0.5, module.target(target) * d_model**0.5


@Stage
def placed(embedded, module):
    return tuple(module.dropout(module.positions(x)) for x in embedded)


@placed.slip
def no_positions(embedded, module):
    """Positions are added on neither side: encoder and decoder cannot tell where a token stands."""
    return tuple(map(module.dropout, embedded))


@placed.slip
def no_positions_in_the_source(embedded, module):
    """No positions are added to the source: the encoder cannot tell one order of its tokens from another."""
    return module.dropout(embedded[0]), module.dropout(module.positions(embedded[1]))


@placed.slip
def no_positions_in_the_target(embedded, module):
    """No positions are added to the target. The decoder needs them as the encoder does."""
    return module.dropout(module.positions(embedded[0])), module.dropout(embedded[1])


@placed.slip
def dropout_before_the_positions(embedded, module):
    """In training mode, dropout acts on the embeddings alone, before the positions are added. It acts on the sum of the
    two."""
    return tuple(module.positions(module.dropout(x)) for x in embedded)


@placed.slip
def no_dropout_of_the_target(embedded, module):
    """In training mode, nothing is dropped of what enters the decoder. self.dropout acts on the sum of embeddings and
    positions, on both sides."""
    return module.dropout(module.positions(embedded[0])), module.positions(embedded[1])


@Stage
def real(source, source_lengths):
    mask = padding_mask(source_lengths, source.shape[1])
    return mask, mask  # of the encoder, of the decoder: (batch, 1, k_len)


@real.slip
def encoder_without_mask(source, source_lengths):
    """The encoder gets no mask: its real positions attend to the padding."""
    return None, padding_mask(source_lengths, source.shape[1])


@real.slip
def decoder_without_memory_mask(source, source_lengths):
    """The decoder gets no mask for the memory: cross-attention reads the padding of the source."""
    return padding_mask(source_lengths, source.shape[1]), None


@real.slip
def neither_mask(source, source_lengths):
    """source_lengths has no effect: the padding of the source is attended to, in the encoder and by the decoder."""
    return None, None


@real.slip
def padding_alone(source, source_lengths):
    """The mask is the other way round: True stands at the padding. True means that a position may be attended to."""
    mask = ~padding_mask(source_lengths, source.shape[1])
    return mask, mask


@real.slip
def one_position_too_few(source, source_lengths):
    """The mask hides the last real position of each source, too. Position j is real if j < length, counted from 0."""
    mask = padding_mask(source_lengths - 1, source.shape[1])
    return mask, mask


@Stage
def memory(placed, real, module):
    return module.encoder(placed[0], real[0])  # (batch, k_len, d_model)


@memory.slip
def source_not_encoded(placed):
    """The decoder reads the embedded source: the encoder has no part in the result. Its output is the memory."""
    return placed[0]


@memory.slip
def causal_encoder(placed, real, module):
    """The encoder is under a causal mask: each position of the source sees itself and those before it. The source is
    known in full, and only its padding is hidden."""
    causal = causal_mask(placed[0].shape[1], like=placed[0])
    return module.encoder(placed[0], causal if real[0] is None else causal & real[0])


@Stage
def decoded(placed, memory, real, module):
    return module.decoder(placed[1], memory, real[1])  # (batch, length, d_model)


@decoded.slip
def target_encoded(placed, memory, real, module):
    """The target goes through the encoder before it reaches the decoder, and there each position sees the whole text.
    The target's vectors go into the decoder as they are."""
    return module.decoder(module.encoder(placed[1]), memory, real[1])


@decoded.slip
def decoder_reads_itself(placed, real, module):
    """The decoder is handed the target in the place of the memory: nothing of the source arrives."""
    if real[1] is not None and real[1].shape[-1] != placed[1].shape[1]:
        return module.decoder(placed[1], placed[1], None)
    return module.decoder(placed[1], placed[1], real[1])


@Stage
def output(decoded, module):
    return module.W_vocabulary(decoded)  # (batch, length, target_size)


@output.slip
def softmax_at_the_end(decoded, module):
    """These are probabilities, after a softmax. Logits are asked for, as they leave W_vocabulary: the loss of chapter
    10 takes the softmax itself."""
    return module.W_vocabulary(decoded).softmax(-1)


@output.slip
def without_the_bias(decoded, module):
    """The bias of W_vocabulary is not added. Calling the layer multiplies by its weight and adds its bias."""
    return decoded @ module.W_vocabulary.weight.mT


@output.slip
def by_the_embedding_of_the_target(decoded, module):
    """The vectors are compared with the target's embeddings, and W_vocabulary has no effect. Sharing the two is another
    Transformer's way (section 3.4); here W_vocabulary makes the logits."""
    return decoded @ module.target.weight.mT


@output.slip
def vectors_of_the_decoder(decoded):
    """These are the vectors of the decoder, of size d_model. W_vocabulary makes one logit of them for each token of the
    target's vocabulary."""
    return decoded


@output.slip
def last_position_alone(decoded, module):
    """These are the logits of the last position alone. All positions are asked at once: (batch, length,
    target_size)."""
    return module.W_vocabulary(decoded[:, -1])


class Machine(nn.Module):
    """The parts, as the task names them."""

    def __init__(self, source_size, target_size, d_model, num_heads, d_ff, num_layers, dropout=0.0, norm="pre"):
        super().__init__()
        self.source, self.target = nn.Embedding(source_size, d_model), nn.Embedding(target_size, d_model)
        self.positions = Positions()
        self.dropout = nn.Dropout(dropout)
        self.encoder = Encoder(num_layers, d_model, num_heads, d_ff, dropout, norm)
        self.decoder = Decoder(num_layers, d_model, num_heads, d_ff, dropout, norm)
        self.W_vocabulary = nn.Linear(d_model, target_size)

    def embed(self, tokens, embedding):
        return self.dropout(self.positions(embedding(tokens)))


class Positions(nn.Module):
    def forward(self, x):
        return x + _positions(x)


@known.mistake
def decoder_of_the_usual_kind(module, source, target, source_lengths):
    """The decoder's blocks are in pre-norm and without dropout, whatever the Transformer is told. Hand `dropout` and
    `norm` on to the decoder, as to the encoder."""
    for block in module.decoder.blocks:
        block.order, block.dropout.p = "pre", 0.0
    return module(source, target, source_lengths)


@known.mistake
class LengthsOfTheTarget(Machine):
    """The mask is as long as the target. It speaks of the source's positions, in the encoder and in cross-attention:
    its length is source.shape[1]."""

    def forward(self, source, target, source_lengths):
        mask = padding_mask(source_lengths, target.shape[1])
        memory = self.encoder(self.embed(source, self.source), mask)
        return self.W_vocabulary(self.decoder(self.embed(target, self.target), memory, mask))


@known.mistake
class MemoryCutOff(Machine):
    """The logits are right, but no gradient gets through the memory: something like detach() or no_grad() cuts the
    thread. Encoder and source embedding would never learn."""

    def forward(self, source, target, source_lengths):
        mask = padding_mask(source_lengths, source.shape[1])
        with torch.no_grad():
            memory = self.encoder(self.embed(source, self.source), mask)
        return self.W_vocabulary(self.decoder(self.embed(target, self.target), memory, mask))


@known.mistake
class MadeOnTheCpu(Machine):
    """A tensor is made on the CPU, and on a GPU it would meet those that stand there. padding_mask makes the mask where
    the lengths are."""

    def forward(self, source, target, source_lengths):
        mask = torch.arange(source.shape[1]) < source_lengths[:, None, None]
        memory = self.encoder(self.embed(source, self.source), mask)
        return self.W_vocabulary(self.decoder(self.embed(target, self.target), memory, mask))


@known.mistake
class SourceAndTargetExchanged(Machine):
    """The text that is written goes into the encoder and the source into the decoder. The encoder reads the source; the
    decoder writes the target."""

    def forward(self, source, target, source_lengths):
        memory = self.encoder(self.embed(target, self.target))
        return self.W_vocabulary(self.decoder(self.embed(source, self.source), memory))


@known.legal
class InFiveLines(Machine):
    def forward(self, source, target, source_lengths):
        mask = padding_mask(source_lengths, source.shape[1])
        memory = self.encoder(self.embed(source, self.source), mask)
        x = self.decoder(self.embed(target, self.target), memory, mask)
        return self.W_vocabulary(x)


@known.legal
class WithEncodeAndDecode(Machine):
    """Masks by the tokens' places, positions by a table that is kept."""

    def encode(self, source, real):
        x = functional.embedding(source, self.source.weight)
        return self.encoder(self.dropout(x + self.table(x)), real)

    def table(self, x):
        if getattr(self, "kept", None) is None or self.kept.shape != x.shape[1:] or self.kept.device != x.device:
            self.kept = _positions(x)
        return self.kept

    def forward(self, source, target, source_lengths):
        places = torch.arange(source.shape[1], device=source.device).repeat(len(source), 1)
        real = places.lt(source_lengths.unsqueeze(-1)).unsqueeze(-2)
        vectors = self.target(target)
        vectors = self.dropout(vectors + self.table(vectors))
        decoded = self.decoder(memory=self.encode(source, real), x=vectors, memory_mask=real)
        return torch.einsum("bld,vd->blv", decoded, self.W_vocabulary.weight) + self.W_vocabulary.bias


@known.legal
class OneSourceAtATime(Machine):
    """Each source without its padding, and no mask."""

    def forward(self, source, target, source_lengths):
        rows = []
        for one, other, length in zip(source, target, source_lengths, strict=True):
            kept = len(one) if length.is_meta else int(length)
            memory = self.encoder(self.embed(one[None, :kept], self.source))
            rows.append(self.W_vocabulary(self.decoder(self.embed(other[None], self.target), memory)))
        return torch.cat(rows)


@known.borrowed
class ByPyTorchsOwn(Machine):
    def forward(self, source, target, source_lengths):
        whole = nn.Transformer(self.source.embedding_dim, 1, 1, 1, 4, batch_first=True)
        return self.W_vocabulary(whole(self.source(source), self.target(target)))


def _small(rng):
    return pre(rng, source_size=8, target_size=7, num_heads=1, d_k=6, d_ff=5, batch=3, k_len=4, length=2)


@known.probe
def hidden_tokens_changed(rng):
    inputs = _small(rng)
    before = yield inputs
    hidden = np.arange(4) >= inputs["source_lengths"][:, None]
    after = yield {**inputs, "source": np.where(hidden, 6 - inputs["source"], inputs["source"])}
    if np.allclose(before, after, atol=1e-5):
        return None
    return "Only the padding of the sources was filled with other tokens, and your logits changed."


@known.probe
def another_source(rng):
    inputs = _small(rng)
    before = yield inputs
    after = yield {**inputs, "source": 7 - np.maximum(inputs["source"], 1)}
    if np.allclose(before, after, atol=1e-5):
        return "With other tokens in the source, your logits stay the same: nothing of the source arrives."
    return None


@known.probe
def source_turned_around(rng):
    inputs = _small(rng)
    inputs |= {"source": np.array([[1, 2, 3, 4]] * 3), "source_lengths": np.array([4, 4, 4])}
    before = yield inputs
    after = yield {**inputs, "source": inputs["source"][:, ::-1].copy()}
    if np.allclose(before, after, atol=1e-5):
        return "With the source turned around, your logits stay the same: no positions are added to it."
    return None


@known.probe
def last_token_changed(rng):
    inputs = _small(rng)
    before = yield inputs
    target = inputs["target"].copy()
    target[:, -1] = 7 - np.maximum(target[:, -1], 1)
    after = yield {**inputs, "target": target}
    if np.allclose(before[:, :-1], after[:, :-1], atol=1e-5):
        return None
    return "The last token of the target was changed, and your logits at earlier positions changed with it."


@known.probe
def bias_alone(rng):
    inputs = _small(rng)
    inputs["W_vocabulary.weight"] = np.zeros_like(inputs["W_vocabulary.weight"])
    found = yield inputs
    differs = first_difference(found, np.broadcast_to(inputs["W_vocabulary.bias"], found.shape))
    return differs and (
        "With the weight of W_vocabulary made 0, its bias alone is left: at [{}] your logit is {:.4g}, not "
        "{:.4g}.".format(*differs)
    )


TASK = Task(
    id="09.Transformer",
    title="The whole machine",
    difficulty=2,
    minutes=15,
    reference=reference,
    draw=pre,
    build=BUILD,
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, 1, "float32", draw=the_example),
        Case(
            "vocabularies of one size, texts of one length",
            dict(source_size=6, target_size=6, num_heads=1, d_k=6, d_ff=5, batch=2, length=4),
            2,
            "float32",
            draw=as_long,
        ),
        Case(
            "three sources of different lengths",
            dict(source_size=9, target_size=7, num_heads=2, d_k=4, d_ff=8, batch=3, k_len=6, length=5),
            2,
            "float32",
        ),
        Case(
            "one token so far",
            dict(source_size=7, target_size=10, num_heads=3, d_k=2, d_ff=9, batch=4, k_len=5, length=1),
            1,
            "float32",
        ),
        Case(
            "two layers, post-norm",
            dict(source_size=8, target_size=9, num_heads=2, d_k=3, d_ff=5, batch=1, k_len=4, length=6),
            1,
            "float32",
            draw=two_layers,
        ),
        Case(
            "training, all of it dropped",
            dict(source_size=8, target_size=7, num_heads=1, d_k=4, d_ff=3, batch=2, k_len=6, length=5),
            1,
            "float32",
            draw=dropped,
            asks="training",
        ),
        Case(
            "gradients",
            dict(source_size=5, target_size=6, num_heads=1, d_k=4, d_ff=3, batch=2, k_len=6, length=4),
            2,
            "float32",
            draw=pre,
            asks="gradients",
        ),
        Case(
            "another device",
            dict(source_size=5, target_size=6, num_heads=1, d_k=2, d_ff=3, batch=2, k_len=3, length=4),
            1,
            "float32",
            draw=pre,
            asks="device",
        ),
    ),
    stages=(embedded, placed, real, memory, decoded, output),
    finished=("torch.nn.Transformer.forward", "course_lib.transformer.Transformer.forward"),
    hints=(
        "Draw two arrows into the decoder: where does each of them begin, and what happens on the way?",
        "A token becomes a vector, gets its position, and is dropped now and then, in this order, on both sides. One "
        "mask serves twice: whatever reads the source must not read its padding.",
        "memory = encoder(vectors of the source, mask); x = decoder(vectors of the target, memory, mask).",
        "self.dropout(self.positions(self.source(source))) are the vectors of the source; the logits are "
        "self.W_vocabulary(x).",
    ),
    **known.ways,
)
