"""Blocks, encoder, decoder and the whole Transformer: equality with PyTorch's modules, cached steps, properties."""

import dataclasses

import numpy as np
import pytest
import torch
from pytorch_modules import (
    assert_equal,
    assert_equal_gradients,
    assert_finite_gradients,
    copy_weights,
    in_our_order,
    lower_triangle,
    randomized,
    reach,
    tensor,
    unchanged,
)
from torch import nn

from course_lib.masks import combine_masks, padding_mask
from course_lib.positional_encoding import AlibiPositions, RelativePositions, RotaryPositions, sinusoidal_encoding
from course_lib.transformer import Decoder, DecoderBlock, Encoder, EncoderBlock, Sizes, Transformer

# d_model 12 in 3 heads, d_ff 10; batch 2, target of 5 positions, source of 7.
SIZES = {norm: Sizes(d_model=12, num_heads=3, d_ff=10, num_layers=2, norm=norm) for norm in ("pre", "post")}
SOURCE_LENGTHS, TARGET_LENGTHS = [7, 4], [3, 5]
with_both_norms = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES.keys())
in_both_modes = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
with_and_without_weights = pytest.mark.parametrize("return_weights", [False, True], ids=["fused", "formula"])
POSITIONS = {
    "none": None,
    "rotary": RotaryPositions,
    "alibi": AlibiPositions,
    "relative": lambda: RelativePositions(4, 2),
}
with_all_positions = pytest.mark.parametrize("positions", POSITIONS.values(), ids=POSITIONS.keys())
# PyTorch says that its fast path is off: it knows neither odd numbers of heads nor pre-norm.
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")


def pytorch_sizes(sizes):
    return dict(
        d_model=sizes.d_model,
        nhead=sizes.num_heads,
        dim_feedforward=sizes.d_ff,
        dropout=0.0,
        batch_first=True,
        norm_first=sizes.norm == "pre",
    )


def integers(numbers, place):
    return torch.tensor(numbers, device=place["device"])


# Equality with PyTorch


@with_both_norms
@in_both_modes
@with_and_without_weights
@pytest.mark.parametrize("masked", ["nothing", "padding", "future", "both"])
def test_encoder_block_equals_pytorch(rng, place, sizes, training, return_weights, masked):
    pytorch = randomized(nn.TransformerEncoderLayer(**pytorch_sizes(sizes)), rng, **place).train(training)
    ours = EncoderBlock(sizes).to(**place).train(training)
    copy_weights(ours, pytorch)
    x = tensor(rng, 2, 7, 12, **place)
    padding = padding_mask(integers(SOURCE_LENGTHS, place)) if masked in ("padding", "both") else None
    future = torch.from_numpy(lower_triangle(7)).to(place["device"]) if masked in ("future", "both") else None
    given = [mask for mask in (padding, future) if mask is not None]
    output, weights = ours(x, combine_masks(*given) if given else None, return_weights=return_weights)
    expected = pytorch(
        x,
        src_mask=None if future is None else ~future,
        src_key_padding_mask=None if padding is None else ~padding[:, 0],
    )
    assert_equal(output, expected)
    assert (weights is not None) == return_weights
    assert_equal_gradients(ours, pytorch, (output, expected), [x], rng)


@with_both_norms
@in_both_modes
@with_and_without_weights
@pytest.mark.parametrize("padded", [False, True])
def test_decoder_block_equals_pytorch(rng, place, sizes, training, return_weights, padded):
    pytorch = randomized(nn.TransformerDecoderLayer(**pytorch_sizes(sizes)), rng, **place).train(training)
    ours = DecoderBlock(sizes).to(**place).train(training)
    copy_weights(ours, pytorch)
    x, memory = tensor(rng, 2, 5, 12, **place), tensor(rng, 2, 7, 12, **place)
    own, source = (padding_mask(integers(n, place)) if padded else None for n in (TARGET_LENGTHS, SOURCE_LENGTHS))
    output, weights = ours(x, memory, own, source, return_weights=return_weights)
    expected = pytorch(
        x,
        memory,
        tgt_mask=~torch.from_numpy(lower_triangle(5)).to(place["device"]),
        tgt_key_padding_mask=~own[:, 0] if padded else None,
        memory_key_padding_mask=~source[:, 0] if padded else None,
    )
    assert_equal(output, expected)
    assert (weights is not None) == return_weights
    assert_equal_gradients(ours, pytorch, (output, expected), [x, memory], rng)


class Stacks(nn.Module):
    """Our encoder and decoder, as `nn.Transformer` holds its own."""

    def __init__(self, sizes):
        super().__init__()
        self.encoder, self.decoder = Encoder(sizes), Decoder(sizes)


