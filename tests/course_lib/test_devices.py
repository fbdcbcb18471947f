"""Everything public on the meta device, where nothing made on the CPU is taken, and in one graph by `torch.compile`."""

import pytest
import torch
from torch import nn

import course_lib
from course_lib.layers import FeedForward, FrameEmbedding, LayerNorm, RMSNorm, SwiGLU, layer_norm, rms_norm
from course_lib.multi_head import MultiHeadAttention, merge_heads, split_heads
from course_lib.positional_encoding import (
    AlibiPositions,
    LearnedPositions,
    RelativePositions,
    RotaryPositions,
    SinusoidalPositions,
    relative_scores,
    relative_scores_naive,
    rotate,
    sinusoidal_encoding,
)
from course_lib.relatives.bottleneck import RecurrentBottleneck
from course_lib.relatives.convolution import (
    QuadraticAttention2d,
    RelativeAttention2d,
    convolution_by_attention,
    grid_offsets,
    heads_from_kernel,
    quadratic_scores,
)
from course_lib.relatives.delta_rule import delta_rule, delta_rule_step
from course_lib.relatives.linear_attention import (
    LinearState,
    causal_linear_attention,
    feature_map,
    linear_attention,
    linear_attention_step,
    linear_attention_weights,
)
from course_lib.relatives.pooling import (
    ClassTokenPooling,
    LastStatePooling,
    MaxPooling,
    MeanPooling,
    StructuredSelfAttention,
    hop_weights,
    overlap_penalty,
)
from course_lib.self_attention import SelfAttention, attend
from course_lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Sizes, Transformer

SIZES = Sizes(d_model=12, num_heads=3, d_ff=10, num_layers=1)  # one layer: compiling takes a second for each
POST = Sizes(d_model=12, num_heads=3, d_ff=10, num_layers=1, norm="post")
POSITIONS = {
    "none": None,
    "rotary": RotaryPositions,
    "alibi": AlibiPositions,
    "relative": lambda: RelativePositions(4, 2),
}


def floats(*shape):
    return torch.randn(*shape, requires_grad=True)


def tokens(*shape):
    return torch.randint(1, 9, shape)


def lengths():
    return torch.tensor([5, 3])


def query_key_value():
    return floats(2, 3, 5, 4), floats(2, 3, 7, 4), floats(2, 3, 7, 6)


def mask():
    return torch.ones(2, 1, 5, 7, dtype=torch.bool).tril()


