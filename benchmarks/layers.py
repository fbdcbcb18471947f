"""Time and peak memory of our layers beside PyTorch's own, with the same weights and masks.

    python benchmarks/layers.py                           lengths 64 to 2048 on the CPU, about four minutes
    python benchmarks/layers.py --lengths 128 --widths 64 --seconds 0.5

Time: the two take turns in random order, so that whatever else the machine does hits both alike. Shown are the median
over the turns, and the median of the ratios within each turn. A batch is as large as makes about 1024 positions, and a
quarter of its first sequence is padding. Forward runs in evaluation mode without gradients, where PyTorch's layers take
a path of their own; forward and backward run in training mode.

Memory: what one call adds at its peak, output and gradients included, at the longest length and the largest width. On
the CPU each number comes from a fresh process; a small call goes first and loads what loads only once. On a GPU it is
what the allocator counts.
"""

import argparse
import random
import statistics
import sys
import time
import warnings
from functools import partial

import torch
from attention import added_memory, in_fresh_process, timed, verdict
from torch import nn

from course_lib.decoding import greedy, greedy_without_cache
from course_lib.masks import causal_mask, padding_mask
from course_lib.multi_head import MultiHeadAttention
from course_lib.positional_encoding import relative_index, relative_scores, relative_scores_naive
from course_lib.transformer import Decoder, Encoder, EncoderBlock, Sizes, Transformer

LENGTHS, WIDTHS = (64, 256, 1024, 2048), (64, 128, 256)
POSITIONS, HEADS = 1024, 4  # positions in a batch, shared out among its sequences
BAR_MEDIAN, BAR_ANYWHERE = 1.0, 1.1  # ours to PyTorch's: over the table, and in its slowest cell
DECODED = 512
RELATIVE = dict(batch=2, heads=4, d_k=16, max_distance=8)
ATTENTION, BLOCK, BOTH_STACKS = "MultiHeadAttention", "EncoderBlock", "Encoder and Decoder"
FORWARD, BACKWARD = "forward", "forward and backward"
OURS, PYTORCH = "ours", "PyTorch's"


class Stacks(nn.Module):
    """Our encoder and decoder without what stands around them, as `nn.Transformer` is."""

    def __init__(self, sizes):
        super().__init__()
        self.encoder, self.decoder = Encoder(sizes), Decoder(sizes)

    def forward(self, source, target, lengths):
        memory, _ = self.encoder(source, lengths)
        return self.decoder(target, memory, None, lengths)[0]


def weights_in_our_order(module):
    """Yield a PyTorch module's parameters in the order of ours, which keep W_q, W_k and W_v apart."""
    if isinstance(module, nn.MultiheadAttention):
        for weight, bias in zip(module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3), strict=True):
            yield from (weight, bias)
        yield from module.out_proj.parameters()
    elif children := list(module.children()):
        for child in children:
            yield from weights_in_our_order(child)
    else:
        yield from module.parameters()


def modules(kind, width, norm):
    """Return our module and PyTorch's, with the same weights."""
    sizes = Sizes(d_model=width, num_heads=HEADS, d_ff=4 * width, num_layers=1, norm=norm)
    as_ours = dict(dropout=0.0, batch_first=True)
    block = dict(d_model=width, nhead=HEADS, dim_feedforward=4 * width, norm_first=norm == "pre", **as_ours)
    if kind == ATTENTION:
        ours, pytorch = MultiHeadAttention(width, HEADS), nn.MultiheadAttention(width, HEADS, **as_ours)
    elif kind == BLOCK:
        ours, pytorch = EncoderBlock(sizes), nn.TransformerEncoderLayer(**block)
    else:
        ours, pytorch = Stacks(sizes), nn.Transformer(num_encoder_layers=1, num_decoder_layers=1, **block)
    with torch.no_grad():
        for parameter, weight in zip(ours.parameters(), weights_in_our_order(pytorch), strict=True):
            parameter.copy_(weight)
    return ours, pytorch


