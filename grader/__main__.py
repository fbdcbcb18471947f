"""The engine's command line: prove a catalogue."""

import argparse
import sys

from grader import proof
from grader.catalogue import CatalogueError, load_catalogue


def main(arguments=None):
    """Run one command; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names and messages come from others; a report never fails
    options = _parser().parse_args(arguments)
    try:
        return options.run(options, load_catalogue(options.catalogue))
    except (CatalogueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2


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
    commands.add_parser(
        "proof", parents=[common], help="prove the grader on a catalogue: the table of tasks by mistakes"
    ).set_defaults(run=prove)
    return parser


if __name__ == "__main__":
    sys.exit(main())