# What is called, with arguments that are made anew for every test; a module is called as it is.
FUNCTIONS = {
    "softmax": (course_lib.softmax, lambda: [floats(2, 5)]),
    "masked_softmax": (course_lib.masked_softmax, lambda: [floats(2, 3, 5, 7), mask()]),
    "dot_product_scores": (course_lib.dot_product_scores, lambda: query_key_value()[:2]),
    "additive_scores": (
        course_lib.additive_scores,
        lambda: [floats(2, 5, 4), floats(2, 7, 3), floats(4, 6), floats(3, 6), floats(6)],
    ),
    "attention_weights": (course_lib.attention_weights, lambda: [*query_key_value()[:2], mask()]),
    "scaled_dot_product_attention": (
        lambda *arrays: course_lib.scaled_dot_product_attention(*arrays[:4], bias=arrays[4]),
        lambda: [*query_key_value(), mask(), floats(3, 5, 7)],
    ),
    "padding_mask": (lambda n: course_lib.padding_mask(n, 5), lambda: [lengths()]),
    "causal_mask": (lambda like: course_lib.causal_mask(5, like=like), lambda: [floats(1)]),
    "combine_masks": (course_lib.combine_masks, lambda: [mask(), mask()]),
    "attend": (attend, lambda: [*query_key_value(), mask()]),
    "attend with weights": (lambda *a: attend(*a, return_weights=True), lambda: [*query_key_value(), mask()]),
    "attend with bias": (lambda *a: attend(*a[:4], bias=a[4]), lambda: [*query_key_value(), mask(), floats(3, 5, 7)]),
    "attend, causal": (lambda q: attend(q, q, q, is_causal=True), lambda: [floats(2, 3, 5, 4)]),
    "split and merge": (lambda x: merge_heads(split_heads(x, 3)), lambda: [floats(2, 5, 12)]),
    "sinusoidal_encoding": (lambda like: sinusoidal_encoding(5, 6, start=2, like=like), lambda: [floats(1)]),
    "rotate": (lambda x: rotate(x, 3), lambda: [floats(2, 5, 4)]),
    "relative_scores": (relative_scores, lambda: [floats(2, 3, 5, 4), floats(5, 7, 4)]),
    "relative_scores_naive": (relative_scores_naive, lambda: [floats(2, 3, 5, 4), floats(5, 7, 4)]),
    "layer_norm": (layer_norm, lambda: [floats(2, 5, 12), floats(12), floats(12)]),
    "rms_norm": (rms_norm, lambda: [floats(2, 5, 12), floats(12)]),
    "feature_map": (feature_map, lambda: [floats(2, 5)]),
    "linear_attention_weights": (linear_attention_weights, lambda: [*query_key_value()[:2], mask()]),
    "linear_attention": (linear_attention, query_key_value),
    "causal_linear_attention": (
        lambda *qkv: causal_linear_attention(*qkv, chunk_size=3),
        lambda: [floats(2, 3, 7, 4), floats(2, 1, 7, 4), floats(3, 7, 6)],
    ),
    "linear_attention_step, first": (linear_attention_step, lambda: [floats(2, 3, 4), floats(2, 3, 4), floats(3, 6)]),
    "linear_attention_step": (
        lambda q, k, v, S, z: linear_attention_step(q, k, v, LinearState(S, z)),
        lambda: [floats(2, 3, 4), floats(2, 3, 4), floats(3, 6), floats(2, 3, 4, 6), torch.rand(2, 3, 4) + 1],
    ),
    "delta_rule": (delta_rule, lambda: [floats(2, 5, 4), floats(5, 4), floats(3, 1, 5, 6), torch.rand(2, 5)]),
    "delta_rule_step": (
        delta_rule_step,
        lambda: [floats(2, 4), floats(2, 4), floats(2, 6), torch.rand(2), floats(2, 4, 6)],
    ),
    "hop_weights": (hop_weights, lambda: [floats(2, 7, 6), floats(4, 6), floats(3, 4), mask()[:, 0, 2:3]]),
    "overlap_penalty": (overlap_penalty, lambda: [floats(2, 3, 5)]),
    "quadratic_scores": (lambda c, a: quadratic_scores(grid_offsets(3, 4), c, a), lambda: [floats(5, 2), floats(5)]),
    "heads_from_kernel": (heads_from_kernel, lambda: [floats(4, 2, 3, 3)]),
    "convolution_by_attention": (
        lambda image, weight, bias: convolution_by_attention(image, weight, bias, alpha=2.0),
        lambda: [floats(2, 5, 6, 3), floats(4, 3, 3, 3), floats(4)],
    ),
}
MODULES = {
    "SelfAttention": (lambda: SelfAttention(12, 4), lambda: [floats(2, 5, 12)]),
    "LearnedPositions": (lambda: LearnedPositions(9, 12), lambda: [floats(2, 5, 12)]),
    "SinusoidalPositions": (SinusoidalPositions, lambda: [floats(2, 5, 12)]),
    "LayerNorm": (lambda: LayerNorm(12), lambda: [floats(2, 5, 12)]),
    "RMSNorm": (lambda: RMSNorm(12), lambda: [floats(2, 5, 12)]),
    "FeedForward": (lambda: FeedForward(12, 10), lambda: [floats(2, 5, 12)]),
    "SwiGLU": (lambda: SwiGLU(12, 10), lambda: [floats(2, 5, 12)]),
    "FrameEmbedding": (lambda: FrameEmbedding(6, 12), lambda: [floats(2, 5, 6)]),
    "QuadraticAttention2d": (lambda: QuadraticAttention2d(3, 4, 5), lambda: [floats(2, 5, 6, 3)]),
    "RelativeAttention2d": (lambda: RelativeAttention2d(3, 4, 2, 5, 5, 6), lambda: [floats(2, 5, 6, 3)]),
    "EncoderBlock": (lambda: EncoderBlock(POST), lambda: [floats(2, 5, 12)]),
    "DecoderBlock": (lambda: DecoderBlock(POST), lambda: [floats(2, 5, 12), floats(2, 7, 12)]),
    "StructuredSelfAttention": (lambda: StructuredSelfAttention(6, 4, 3), lambda: [floats(2, 5, 6), lengths()]),
    "MeanPooling": (MeanPooling, lambda: [floats(2, 5, 6), lengths()]),
    "MaxPooling": (MaxPooling, lambda: [floats(2, 5, 6), lengths()]),
    "LastStatePooling": (LastStatePooling, lambda: [floats(2, 5, 6), lengths()]),
    "ClassTokenPooling": (lambda: ClassTokenPooling(6), lambda: [floats(2, 5, 6), lengths()]),
    "Transformer": (
        lambda: Transformer(SIZES, nn.Embedding(9, 12), 11),
        lambda: [tokens(2, 7), tokens(2, 5), torch.tensor([7, 4]), lengths()],
    ),
    "Transformer, frames": (
        lambda: Transformer(POST, FrameEmbedding(6, 12), 11),
        lambda: [floats(2, 7, 6), tokens(2, 5), torch.tensor([7, 4])],
    ),
}
for name, make in POSITIONS.items():
    MODULES |= {
        f"MultiHeadAttention, {name}": (
            lambda make=make: MultiHeadAttention(12, 3, positions=make and make()),
            lambda: [floats(2, 5, 12)],
        ),
        f"Encoder, {name}": (lambda make=make: Encoder(SIZES, make), lambda: [floats(2, 5, 12), lengths()]),
        f"Decoder, {name}": (
            lambda make=make: Decoder(SIZES, make),
            lambda: [floats(2, 5, 12), floats(2, 7, 12), lengths(), torch.tensor([7, 4])],
        ),
    }