def candidates(kind, mode, length, width, device, norm):
    """Return the two competing calls, by name."""
    batch = max(1, POSITIONS // length)
    x, target = (torch.randn(batch, length, width, device=device) for _ in range(2))
    lengths = torch.full((batch,), length, device=device)
    lengths[0] = length - length // 4
    real = padding_mask(lengths, length)  # (batch, 1, length)
    padding = ~real[:, 0]  # True = hidden, as PyTorch's modules want it
    future = ~causal_mask(length, like=x)
    ours, pytorch = (module.to(device).train(mode == BACKWARD) for module in modules(kind, width, norm))
    calls = {
        ATTENTION: (
            lambda: ours(x, mask=real)[0],
            lambda: pytorch(x, x, x, key_padding_mask=padding, need_weights=False)[0],
        ),
        BLOCK: (lambda: ours(x, real)[0], lambda: pytorch(x, src_key_padding_mask=padding)),
        BOTH_STACKS: (
            lambda: ours(x, target, lengths),
            lambda: pytorch(
                x,
                target,
                tgt_mask=future,
                tgt_is_causal=True,
                src_key_padding_mask=padding,
                memory_key_padding_mask=padding,
            ),
        ),
    }[kind]
    run = backward if mode == BACKWARD else torch.no_grad()(lambda call: call())
    return {name: partial(run, call) for name, call in zip((OURS, PYTORCH), calls, strict=True)}


def backward(call):
    output = call()
    output.sum().backward()
    return output


def check_equal(calls):
    """Stop unless both compute the same; what stands at the end, PyTorch may leave out as padding."""
    outputs = [call().detach() for call in calls.values()]
    outputs = [output[:, : output.shape[1] // 2] for output in outputs]
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-4)


def take_turns(calls, device, seconds):
    """Return the times of every call, turn by turn."""
    times = {name: [] for name in calls}
    one_turn = sum(timed(call, device) for call in calls.values() for _ in range(2)) / 2  # the first of two warms up
    for _ in range(min(300, max(5, int(seconds / one_turn)))):
        for name in random.sample(list(calls), len(calls)):
            times[name].append(timed(calls[name], device))
    return times


def ratio(times, name, other):
    return statistics.median(one / two for one, two in zip(times[name], times[other], strict=True))


def milliseconds(times, name):
    return 1000 * statistics.median(times[name])


def relative_candidates(length, device):
    """Return both forms of the relative scores, by name, each from the table of embeddings on."""
    distances = 2 * RELATIVE["max_distance"] + 1
    table = torch.randn(distances, RELATIVE["d_k"], device=device)
    query = torch.randn(RELATIVE["batch"], RELATIVE["heads"], length, RELATIVE["d_k"], device=device)
    index = torch.as_tensor(relative_index(length, length, RELATIVE["max_distance"]), device=device)
    return {
        "naive": lambda: relative_scores_naive(query, table[index]),
        "efficient": lambda: relative_scores(query, table[index]),
    }


def memory(options, *cell):
    """Return the peak memory of one cell in MiB, from a fresh process."""
    arguments = [str(part) for part in cell]
    printed = in_fresh_process(__file__, "--device", options.device, "--norm", options.norm, "--memory-of", *arguments)
    return int(printed) / 2**20


def print_memory_of(cell, options):
    """Measure one cell in this process: (form, length), or (name, kind, mode, length, width)."""
    if len(cell) == 2:
        name, length = cell[0], int(cell[1])
        small, large = (relative_candidates(n, options.device)[name] for n in (8, length))
    else:
        name, kind, mode, length, width = *cell[:3], int(cell[3]), int(cell[4])
        small, large = (
            candidates(kind, mode, *size, options.device, options.norm)[name] for size in ((8, 8), (length, width))
        )
    print(added_memory(small, large, options.device))


def print_times(options):
    """Measure and print the table of times; return all ratios."""
    print(f"\nMilliseconds ours / PyTorch's (ratio), {options.norm}-norm, {HEADS} heads")
    ratios = []
    for kind in (ATTENTION, BLOCK, BOTH_STACKS):
        for mode in (FORWARD, BACKWARD):
            print(f"\n{kind}, {mode}")
            print(f"{'length':>6}" + "".join(f"{f'd_model = {width}':>28}" for width in options.widths))
            for length in options.lengths:
                line = f"{length:>6}"
                for width in options.widths:
                    calls = candidates(kind, mode, length, width, options.device, options.norm)
                    check_equal(calls)
                    times = take_turns(calls, options.device, options.seconds)
                    ratios.append(ratio(times, OURS, PYTORCH))
                    ours, pytorch = (milliseconds(times, name) for name in (OURS, PYTORCH))
                    line += f"{ours:>10.2f} /{pytorch:>8.2f} ({ratios[-1]:4.2f})"
                print(line, flush=True)
    return ratios


def print_memory(options):
    """Measure and print the peak memory of both at the largest sizes; return all ratios."""
    length, width = max(options.lengths), max(options.widths)
    print(f"\nPeak memory at length {length}, d_model = {width}: MiB ours / PyTorch's (ratio)")
    ratios = []
    for kind in (ATTENTION, BLOCK, BOTH_STACKS):
        for mode in (FORWARD, BACKWARD):
            ours, pytorch = (memory(options, name, kind, mode, length, width) for name in (OURS, PYTORCH))
            ratios.append(ours / max(pytorch, 0.1))  # less is noise
            print(f"{kind + ', ' + mode:<44}{ours:>8.1f} /{pytorch:>8.1f} ({ratios[-1]:4.2f})", flush=True)
    return ratios


def print_relative(options, has_memory):
    """Compare the naive and the efficient form of relative positions, time and memory."""
    batch, heads, d_k = RELATIVE["batch"], RELATIVE["heads"], RELATIVE["d_k"]
    print(f"\nRelative positions, batch {batch}, {heads} heads, d_k = {d_k}: milliseconds, peak MiB")
    print("one copy of every embedding for each batch and head: batch * heads * n^2 * d_k numbers; shared: n^2 * d_k")
    print(f"{'length':>6}{'naive':>22}{'efficient':>22}{'all copies':>14}{'shared':>10}")
    for length in sorted({min(length, 512) for length in options.lengths}):
        times = take_turns(relative_candidates(length, options.device), options.device, options.seconds)
        line = f"{length:>6}"
        for name in ("naive", "efficient"):
            mebibytes = f"{memory(options, name, length):.1f}" if has_memory else "n/a"
            line += f"{milliseconds(times, name):>13.2f} {mebibytes:>8}"
        shared = 4 * length**2 * d_k / 2**20
        print(f"{line}{batch * heads * shared:>14.1f}{shared:>10.1f}", flush=True)


@torch.no_grad()
def print_decoding(options):
    """Compare decoding with and without the cache, in tokens a second."""
    begin, end, vocabulary = 0, 1, 32
    model = Transformer(Sizes(), nn.Embedding(vocabulary, Sizes().d_model), vocabulary).to(options.device).eval()
    model.W_vocabulary.bias[end] = -torch.inf  # never ends
    source = torch.randint(2, vocabulary, (1, 64), device=options.device)
    write = dict(begin=begin, end=end, max_len=options.decoded)
    calls = {
        "with": partial(greedy, model, source, **write),
        "without": partial(greedy_without_cache, model, source, **write),
    }
    assert calls["with"]() == calls["without"]()
    times = {name: [] for name in calls}
    for _ in range(3):
        for name in random.sample(list(calls), 2):
            times[name].append(timed(calls[name], options.device))
    speed = {name: options.decoded / statistics.median(times[name]) for name in times}
    print(
        f"\nDecoding {options.decoded} tokens: {speed['with']:.0f} tokens/s with cache, {speed['without']:.0f} without"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    parser.add_argument("--norm", default="pre", choices=("pre", "post"))
    parser.add_argument("--seconds", type=float, default=1.0, help="of timing for each cell (default: 1)")
    parser.add_argument("--decoded", type=int, default=DECODED, help=f"tokens to decode (default: {DECODED})")
    parser.add_argument("--memory-of", nargs="+", help=argparse.SUPPRESS)  # one cell, asked for by the script itself
    options = parser.parse_args()
    if options.memory_of:
        warnings.simplefilter("ignore")
        print_memory_of(options.memory_of, options)
        return
    start = time.perf_counter()
    warnings.filterwarnings("ignore", "enable_nested_tensor is True")  # PyTorch speaks of its fast path
    has_memory = options.device != "mps" and sys.platform != "win32"
    print(f"PyTorch {torch.__version__}, {options.device}, {torch.get_num_threads()} threads, float32")
    ratios = print_times(options)
    memory_ratios = print_memory(options) if has_memory else []
    print_relative(options, has_memory)
    print_decoding(options)
    print()
    middle, worst = statistics.median(ratios), max(ratios)
    print(f"time, median of the table: {middle:.3f} x PyTorch's, at most {BAR_MEDIAN}: {verdict(middle <= BAR_MEDIAN)}")
    print(f"time, slowest cell: {worst:.3f} x PyTorch's, at most {BAR_ANYWHERE}: {verdict(worst <= BAR_ANYWHERE)}")
    if memory_ratios:
        worst = max(memory_ratios)
        print(f"peak memory, largest ratio: {worst:.3f} x PyTorch's, at most 1.0: {verdict(worst <= 1.0)}")
    print(f"({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
