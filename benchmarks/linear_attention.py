"""Time and peak memory of causal linear attention against length, beside softmax attention and a GRU.

    python benchmarks/linear_attention.py                    lengths 128 to 16,384 on two cores, about three minutes
    python benchmarks/linear_attention.py --lengths 128 1024 --without-memory
    python -m experiments.linear_attention                   the same, and stores the table for chapter 13

One sequence, four heads of size 32. Softmax attention stands there twice: by formula (ours, with a causal mask) and as
PyTorch's fused kernel. The formula needs an array of length x length for each head; beyond length 4,096 it is not run
but extrapolated, four times for each doubling, and such a number is marked with a star. The GRU is as wide as the four
heads together; it runs on one core, because the product of a single position is too small to be shared out.

Time: the candidates take turns in random order, so that whatever else the machine does hits all alike. Shown are the
median over the turns, and the median of the ratios to the fused kernel within each turn. Forward runs without
gradients; backward is the way back alone.

Memory: what forward and backward add at their peak, output and gradients included, in a fresh process for each number.

Generating: how many tokens a second are taken further at a position, on one core and in seconds of its own time, so
that other programs count less. The positions take turns; shown is the median of the ratios to the first. The cache of
softmax attention lies ready in its full length and is written in place, so that nothing is copied as it grows; reading
it is what takes the time.
"""

import argparse
import itertools
import json
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch
from attention import added_memory, in_fresh_process, timed, verdict
from torch import nn
from torch.nn.functional import scaled_dot_product_attention as fused

from course_lib import causal_mask, scaled_dot_product_attention
from course_lib.relatives.linear_attention import causal_linear_attention, linear_attention_step

LENGTHS = (128, 256, 512, 1024, 2048, 4096, 8192, 16384)
POSITIONS = (100, 1000, 10_000)
HEADS, SIZE = 4, 32
LINEAR, FUSED, FORMULA, GRU = "linear attention", "softmax, fused kernel", "softmax, by formula", "GRU"
METHODS = (LINEAR, FUSED, FORMULA, GRU)
FORMULA_UP_TO = 4096
WAYS = ("forward", "backward")
BLOCK, TURNS = 50, 60  # tokens in a block, blocks at each position
BAR_FROM = 4096  # linear attention is faster than the fused kernel at every length from here on
BAR_MEMORY_FROM, BAR_MEMORY = 1024, 2.2  # peak memory from one length to its double: 2 is linear, 4 is quadratic
BAR_TOKENS = 0.1  # tokens a second at the first and the last position differ by less


def candidate(method, length):
    """Return a call without arguments that gives the output, and the tensors whose gradients training wants."""
    if method == GRU:
        gru, x = nn.GRU(HEADS * SIZE, HEADS * SIZE, batch_first=True), torch.randn(1, length, HEADS * SIZE)
        return (lambda: gru(x.requires_grad_())[0]), [x, *gru.parameters()]
    arrays = [torch.randn(1, HEADS, length, SIZE, requires_grad=True) for _ in range(3)]
    if method == FORMULA:
        return partial(scaled_dot_product_attention, *arrays, causal_mask(length, like=arrays[0])), arrays
    if method == FUSED:
        return partial(fused, *arrays, is_causal=True), arrays
    return partial(causal_linear_attention, *arrays), arrays


def forward(call):
    with torch.no_grad():
        return call()


def backward(output, leaves):
    return torch.autograd.grad(output, leaves, torch.ones_like(output))


# Time -----------------------------------------------------------------------------------------------------------------


def one_turn(method, call, leaves, threads):
    """Return the seconds of forward without gradients, and those of the way back alone."""
    torch.set_num_threads(1 if method == GRU else threads)
    seconds = timed(partial(forward, call), "cpu")
    output = call()
    return seconds, timed(partial(backward, output, leaves), "cpu")


def measure_times(length, options):
    """Return {method: a list of (forward, backward) seconds, turn by turn}."""
    methods = [method for method in METHODS if method != FORMULA or length <= FORMULA_UP_TO]
    given = {method: candidate(method, length) for method in methods}
    start = time.perf_counter()
    for method in methods:  # warms up
        one_turn(method, *given[method], options.threads)
    turns = min(200, max(5, int(options.seconds / (time.perf_counter() - start))))
    times = {method: [] for method in methods}
    for _ in range(turns):
        for method in random.sample(methods, len(methods)):
            times[method].append(one_turn(method, *given[method], options.threads))
    torch.set_num_threads(options.threads)
    return times


def time_columns(times):
    """Return the columns that speak of time, for every method: medians, and medians of the ratios within each turn."""
    columns = {method: {} for method in times}
    for number, way in enumerate(WAYS):
        fused_seconds = [turn[number] for turn in times[FUSED]]
        for method, turns in times.items():
            seconds = [turn[number] for turn in turns]
            ratios = [ours / theirs for ours, theirs in zip(seconds, fused_seconds, strict=True)]
            columns[method] |= {f"{way}_seconds": statistics.median(seconds), f"{way}_ratio": statistics.median(ratios)}
    return columns


