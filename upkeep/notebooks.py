"""Every notebook run from top to bottom, and what it shows held against what is stored in it."""

import sys

import course
from upkeep.step import Outcome, print_header, run_step

# Where the paths of the notebooks begin that train for a minute or more. Each runs by itself: two trainings at once on
# two cores take far more than twice as long as one.
TRAINING = ("notebooks/10_", "notebooks/11_")

# The kernel is the Python of .venv, whatever a notebook names; upkeep.patience waits for it as long as it lives.
NBVAL = ["pytest", "-p", "upkeep.patience", "--nbval", "--nbval-current-env"]


def run_notebooks(name, own_work=(), python=sys.executable):
    """Run every notebook that is not the reader's own work."""
    found = {
        folder: sorted(course.ROOT.glob(f"{folder}/*.ipynb")) for folder in ("notebooks", "exercises", "solutions")
    }
    missing = [folder for folder, notebooks in found.items() if not notebooks]
    if missing:
        print_header(name)
        print(f"No notebooks in: {', '.join(missing)}")
        return Outcome(name, 0, len(missing), 0.0)
    paths = [path.relative_to(course.ROOT).as_posix() for notebooks in found.values() for path in notebooks]
    paths = [path for path in paths if path not in own_work]
    alone = [path for path in paths if path.startswith(TRAINING)]
    others = [path for path in paths if path not in alone]
    # A notebook stays with one process (loadfile).
    outcomes = [run_step(name, [*NBVAL, "-n", "2", "--dist", "loadfile", *others], python)]
    if alone:
        outcomes.append(run_step(f"{name} that train, one after another", [*NBVAL, *alone], python))
    passed, failed, seconds = (
        sum(getattr(outcome, count) for outcome in outcomes) for count in ("passed", "failed", "seconds")
    )
    return Outcome(name, passed, failed, seconds)