@with_both_norms
@in_both_modes
@with_and_without_weights
@pytest.mark.parametrize("padded", [False, True])
def test_encoder_and_decoder_equal_pytorch(rng, place, sizes, training, return_weights, padded):
    layers = dict(num_encoder_layers=2, num_decoder_layers=2)
    pytorch = randomized(nn.Transformer(**pytorch_sizes(sizes), **layers), rng, **place).train(training)
    ours = Stacks(sizes).to(**place).train(training)
    copy_weights(ours, pytorch)
    source, target = tensor(rng, 2, 7, 12, **place), tensor(rng, 2, 5, 12, **place)
    lengths = (integers(n, place) if padded else None for n in (SOURCE_LENGTHS, TARGET_LENGTHS))
    source_lengths, target_lengths = lengths
    memory, encoder_maps = ours.encoder(source, source_lengths, return_weights=return_weights)
    output, maps = ours.decoder(target, memory, target_lengths, source_lengths, return_weights=return_weights)
    source_padding, target_padding = (
        ~padding_mask(n)[:, 0] if padded else None for n in (source_lengths, target_lengths)
    )
    expected = pytorch(
        source,
        target,
        tgt_mask=~torch.from_numpy(lower_triangle(5)).to(place["device"]),
        src_key_padding_mask=source_padding,
        tgt_key_padding_mask=target_padding,
        memory_key_padding_mask=source_padding,
    )
    assert_equal(output, expected)
    assert_equal_gradients(ours, pytorch, (output, expected), [source, target], rng)
    if return_weights:
        assert [each.shape for each in encoder_maps] == [(2, 3, 7, 7)] * 2
        assert [(own.shape, cross.shape) for own, cross in maps] == [((2, 3, 5, 5), (2, 3, 5, 7))] * 2
    else:
        assert (encoder_maps, maps) == (None, None)


@with_both_norms
def test_encoder_takes_a_mask_besides_the_padding(rng, sizes):
    encoder = randomized(Encoder(sizes), rng)
    x, lengths, mask = tensor(rng, 2, 7, 12), torch.tensor(SOURCE_LENGTHS), torch.from_numpy(lower_triangle(7))
    _, maps = encoder(x, lengths, mask, return_weights=True)
    allowed = lower_triangle(7) & (np.arange(7) < np.array(SOURCE_LENGTHS)[:, None])[:, None]
    for weights in maps:
        np.testing.assert_array_equal(weights.detach() > 0, np.broadcast_to(allowed[:, None], (2, 3, 7, 7)))
    assert_equal(encoder(x, lengths, mask)[0], encoder(x, None, combine_masks(mask, padding_mask(lengths)))[0])


@with_both_norms
def test_transformer_equals_pytorch_with_what_stands_around_it(rng, sizes):
    model = randomized(Transformer(sizes, nn.Embedding(9, 12), 11), rng)
    pytorch = nn.Transformer(**pytorch_sizes(sizes), num_encoder_layers=2, num_decoder_layers=2).double()
    with torch.no_grad():
        ours = (*model.encoder.parameters(), *model.decoder.parameters())
        for theirs, weight in zip(in_our_order(pytorch), ours, strict=True):
            theirs.copy_(weight)
    source, target = torch.tensor(rng.integers(9, size=(2, 7))), torch.tensor(rng.integers(11, size=(2, 5)))
    lengths = torch.tensor(SOURCE_LENGTHS)
    positions = torch.from_numpy(sinusoidal_encoding(7, 12))
    padding = ~padding_mask(lengths)[:, 0]
    output = pytorch(
        model.source.weight[source] + positions,
        model.target.weight[target] + positions[:5],
        tgt_mask=~torch.from_numpy(lower_triangle(5)),
        src_key_padding_mask=padding,
        memory_key_padding_mask=padding,
    )
    expected = output @ model.W_vocabulary.weight.T + model.W_vocabulary.bias
    assert_equal(model(source, target, lengths), expected)


# Cached steps


@with_both_norms
@with_all_positions
@pytest.mark.parametrize("first", [1, 2])
def test_steps_equal_the_whole_sequence(rng, sizes, positions, first):
    decoder = randomized(Decoder(sizes, positions), rng)
    x, memory, lengths = tensor(rng, 2, 5, 12), tensor(rng, 2, 7, 12), torch.tensor(SOURCE_LENGTHS)
    whole, maps = decoder(x, memory, None, lengths, return_weights=True)
    before = decoder.begin(memory, lengths)
    assert before.length == 0
    output, state, _ = decoder.step(x[:, :first], before)
    assert_equal(output, whole[:, :first])
    for i in range(first, 5):
        assert state.length == i
        output, state, step_maps = decoder.step(x[:, i : i + 1], state, return_weights=True)
        assert_equal(output, whole[:, i : i + 1])
        for (own, cross), (whole_own, whole_cross) in zip(step_maps, maps, strict=True):
            assert_equal(own, whole_own[:, :, i : i + 1, : i + 1])
            assert_equal(cross, whole_cross[:, :, i : i + 1])
    assert (before.length, state.length) == (0, 5)  # a step leaves the state it came from as it was


