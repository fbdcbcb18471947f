"""Time and peak memory of our attention beside three lines written by hand and PyTorch's fused kernel.

    python benchmarks/attention.py                        lengths 128 to 4096 on the CPU, about two minutes
    python benchmarks/attention.py --lengths 512 --device cuda

Time: the candidates take turns in random order, so that whatever else the machine does hits all alike. Shown are the
median over the turns, and the median of the ratios to the lines by hand within each turn.

Small calls, of shape (1, 4, 8, 16), where what surrounds the arithmetic weighs most: ours and the lines by hand take
turns in blocks of a hundred calls. Shown are the microseconds of the fastest block (on the CPU of its own time, so that
other programs count less), the ratio of the fastest, and the median of the ratios within each turn.

Memory: what one call adds at its peak, output included. On the CPU each cell is a fresh process, whose peak resident
size is read before and after the call; a small call goes first and loads what loads only once. On a GPU it is what the
allocator counts.
"""

import argparse
import math
import random
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy
import torch
from torch.nn.functional import scaled_dot_product_attention as fused

from course_lib import causal_mask, scaled_dot_product_attention

LENGTHS = (128, 256, 512, 1024, 2048, 4096)
BATCH, HEADS, SIZE = 1, 4, 64
BAR_FROM, BAR_RATIO = 512, 1.05  # at every length from 512, ours on PyTorch to the lines by hand
BAR_IMPORT = 0.3  # seconds
SMALL, BAR_SMALL = (1, 4, 8, 16), 2.0  # the shape of small queries, keys and values; ours to the lines by hand
CALLS, TURNS = 100, 100  # calls in a block, blocks of each
STATUS = Path("/proc/self/status")
HAND, OURS, OURS_NUMPY, FUSED = "by hand", "ours, PyTorch", "ours, NumPy", "fused kernel"


def attention_by_hand(query, key, value):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    weights = torch.softmax(scores, dim=-1)
    return weights @ value


def masked_attention_by_hand(query, key, value, mask):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    weights = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1)
    return weights @ value


def attention_by_hand_in_numpy(query, key, value, mask=None):
    scores = query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = numpy.where(mask, scores, -math.inf)
    exponentials = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True) @ value


def small_candidates(device):
    """Return {library and mask: (the lines by hand, ours)}, calls without arguments on one set of small inputs."""
    arrays = [torch.randn(*SMALL, device=device) for _ in range(3)]
    mask = causal_mask(SMALL[-2], like=arrays[0])
    in_numpy, mask_in_numpy = [array.cpu().numpy() for array in arrays], mask.cpu().numpy()
    by_library = {
        "NumPy, no mask": (attention_by_hand_in_numpy, in_numpy),
        "NumPy, mask": (attention_by_hand_in_numpy, [*in_numpy, mask_in_numpy]),
        "PyTorch, no mask": (attention_by_hand, arrays),
        "PyTorch, mask": (masked_attention_by_hand, [*arrays, mask]),
    }
    return {
        name: (partial(by_hand, *given), partial(scaled_dot_product_attention, *given))
        for name, (by_hand, given) in by_library.items()
    }


def print_small_calls(device):
    """Measure and print what a small call takes; return the ratio of ours to the lines by hand, by library and mask."""

    def block(call):
        for _ in range(CALLS):
            call()

    print(f"\nSmall calls, {SMALL}: microseconds by hand / ours (ratio of the fastest, median of the ratios)")
    ratios, clock = {}, time.thread_time if device == "cpu" else time.perf_counter
    for name, calls in small_candidates(device).items():
        times = [[timed(partial(block, call), device, clock) / CALLS for call in calls] for _ in range(TURNS)]
        fastest = [min(times) for times in zip(*times, strict=True)]
        ratios[name] = fastest[1] / fastest[0]
        median = statistics.median(ours / hand for hand, ours in times)
        hand, ours = (1e6 * seconds for seconds in fastest)
        print(f"{name:<18}{hand:>8.1f} /{ours:>7.1f} ({ratios[name]:4.2f}, {median:4.2f})", flush=True)
    return ratios


def candidates(length, device, causal):
    """Return the competing calls, by name, on one set of inputs."""
    arrays = [torch.randn(BATCH, HEADS, length, SIZE, device=device) for _ in range(3)]
    if causal:
        mask = causal_mask(length, like=arrays[0])
        return {
            HAND: lambda: masked_attention_by_hand(*arrays, mask),
            OURS: lambda: scaled_dot_product_attention(*arrays, mask),
        }
    in_numpy = [array.cpu().numpy() for array in arrays]
    return {
        HAND: lambda: attention_by_hand(*arrays),
        OURS: lambda: scaled_dot_product_attention(*arrays),
        OURS_NUMPY: lambda: scaled_dot_product_attention(*in_numpy),
        FUSED: lambda: fused(*arrays),
    }


