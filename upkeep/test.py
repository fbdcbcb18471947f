"""The test command: the steps of every day, and with --all the thorough ones."""

import json

import course
from authoring.own_work import worked_on
from upkeep.notebooks import run_notebooks
from upkeep.step import UNIT_TESTS, print_summary, run_step
from upkeep.thorough import thorough_steps


def test(everything):
    """Check the course; return the exit code."""
    own_work = worked_on(course.ROOT)
    for path in own_work:
        print(f"Left out, because you have worked on it: {path}")
    outcomes = everyday_steps(own_work)
    if everything:
        outcomes += thorough_steps(lambda: everyday_steps(own_work))
    print_summary(outcomes)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def everyday_steps(own_work):
    """Run what holds on any machine without a network; return the outcomes."""
    without_own_work = ["--config", f"extend-exclude = {json.dumps(own_work)}"]
    return [
        run_step("style", ["ruff", "check", *without_own_work]),
        run_step("format", ["ruff", "format", "--check", *without_own_work]),
        run_step("unit tests", UNIT_TESTS),
        run_step("proof of the grader", course.HANDED_OVER["proof"]),
        run_notebooks("notebooks", own_work),
    ]