def test_steps_of_the_transformer_continue_the_positions(rng):
    model = randomized(Transformer(SIZES["pre"], nn.Linear(6, 12), 11), rng)
    frames, target = tensor(rng, 2, 7, 6), torch.tensor(rng.integers(11, size=(2, 5)))
    lengths = torch.tensor(SOURCE_LENGTHS)
    whole = model(frames, target, lengths)
    assert whole.shape == (2, 5, 11)
    state = model.begin(frames, lengths)
    for i in range(5):
        logits, state, weights = model.step(target[:, i], state, return_weights=i == 2)
        assert_equal(logits, whole[:, i])
        assert (weights is not None) == (i == 2)


def test_selected_states_belong_to_the_selected_sequences(rng):
    decoder = randomized(Decoder(SIZES["pre"]), rng)
    x, memory, lengths = tensor(rng, 3, 5, 12), tensor(rng, 3, 7, 12), torch.tensor([7, 4, 2])
    index = torch.tensor([2, 0, 2, 1])
    for state in (decoder.begin(memory, lengths), decoder.begin(memory)):
        _, state, _ = decoder.step(x[:, :4], state.select(torch.arange(3)))
        expected, _, _ = decoder.step(x[:, 4:], state)
        output, _, _ = decoder.step(x[index, 4:], state.select(index))
        assert_equal(output, expected[index])


def test_after_the_first_step_positions_come_one_at_a_time(rng):
    decoder = randomized(Decoder(SIZES["pre"]), rng)
    _, state, _ = decoder.step(tensor(rng, 2, 3, 12), decoder.begin(tensor(rng, 2, 7, 12)))
    with pytest.raises(ValueError, match="positions come one at a time, but here come 2"):
        decoder.step(tensor(rng, 2, 2, 12), state)


# Properties


@with_both_norms
@with_all_positions
@with_and_without_weights
def test_decoder_sees_no_future_and_all_of_the_memory(rng, sizes, positions, return_weights):
    decoder = randomized(Decoder(sizes, positions), rng)
    x, memory = tensor(rng, 1, 5, 12), tensor(rng, 1, 7, 12)
    own = reach(lambda x: decoder(x, memory, return_weights=return_weights)[0], x, to=5)
    np.testing.assert_array_equal(own, lower_triangle(5))
    cross = reach(lambda memory: decoder(x, memory, return_weights=return_weights)[0], memory, to=5)
    assert cross.all()
    lengths = torch.tensor([4])
    padded = reach(lambda memory: decoder(x, memory, None, lengths)[0], memory, to=5)
    np.testing.assert_array_equal(padded, np.broadcast_to(np.arange(7) < 4, (5, 7)))


@with_both_norms
def test_encoder_sees_everything_but_padding(rng, sizes):
    encoder = randomized(Encoder(sizes), rng)
    seen = reach(lambda x: encoder(x, torch.tensor([4]))[0], tensor(rng, 1, 7, 12), to=4)
    np.testing.assert_array_equal(seen, np.broadcast_to(np.arange(7) < 4, (4, 7)))


@with_both_norms
@with_all_positions
def test_encoder_is_equivariant_under_permutation_without_positions_alone(rng, sizes, positions):
    encoder = randomized(Encoder(sizes, positions), rng)
    x, order = tensor(rng, 2, 7, 12), torch.tensor([3, 0, 4, 1, 6, 2, 5])
    moved, kept = encoder(x[:, order])[0], encoder(x)[0][:, order]
    if positions is None:
        assert_equal(moved, kept)
    else:
        assert (moved - kept).abs().max() > 1e-4


def test_transformer_has_positions(rng):
    model = randomized(Transformer(SIZES["pre"], nn.Embedding(9, 12), 11), rng)
    source, order = torch.tensor([[4, 7, 1, 1, 8]]), torch.tensor([3, 0, 4, 1, 2])
    assert (model.encode(source[:, order]) - model.encode(source)[:, order]).abs().max() > 1e-4
    first, second = model.encode(source)[0, 2:4]
    assert (first - second).abs().max() > 1e-4  # the same token at two positions


@with_both_norms
def test_batch_rows_are_independent(rng, sizes):
    model = randomized(Transformer(sizes, nn.Embedding(9, 12), 11), rng)
    source, target = torch.tensor(rng.integers(9, size=(2, 7))), torch.tensor(rng.integers(11, size=(2, 5)))
    both = model(source, target, torch.tensor(SOURCE_LENGTHS), torch.tensor([5, 3]))
    alone = model(source[1:, :4], target[1:, :3])
    assert_equal(both[1:, :3], alone)
    source[1, 4:], target[1, 3:] = 8, 10  # padding
    source[0], target[0] = 7, 9  # the other row
    changed = model(source, target, torch.tensor(SOURCE_LENGTHS), torch.tensor([5, 3]))
    assert_equal(changed[1:, :3], alone)


