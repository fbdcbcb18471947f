"""Chapter 13's table: time and memory of linear attention against length, tokens a second while generating.

The rows take turns while they are measured, so they cannot be computed one by one. `benchmarks/linear_attention.py`
measures them all, in a process of its own, and this stores what it found: `python -m experiments.linear_attention`, at
best while nothing else runs on the machine. Whatever stands behind it on the command line goes to the benchmark.

There are two kinds of row. `table="lengths"`: method, length, forward_seconds, backward_seconds (the way back alone),
forward_ratio, backward_ratio (to the fused kernel, side by side), peak_mb (of forward and backward together),
extrapolated, threads. `table="generation"`: method, position, tokens_per_second, ratio (to the first position),
kept_numbers (how many numbers are kept of the past).
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from experiments.record import store_rows

NAME = "linear_attention"
BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "linear_attention.py"


def main():
    with TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        subprocess.run([sys.executable, str(BENCHMARK), "--rows", str(rows), *sys.argv[1:]], check=True)
        store_rows(NAME, json.loads(rows.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