# Memory ---------------------------------------------------------------------------------------------------------------


def measure_memory(method, length):
    """Return the bytes that forward and backward add at their peak, measured in this process."""

    def run(call, leaves):
        return backward(call(), leaves)

    return added_memory(partial(run, *candidate(method, 8)), partial(run, *candidate(method, length)), "cpu")


def memory_cells(lengths):
    """Return {(method, length): megabytes}, each from a fresh process, two at a time; {} on Windows."""
    if sys.platform == "win32":
        return {}
    cells = [cell for cell in itertools.product(METHODS, lengths) if cell[0] != FORMULA or cell[1] <= FORMULA_UP_TO]

    def measured(cell):
        method, length = cell
        return int(in_fresh_process(__file__, "--memory-of", method, "--lengths", str(length))) / 1e6

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(cells, pool.map(measured, cells), strict=True))


# The table against length ---------------------------------------------------------------------------------------------


def extrapolated(row, length):
    """Return the row of a method whose time and memory grow with the square of the length, for a greater length."""
    factor = (length / row["length"]) ** 2
    grown = {
        column: factor * row[column] for column in ("forward_seconds", "backward_seconds", "peak_mb") if row[column]
    }
    return {**row, "length": length, **grown, "extrapolated": True}


def rows_by_length(options):
    """Measure; return a row for every length and method."""
    memory = {} if options.without_memory else memory_cells(options.lengths)
    rows = {}
    for length in sorted(options.lengths):
        print(f"measuring length {length:,}", file=sys.stderr)
        for method, columns in time_columns(measure_times(length, options)).items():
            columns |= {"peak_mb": memory.get((method, length)), "extrapolated": False}
            rows[method, length] = {"table": "lengths", "method": method, "length": length, **columns}
        if (FORMULA, length) not in rows and (known := [row for (m, _), row in rows.items() if m == FORMULA]):
            row = extrapolated([row for row in known if not row["extrapolated"]][-1], length)
            ratios = {f"{way}_ratio": row[f"{way}_seconds"] / rows[FUSED, length][f"{way}_seconds"] for way in WAYS}
            rows[FORMULA, length] = {**row, **ratios}
    return rows


def print_lengths(rows):
    """Print time and memory against length."""
    lengths = sorted({length for _, length in rows})
    for way in WAYS:
        print(f"\n{way.capitalize()}: milliseconds (ratio to the fused kernel)")
        print(f"{'length':>7}" + "".join(f"{method:>26}" for method in METHODS))
        for length in lengths:
            print(f"{length:>7}" + "".join(time_cell(rows.get((method, length)), way) for method in METHODS))
    if rows[LINEAR, lengths[0]]["peak_mb"] is None:
        return
    print("\nPeak memory of forward and backward: MB (ratio to the length before)")
    print(f"{'length':>7}" + "".join(f"{method:>26}" for method in METHODS))
    for before, length in zip([None, *lengths], lengths, strict=False):
        cells = (memory_cell(rows.get((method, before)), rows.get((method, length))) for method in METHODS)
        print(f"{length:>7}" + "".join(cells))


def star(row):
    return "*" if row["extrapolated"] else " "


def time_cell(row, way):
    if row is None:
        return f"{'':>26}"
    return f"{1000 * row[f'{way}_seconds']:>13.2f}{star(row)} ({row[f'{way}_ratio']:>8.2f}) "


def memory_cell(before, row):
    if row is None:
        return f"{'':>26}"
    ratio = f"({row['peak_mb'] / before['peak_mb']:>8.2f})" if before else ""
    return f"{row['peak_mb']:>13.2f}{star(row)} {ratio:>10} "


def crossing(rows, way):
    """Return the length from which on linear attention is faster than the fused kernel, or None."""
    lengths = sorted((length for method, length in rows if method == LINEAR), reverse=True)
    faster = list(itertools.takewhile(lambda length: rows[LINEAR, length][f"{way}_ratio"] < 1, lengths))
    return faster[-1] if faster else None


# Generating -----------------------------------------------------------------------------------------------------------


def generation(method, position):
    """Return a call that takes a block of tokens further from `position`, and how many numbers are kept of the past."""
    tokens = [[torch.randn(1, HEADS, SIZE) for _ in range(3)] for _ in range(BLOCK)]
    if method == LINEAR:
        state = None
        for _ in range(position):
            _, state = linear_attention_step(*(torch.randn(1, HEADS, SIZE) for _ in range(3)), state)

        def block():
            now = state
            for query, key, value in tokens:
                _, now = linear_attention_step(query, key, value, now)

        return block, state.S.numel() + state.z.numel()
    if method == GRU:
        cell, before = nn.GRUCell(HEADS * SIZE, HEADS * SIZE), torch.randn(1, HEADS * SIZE)

        def block():
            now = before
            for query, _, _ in tokens:
                now = cell(query.reshape(1, -1), now)

        return block, before.numel()
    keys, values = torch.randn(2, 1, HEADS, position + BLOCK, SIZE)

    def block():
        for place, (query, key, value) in enumerate(tokens, start=position):
            keys[:, :, place], values[:, :, place] = key, value
            fused(query[:, :, None], keys[:, :, : place + 1], values[:, :, : place + 1])

    return block, 2 * HEADS * SIZE * position


