"""The grader's command line: grade, proof, progress."""

import argparse
import json
import math
import secrets
import sys
from pathlib import Path

from grader import catalogue, proof, report
from grader.grade import find_notebooks, grade_notebook
from grader.runner import Limits

EXERCISES = Path(__file__).parents[1] / "exercises"


def main(arguments=None):
    """Run one command; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names and messages come from others; a report never fails
    options = _parser().parse_args(arguments)
    return options.run(options)


def grade(options):
    """Grade files and folders; exit code 1 if a file could not be graded at all, 2 if a path is wrong."""
    try:
        paths = find_notebooks(options.paths)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json is not None and not options.json.parent.is_dir():
        print(f"{options.json.parent} does not exist.", file=sys.stderr)
        return 2
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    limits = Limits(seconds=options.time_limit, memory=options.memory_limit * 2**20)
    graded = []
    for path in paths:
        graded.append(grade_notebook(path, seed, chapter=options.chapter, limits=limits))
        print(report.as_text(graded[-1]), flush=True)
    if options.json is not None:
        data = json.dumps([report.as_data(one) for one in graded], indent=1, ensure_ascii=False)
        options.json.write_text(data + "\n", encoding="utf-8", errors="backslashreplace")
    return int(any(one.problem for one in graded))


def prove(options):
    """Print the table of tasks by mistakes; exit code 1 if anything slips."""
    rows = proof.prove_all()
    print(proof.table(rows))
    return int(not all(row.holds for row in rows))


def progress(options):
    """Print how far each chapter's exercise is done."""
    for chapter in catalogue.CHAPTERS:
        for path in sorted(EXERCISES.glob(f"{chapter.number}_*.ipynb")):
            graded = grade_notebook(path, seed=1, chapter=chapter.number, limits=Limits(seconds=5))
            print(report.progress_line(graded, chapter.title), flush=True)
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="course.py", description="The grader of the course.")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("grade", help="grade submitted notebooks")
    command.add_argument("paths", nargs="+", metavar="PATH", help="notebooks, or folders of notebooks")
    command.add_argument("--seed", type=_whole, help="draw the inputs from this seed (default: a new one, printed)")
    command.add_argument(
        "--chapter", choices=[c.number for c in catalogue.CHAPTERS], help="the chapter that was asked for"
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON, too")
    command.add_argument(
        "--time-limit", type=_positive, default=10.0, metavar="SECONDS", help="for each case (default: 10)"
    )
    command.add_argument(
        "--memory-limit", type=_whole, default=2048, metavar="MIB", help="for each answer (default: 2048)"
    )
    command.set_defaults(run=grade)
    commands.add_parser("proof", help="prove the grader: the table of tasks by mistakes").set_defaults(run=prove)
    commands.add_parser("progress", help="how far your exercises are done").set_defaults(run=progress)
    return parser


def _whole(text):
    """Return a whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _positive(text):
    """Return a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