@with_both_norms
@with_and_without_weights
@with_all_positions
def test_empty_sequences_have_finite_gradients(rng, place, sizes, return_weights, positions):
    encoder = randomized(Encoder(sizes, positions), rng, **place)
    decoder = randomized(Decoder(sizes, positions), rng, **place)
    source, target = tensor(rng, 2, 7, 12, **place), tensor(rng, 2, 5, 12, **place)
    source_lengths, target_lengths = (integers(n, place) for n in ([0, 4], [5, 0]))
    memory, _ = encoder(source, source_lengths, return_weights=return_weights)
    output, _ = decoder(target, memory, target_lengths, source_lengths, return_weights=return_weights)
    assert memory.isfinite().all()
    assert_finite_gradients(output, encoder, source, target)
    assert all(parameter.grad.isfinite().all() for parameter in decoder.parameters())
    no_gradient = {name for name, parameter in decoder.named_parameters() if parameter.grad is None}
    assert no_gradient == set()


def test_empty_source_of_a_transformer(rng):
    model = randomized(Transformer(SIZES["pre"], nn.Embedding(9, 12), 11), rng)
    source, target = torch.tensor(rng.integers(9, size=(2, 7))), torch.tensor(rng.integers(11, size=(2, 5)))
    logits = model(source, target, torch.tensor([0, 4]), torch.tensor([5, 0]))
    assert_finite_gradients(logits, model)
    state = model.begin(source, torch.tensor([0, 4]))
    assert_equal(model.step(target[:, 0], state)[0], model(source, target[:, :1], torch.tensor([0, 4]))[:, 0])


def test_modules_keep_nothing(rng):
    model = randomized(Transformer(SIZES["pre"], nn.Embedding(9, 12), 11), rng)
    source, target = torch.tensor(rng.integers(9, size=(2, 7))), torch.tensor(rng.integers(11, size=(2, 5)))
    with unchanged(model):
        once = model(source, target)
        model.step(target[:, 0], model.begin(source), return_weights=True)
        twice = model(source, target)
    assert torch.equal(once, twice)


@with_both_norms
def test_dropout_only_while_training(rng, sizes):
    dropping = dataclasses.replace(sizes, dropout=0.5)
    model, plain = (Transformer(each, nn.Embedding(9, 12), 11).double() for each in (dropping, sizes))
    plain.load_state_dict(model.state_dict())
    source, target = torch.tensor(rng.integers(9, size=(2, 7))), torch.tensor(rng.integers(11, size=(2, 5)))
    assert not torch.equal(model(source, target), model(source, target))
    assert torch.equal(model.eval()(source, target), plain(source, target))


def test_dropout_stands_on_the_sublayer_and_not_on_the_sum(rng):
    sizes = Sizes(d_model=12, num_heads=3, d_ff=10, dropout=1.0)
    x = tensor(rng, 2, 7, 12)
    assert torch.equal(EncoderBlock(sizes).double()(x)[0], x)  # with everything dropped, the input alone goes through


@with_both_norms
def test_positions_are_made_for_each_block(rng, sizes):
    encoder, decoder = (make(sizes, lambda: RelativePositions(4, 2)) for make in (Encoder, Decoder))
    tables = [block.attention.positions for block in encoder.blocks]
    tables += [block.self_attention.positions for block in decoder.blocks]
    assert len({id(table) for table in tables}) == 4
    assert [block.cross_attention.positions for block in decoder.blocks] == [None, None]


# Sizes and errors


def test_sizes_are_frozen_and_fit():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Sizes().d_model = 3
    with pytest.raises(ValueError, match="d_model=10 is not divisible by num_heads=3"):
        Sizes(d_model=10, num_heads=3)
    with pytest.raises(ValueError, match="at least 1 head, not num_heads=0"):
        Sizes(num_heads=0)
    with pytest.raises(ValueError, match='norm must be "pre" or "post", not \'before\''):
        Sizes(norm="before")


def test_lengths_must_be_an_array_and_fit(rng):
    encoder, x = randomized(Encoder(SIZES["pre"]), rng), tensor(rng, 2, 7, 12)
    with pytest.raises(TypeError, match="lengths must be a NumPy array or a PyTorch tensor, not a list"):
        encoder(x, [7, 4])
    with pytest.raises(ValueError, match="between 0 and max_len=7, but they run from 4 to 8"):
        encoder(x, torch.tensor([8, 4]))
    with pytest.raises(TypeError, match="mask must be boolean, True = may attend"):
        encoder(x, mask=torch.ones(7, 7))