CALLS = {
    **{name: (lambda function=function: function, arguments) for name, (function, arguments) in FUNCTIONS.items()},
    **MODULES,
}
# Stacks are compiled once, as parts of the Transformer: it takes seconds.
COMPILED = {name: call for name, call in CALLS.items() if not name.startswith(("Encoder,", "Decoder,", "Transformer,"))}


def with_every(calls):
    return pytest.mark.parametrize(("make", "arguments"), calls.values(), ids=calls.keys())


def first(result):
    return result[0] if isinstance(result, tuple) else result


def on_meta(thing):
    return thing.to("meta") if isinstance(thing, torch.Tensor | nn.Module) else thing


@with_every(CALLS)
def test_everything_runs_on_the_meta_device(make, arguments):
    call, given = make(), arguments()
    expected = first(call(*given))
    output = first(on_meta(call)(*map(on_meta, given)))
    assert (output.device.type, output.shape, output.dtype) == ("meta", expected.shape, expected.dtype)


@pytest.mark.parametrize("positions", POSITIONS.values(), ids=POSITIONS.keys())
def test_decoding_steps_on_the_meta_device(positions):
    decoder, x, memory = (on_meta(each) for each in (Decoder(SIZES, positions), floats(2, 5, 12), floats(2, 7, 12)))
    state = decoder.begin(memory, lengths().to("meta"))
    for start, end in ((0, 2), (2, 3), (3, 4)):
        output, state, maps = decoder.step(x[:, start:end], state, return_weights=True)
        assert (output.device.type, output.shape) == ("meta", (2, end - start, 12))
        assert maps[0][0].shape == (2, 3, end - start, end)
        state = state.select(torch.tensor([1, 0], device="meta"))


@pytest.mark.parametrize("source", ["tokens", "frames"])
def test_models_take_steps_on_the_meta_device(source):
    make, given = (nn.Embedding(9, 12), tokens(2, 7)) if source == "tokens" else (nn.Linear(6, 12), floats(2, 7, 6))
    for model in (Transformer(SIZES, make, 11), RecurrentBottleneck(8, make, 12, 11)):
        model = on_meta(model)
        state = model.begin(on_meta(given))
        for _ in range(3):
            logits, state, _ = model.step(tokens(2).to("meta"), state)
            assert (logits.device.type, logits.shape) == ("meta", (2, 11))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")  # of that one patch level, and not ours
@with_every(COMPILED)
def test_everything_compiles_into_one_graph(make, arguments):
    if not torch._dynamo.is_dynamo_supported():
        pytest.skip("this PyTorch does not compile under this Python")
    torch._dynamo.reset()
    torch.manual_seed(2)
    call, given = make(), arguments()
    results = []
    for function in (call, torch.compile(call, fullgraph=True, backend="aot_eager")):
        output = first(function(*given))
        if output.requires_grad:
            output.square().sum().backward()
        leaves = [*given, *(call.parameters() if isinstance(call, nn.Module) else ())]
        gradients = [leaf.grad for leaf in leaves if leaf.requires_grad and leaf.grad is not None]
        results.append((output.detach(), *gradients))
        for leaf in leaves:
            leaf.grad = None
    assert len(results[0]) == len(results[1])
    for eager, compiled in zip(*results, strict=True):
        torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=1e-5)


def test_masks_of_many_lengths_at_once():
    many = torch.tensor([[5, 3], [0, 2]])
    masks = torch.vmap(lambda n: course_lib.padding_mask(n, 5))(many)
    assert torch.equal(masks, course_lib.padding_mask(many, 5))


def test_an_encoder_can_be_exported():
    encoder, x = Encoder(SIZES, RotaryPositions).eval(), floats(2, 5, 12)
    exported = torch.export.export(encoder, (x, lengths()))
    torch.testing.assert_close(exported.module()(x, lengths())[0], encoder(x, lengths())[0])


def test_lengths_are_not_read_where_that_costs():
    wrong = torch.tensor([2, 9])
    with pytest.raises(ValueError, match="they run from 2 to 9"):
        course_lib.padding_mask(wrong, 4)
    compiled = torch.compile(lambda n: course_lib.padding_mask(n, 4), fullgraph=True, backend="eager")
    assert compiled(wrong).tolist() == [[[True, True, False, False]], [[True] * 4]]
