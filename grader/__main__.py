"""The engine's command line: grade notebooks, or prove a catalogue."""

import argparse
import json
import math
import secrets
import sys
from pathlib import Path

from grader import proof, report
from grader.catalogue import CatalogueError, load_catalogue
from grader.grade import LEARNERS, Judge, files_beside, find_notebooks
from grader.handed_in import SubmissionError, handed_in
from grader.runner import DEFAULT_LIMITS, Limits
from jail.keeper import NoJailError


def main(arguments=None):
    """Run one command; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names and messages come from others; a report never fails
    options = _parser().parse_args(arguments)
    try:
        return options.run(options, load_catalogue(options.catalogue))
    except (CatalogueError, FileNotFoundError, NoJailError) as error:
        print(error, file=sys.stderr)
        return 2


def grade(options, catalogue):
    """Grade files and folders; exit code 1 if a file could not be graded at all, 2 if a path is wrong."""
    named = set(map(Path, options.paths))
    found = find_notebooks(options.paths)
    if options.chapter is not None and options.chapter not in catalogue.numbers:
        print(f"There is no chapter {options.chapter}; there are {', '.join(catalogue.numbers)}.", file=sys.stderr)
        return 2
    if options.json is not None and not options.json.parent.is_dir():
        print(f"{options.json.parent} does not exist.", file=sys.stderr)
        return 2
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    limits = Limits(seconds=options.time_limit, memory=options.memory_limit * 2**20)
    graded = []
    with Judge(catalogue, seed, limits=limits, trust=options.trust) as judge:
        for path in found:
            if (one := _graded(path, judge, options.chapter, asked_for=path in named)) is not None:
                graded.append(one)
                print(report.as_text(one), flush=True)
    if not graded:
        print("None of the notebooks found answers what is asked.", file=sys.stderr)
        return 1
    if options.json is not None:
        data = json.dumps([report.as_data(one) for one in graded], indent=1, ensure_ascii=False)
        options.json.write_text(data + "\n", encoding="utf-8", errors="backslashreplace")
    return int(any(one.problem for one in graded))


def _graded(path, judge, chapter, *, asked_for):
    """Return the result of a file; None if it is a learner's own and none that was asked for."""
    try:
        given = handed_in(path, files_beside(judge.catalogue))
    except SubmissionError as error:
        return judge.ungraded(str(path), str(error), chapter)
    is_own = (path.parent / LEARNERS).is_dir() and not asked_for
    return None if is_own and judge.is_passed_over(given, chapter) else judge.grade(given, chapter)


def prove(options, catalogue):
    """Print the table of tasks by mistakes; exit code 1 if anything slips."""
    rows = proof.prove_all(options.catalogue)
    print(proof.table(rows))
    return int(not all(row.holds for row in rows))


def _parser():
    parser = argparse.ArgumentParser(prog="grader", description="Judges functions that people write.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--catalogue",
        required=True,
        metavar="PLACE",
        help="what is asked: a package, or the path of its folder; the last one counts",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("grade", parents=[common], help="grade submitted notebooks")
    command.add_argument("paths", nargs="+", metavar="PATH", help="notebooks, or folders of notebooks")
    command.add_argument("--seed", type=_whole, help="draw the inputs from this seed (default: a new one, printed)")
    command.add_argument("--chapter", metavar="NN", help="the chapter that was asked for, such as 02")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON, too")
    command.add_argument(
        "--time-limit",
        type=_positive,
        default=DEFAULT_LIMITS.seconds,
        metavar="SECONDS",
        help="of computing, for each case (default: %(default)g)",
    )
    command.add_argument(
        "--memory-limit",
        type=_whole,
        default=DEFAULT_LIMITS.memory // 2**20,
        metavar="MIB",
        help="for each answer, beyond what the libraries take (default: %(default)d)",
    )
    command.add_argument(
        "--trust", action="store_true", help="run the answers even where this machine has no jail for them"
    )
    command.set_defaults(run=grade)
    commands.add_parser(
        "proof", parents=[common], help="prove the grader on a catalogue: the table of tasks by mistakes"
    ).set_defaults(run=prove)
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
