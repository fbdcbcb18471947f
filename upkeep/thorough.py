"""What `test --all` adds: steps that take an hour, or need more than any machine has.

A step is a function that gets its name and returns its outcomes. Where it cannot run it raises CannotRun with the
reason, which is printed. A new one (a browser, another grader's environment) is a file of its own and a line in STEPS.
"""

from upkeep.busy import busy_loops
from upkeep.cannot_run import CannotRun
from upkeep.newest import newest_packages
from upkeep.step import leave_out, run_step


def thorough_tests(name):
    """The tests marked `thorough`; each that cannot run here is listed with its reason (-rs)."""
    return [run_step(name, ["pytest", "tests", "-m", "thorough", "-rs"])]


STEPS = {
    "thorough tests": thorough_tests,
    "newest packages": newest_packages,
}


def thorough_steps(everyday):
    """Run the thorough steps, and last everything of every day beside other work; return the outcomes.

    Args:
        everyday: runs the steps of every day and returns their outcomes.
    """
    outcomes = [outcome for name, step in STEPS.items() for outcome in _run_or_leave_out(name, step)]
    with busy_loops() as number:
        print(f"\nNow everything again, beside {number} programs that compute without end.", flush=True)
        outcomes += [outcome._replace(name=f"{outcome.name}, beside others") for outcome in everyday()]
    return outcomes


def _run_or_leave_out(name, step):
    try:
        return step(name)
    except CannotRun as reason:
        return [leave_out(name, str(reason))]