def measure_times(length, device, causal, seconds):
    """Return the times of every candidate, turn by turn."""
    calls = candidates(length, device, causal)
    times = {name: [] for name in calls}
    one_turn = sum(timed(call, device) for call in calls.values() for _ in range(2)) / 2  # the first of two warms up
    for _ in range(min(500, max(7, int(seconds / one_turn)))):
        for name in random.sample(list(calls), len(calls)):
            times[name].append(timed(calls[name], device))
    return times


def timed(call, device, clock=time.perf_counter):
    start = clock()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
    return clock() - start


def measure_memory(name, length, device, causal):
    """Return the bytes that one call adds at its peak, measured in this process."""
    call = candidates(length, device, causal)[name]
    return added_memory(candidates(8, device, causal)[name], call, "cpu" if name == OURS_NUMPY else device)


def added_memory(small, call, device):
    """Return the bytes that `call` adds at its peak, measured in this process after `small` has run."""
    small()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return torch.cuda.max_memory_allocated() - before
    if STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak starts again from the present size
    before = peak_resident_size()
    call()
    return peak_resident_size() - before


def peak_resident_size():
    """Return the largest resident size of this process so far, in bytes (Linux and macOS)."""
    if STATUS.exists():  # `getrusage` would start from the parent's peak: Linux hands it down
        (line,) = [line for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def in_fresh_process(*arguments):
    """Return what a fresh interpreter prints."""
    return subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout


def memory_cell(name, length, options, causal):
    """Return the peak memory of one candidate in MiB, as text."""
    if sys.platform == "win32" or (options.device == "mps" and name != OURS_NUMPY):
        return "n/a"
    arguments = ["--device", options.device, "--lengths", str(length), "--memory-of", name]
    printed = in_fresh_process(__file__, *arguments, *(["--causal"] if causal else []))
    return f"{int(printed) / 2**20:.1f}"


def import_seconds():
    """Return how long `import course_lib` takes in a fresh interpreter, the median of nine."""
    code = "import time; start = time.perf_counter(); import course_lib; print(time.perf_counter() - start)"
    in_fresh_process("-c", code)  # the first compiles the files
    return statistics.median(float(in_fresh_process("-c", code)) for _ in range(9))


def print_table(options, causal):
    """Measure and print one table; return our ratio to the lines by hand at every length."""
    names = (HAND, OURS) if causal else (HAND, OURS, OURS_NUMPY, FUSED)
    print(f"\n{'Causal mask' if causal else 'No mask'}: milliseconds (ratio to the lines by hand), peak MiB")
    print(f"{'length':>6}" + "".join(f"{name:>28}" for name in names))
    ratios = {}
    for length in options.lengths:
        times = measure_times(length, options.device, causal, options.seconds)
        line = f"{length:>6}"
        for name in names:
            ratio = statistics.median(ours / hand for ours, hand in zip(times[name], times[HAND], strict=True))
            memory = memory_cell(name, length, options, causal)
            line += f"{1000 * statistics.median(times[name]):>11.3f} ({ratio:5.2f}) {memory:>8}"
            ratios[length] = ratio if name == OURS else ratios.get(length)
        print(line, flush=True)
    return ratios


def verdict(met):
    return "met" if met else "MISSED"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    parser.add_argument("--seconds", type=float, default=4.0, help="of timing for each length (default: 4)")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)  # one memory cell, asked for by the script itself
    parser.add_argument("--causal", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        print(measure_memory(options.memory_of, options.lengths[0], options.device, options.causal))
        return
    print(
        f"PyTorch {torch.__version__}, NumPy {numpy.__version__}, {options.device}, {torch.get_num_threads()} threads;"
    )
    print(f"queries, keys and values of shape ({BATCH}, {HEADS}, length, {SIZE}), float32")
    seconds = import_seconds()
    small = print_small_calls(options.device)
    ratios = print_table(options, causal=False)
    print_table(options, causal=True)
    print()
    for length, ratio in ratios.items():
        if length >= BAR_FROM:
            print(f"length {length}: {ratio:.3f} x by hand, at most {BAR_RATIO}: {verdict(ratio <= BAR_RATIO)}")
    for name, ratio in small.items():
        print(f"small calls, {name}: {ratio:.2f} x by hand, at most {BAR_SMALL}: {verdict(ratio <= BAR_SMALL)}")
    print(f"import course_lib: {seconds:.3f} s, at most {BAR_IMPORT}: {verdict(seconds <= BAR_IMPORT)}")


if __name__ == "__main__":
    main()