@torch.no_grad()
def rows_of_generation(positions):
    """Measure on one core; return a row for every method and position."""
    print("measuring generation", file=sys.stderr)
    torch.set_num_threads(1)
    cells = list(itertools.product((LINEAR, FUSED, GRU), positions))
    given = {cell: generation(*cell) for cell in cells}
    times = {cell: [] for cell in cells}
    for turn in range(TURNS + 3):  # the first three warm up
        for cell in random.sample(cells, len(cells)):
            seconds = timed(given[cell][0], "cpu", time.thread_time)
            if turn >= 3:
                times[cell].append(seconds)
    rows = {}
    for method, position in cells:
        pairs = zip(times[method, positions[0]], times[method, position], strict=True)
        rows[method, position] = {
            "table": "generation",
            "method": method,
            "position": position,
            "tokens_per_second": BLOCK / statistics.median(times[method, position]),
            "ratio": statistics.median(first / now for first, now in pairs),
            "kept_numbers": given[method, position][1],
        }
    return rows


def print_generation(rows):
    positions = sorted({position for _, position in rows})
    print(f"\nGenerating, one core: tokens a second (ratio to position {positions[0]:,}), numbers kept of the past")
    print(f"{'position':>8}" + "".join(f"{method:>32}" for method in (LINEAR, FUSED, GRU)))
    for position in positions:
        cells = (rows[method, position] for method in (LINEAR, FUSED, GRU))
        shown = (f"{r['tokens_per_second']:>12,.0f} ({r['ratio']:4.2f}) {r['kept_numbers']:>11,} " for r in cells)
        print(f"{position:>8}" + "".join(shown))


# The bars -------------------------------------------------------------------------------------------------------------


def print_verdicts(rows, generated):
    lengths = sorted(length for method, length in rows if method == LINEAR)
    for way in WAYS:
        found = crossing(rows, way)
        print(
            f"\n{way}: " + (f"linear attention is the faster one from length {found:,} on" if found else "no crossing")
        )
        for length in lengths:
            if length >= BAR_FROM:
                ratio = rows[LINEAR, length][f"{way}_ratio"]
                print(f"length {length}: {ratio:.3f} x the fused kernel, below 1: {verdict(ratio < 1)}")
    print()
    for before, length in itertools.pairwise(lengths):
        if length >= 2 * BAR_MEMORY_FROM and length == 2 * before and rows[LINEAR, before]["peak_mb"]:
            ratio = rows[LINEAR, length]["peak_mb"] / rows[LINEAR, before]["peak_mb"]
            print(f"memory, {before} to {length}: {ratio:.2f} x, at most {BAR_MEMORY}: {verdict(ratio <= BAR_MEMORY)}")
    first, last = (pick(position for _, position in generated) for pick in (min, max))
    ratio = generated[LINEAR, last]["ratio"]
    met = verdict(abs(ratio - 1) <= BAR_TOKENS)
    print(f"tokens a second at position {last} to those at {first}: {ratio:.3f}, 1 within {BAR_TOKENS}: {met}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--positions", type=int, nargs="+", default=POSITIONS)
    parser.add_argument("--threads", type=int, default=2, help="cores for attention (default: 2)")
    parser.add_argument("--seconds", type=float, default=6.0, help="of timing for each length (default: 6)")
    parser.add_argument("--without-memory", action="store_true", help="leave out the memory")
    parser.add_argument("--rows", type=Path, help="write the table to this file, too, as JSON")
    parser.add_argument(
        "--memory-of", choices=METHODS, help=argparse.SUPPRESS
    )  # one cell, asked for by the script itself
    options = parser.parse_args()
    if options.memory_of:
        torch.set_num_threads(1)  # threads change the time and not the memory, and two such processes run at once
        print(measure_memory(options.memory_of, options.lengths[0]))
        return
    torch.set_num_threads(options.threads)
    start = time.perf_counter()
    print(f"PyTorch {torch.__version__}, {options.threads} threads; queries, keys and values of shape", end=" ")
    print(f"(1, {HEADS}, length, {SIZE}), float32; a GRU of width {HEADS * SIZE}", flush=True)
    rows, generated = rows_by_length(options), rows_of_generation(options.positions)
    if options.rows:
        table = [{**row, "threads": options.threads} for row in rows.values()]
        options.rows.write_text(json.dumps([*table, *generated.values()]), encoding="utf-8")
    print_lengths(rows)
    if any(row["extrapolated"] for row in rows.values()):
        print(f"* extrapolated, not run: longer than {FORMULA_UP_TO}; four times for each doubling")
    print_generation(generated)
    print_verdicts(rows, generated)
    print(f"({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
