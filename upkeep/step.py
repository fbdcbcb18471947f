"""One step of the test command: run it, count what passed and failed, sum up."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import course


class Outcome(NamedTuple):
    """What one step gave. The seconds are for the reader; nothing depends on them."""

    name: str
    passed: int
    failed: int
    seconds: float
    left_out: str = ""  # the reason, where the step could not run here


# A thread for each process. The threads of PyTorch and of NumPy's BLAS spin while they wait for each other: on cores
# that other work takes up, a training step of 40 ms took 10 s.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

# Two processes take one test after the other, so that neither waits while the other works off a long file. Tests that
# share something of the machine are marked as one group (xdist_group) and stay with one process.
UNIT_TESTS = ("pytest", "tests", "-n", "2", "--dist", "loadgroup")


def run_step(name, arguments, python=sys.executable, **variables):
    """Run a module; pytest says how many tests passed, any other passes or fails as one.

    Args:
        name: what the step is called in the summary.
        arguments: the module and its arguments.
        python: the interpreter that runs it.
        variables: environment variables for it. Unless one says otherwise, it opens no connection and computes in one
            thread.
    """
    print_header(name)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        options = [f"--junit-xml={report}"] if arguments[0] == "pytest" else []
        # Where data are missing, the course says what it does without them.
        offline = {"COURSE_OFFLINE": os.environ.get("COURSE_OFFLINE", "1")}
        code = run_module([*arguments, *options], python, {**ONE_THREAD, **offline, **variables})
        passed, failed = read_counts(report) if report.exists() else (int(code == 0), 0)
    if code and not failed:
        failed = 1  # such as pytest that found no tests
    return Outcome(name, passed, failed, time.monotonic() - began)


def run_module(arguments, python, variables):
    """Run a module in the course's folder to its end, output passing through; return its exit code."""
    command = [str(python), "-P", "-m", *map(str, arguments)]
    return course.finish(subprocess.Popen(command, cwd=course.ROOT, env={**os.environ, **variables}))


def read_counts(report):
    """Return how many tests passed and failed, from pytest's report."""
    suites = list(ElementTree.parse(report).iter("testsuite"))
    total, failures, errors, skipped = (
        sum(int(suite.get(count)) for suite in suites) for count in ("tests", "failures", "errors", "skipped")
    )
    return total - failures - errors - skipped, failures + errors


def leave_out(name, reason):
    """Say that a step cannot run here; it counts neither as passed nor as failed."""
    print_header(name)
    print(f"Left out: {reason}.")
    return Outcome(name, 0, 0, 0.0, reason)


def print_header(name):
    print(f"\n{f' {name} ':=^100}\n", flush=True)


def print_summary(outcomes):
    """Print one line a step, and last the line that counts."""
    print_header("summary")
    width = max(22, *(len(outcome.name) + 2 for outcome in outcomes))
    for name, passed, failed, seconds, left_out in outcomes:
        if left_out:
            print(f"{name:<{width}}left out: {left_out}")
        else:
            verdict = "FAILED" if failed else "ok"
            print(f"{name:<{width}}{verdict:<9}{passed:>6} passed{failed:>6} failed{seconds:>9.1f} s")
    print(f"{'total':<{width + 35}}{sum(outcome.seconds for outcome in outcomes):>9.1f} s\n")
    print(f"{sum(outcome.passed for outcome in outcomes)} passed, {sum(outcome.failed for outcome in outcomes)} failed")
