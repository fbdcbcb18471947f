"""Every notebook run from top to bottom, and what it shows held against what is stored in it."""

import sys

import course
from upkeep.step import Outcome, print_header, run_step

# Where the paths of the notebooks begin that train for a minute or more. They come first: with the longest at the end,
# one core would wait for the other.
TRAINING = ("notebooks/10_", "notebooks/11_", "notebooks/14_")

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
    paths.sort(key=lambda path: not path.startswith(TRAINING))
    # A notebook stays with one process (loadfile), and they begin in this order.
    return run_step(name, [*NBVAL, "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", *paths], python)
