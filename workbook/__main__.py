"""The learner's command line: `python -m workbook progress`."""

import argparse
import sys
from pathlib import Path

from tasks import CATALOGUE
from workbook import own_file, progress

EXERCISES = Path(__file__).parents[1] / "exercises"


def main(arguments=None):
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="workbook", description="The learner's side of the course.")
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser("progress", help="how far your exercises are done").set_defaults(run=_progress)
    return parser.parse_args(arguments).run()


def _progress():
    for line in progress.lines(EXERCISES, CATALOGUE):
        print(line, flush=True)
    print(f"{own_file.NAME}: {own_file.how_many(own_file.read(EXERCISES))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
