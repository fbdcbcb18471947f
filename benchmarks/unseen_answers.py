"""How the grader takes answers that nobody prepared it for: python benchmarks/unseen_answers.py FOLDER [--show]

FOLDER holds a file for each task, named for it, such as 04_causal_mask.py. In it every function whose name begins with
`wrong_` is a wrong answer, its docstring saying what is wrong, and every one that begins with `right_` a right one.
They should be written from the exercise's text alone, by people who have not seen the catalogue.

Printed are, for each task: how many wrong answers were named, how the others were told, which were accepted, and which
right ones were not. What a message says is for people to read: --show prints each beside the fault.
"""

import argparse
import collections
import importlib.util
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from grader.judge import judge_function  # noqa: E402
from grader.result import Outcome  # noqa: E402
from tasks import CATALOGUE  # noqa: E402


def answers(path):
    """Yield (name, function) for every answer of a file."""
    spec = importlib.util.spec_from_file_location(f"answers_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield from ((name, f) for name, f in list(vars(module).items()) if name.startswith(("wrong_", "right_")))


def told_by(result):
    """Return in a word how a wrong answer was told."""
    if result.outcome is Outcome.RIGHT:
        return "ACCEPTED"
    return result.told_by or result.outcome.value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", action="store_true", help="print each message beside the fault")
    options = parser.parse_args()
    everything, seconds, right, refused = collections.Counter(), [], 0, []
    for path in sorted(options.folder.glob("[0-9][0-9]_*.py")):
        task = CATALOGUE.task(path.stem.replace("_", ".", 1))
        counts = collections.Counter()
        for name, function in answers(path):
            begun = time.process_time()
            result = judge_function(task, function, CATALOGUE.seed, CATALOGUE.own)
            if name.startswith("right_"):
                right += 1
                if result.outcome is not Outcome.RIGHT:
                    refused.append(f"{task.id} {name}: {result.message}")
                continue
            seconds.append(time.process_time() - begun)
            counts[told_by(result)] += 1
            if options.show:
                print(
                    f"\n{task.id} {name} [{told_by(result)}] {result.mistake}\n  {function.__doc__}\n  {result.message}"
                )
        print(line(task.id, counts))
        everything += counts
    print(line("all", everything))
    print(f"{right} right answers, {len(refused)} refused")
    print(*refused, sep="\n")
    print(f"CPU seconds for a wrong answer: median {statistics.median(seconds):.2f}, most {max(seconds):.2f}")


def line(name, counts):
    total = counts.total()
    shares = ", ".join(f"{kind} {count} ({count / total:.0%})" for kind, count in counts.most_common())
    return f"{name:<26} {total:>5} wrong: {shares}"


if __name__ == "__main__":
    main()
