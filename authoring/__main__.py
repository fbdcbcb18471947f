"""The command line: `python -m authoring run NOTEBOOK...`, `release [--check]`, `minutes NOTEBOOK...`, ..."""

import argparse
import sys
from pathlib import Path

from authoring.execute import run
from authoring.minutes import reading
from authoring.own_parts import check_parts, write_parts
from authoring.own_work import record
from authoring.release import check, release

ROOT = Path(__file__).resolve().parent.parent
ROOT = Path() if Path.cwd() == ROOT else ROOT  # for messages that a reader can take in


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m authoring", description="The authors' tools.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("run", help="execute notebooks and store their outputs in place")
    command.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    command.add_argument("--timeout", type=float, help="seconds per cell (default: no limit)")
    command.add_argument("--traceback", action="store_true", help="after an error, show its traceback")
    command.set_defaults(call=lambda a: run(a.notebooks, a.timeout, a.traceback))

    command = commands.add_parser("release", help="generate the exercises from their solutions")
    command.add_argument("--check", action="store_true", help="write nothing; say which exercises are out of date")
    command.add_argument("--of", type=Path, metavar="FOLDER", help="of your own: its exercises/ from its solutions/")
    command.set_defaults(call=make_or_check)

    command = commands.add_parser("minutes", help="say how long a lone reader takes over the main line of a lesson")
    command.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    command.set_defaults(call=lambda a: print_minutes(a.notebooks))

    command = commands.add_parser("date-reader", help="train the Transformer that lesson 00 begins with (minutes)")
    command.add_argument("--seed", type=int, default=0, help="of its weights and batches (default: 0)")
    command.add_argument("--dry", action="store_true", help="store nothing; only say how well it reads")
    command.set_defaults(call=lambda a: make_date_reader(a.seed, a.dry))

    given = parser.parse_args(arguments)
    return given.call(given)


def make_or_check(given):
    """Generate the exercises, the course's own or those of another folder, or say which are out of date."""
    if given.of is not None:
        if not any((given.of / "solutions").glob("*.ipynb")):
            print(f"{given.of / 'solutions'} holds no notebook.", file=sys.stderr)
            return 1
        return check(given.of) if given.check else release(given.of)
    return check(ROOT) | check_parts(ROOT) if given.check else release_and_record(ROOT)


def make_date_reader(seed, dry):
    """Train and store the model of lesson 00."""
    from authoring.date_reader import make  # loads PyTorch, which nothing else here needs

    return make(seed, dry)


def print_minutes(notebooks):
    """Print the honest minutes of each notebook's main line, and what they are made of."""
    print("minutes  cells  words  lines  figures  predictions")
    for path in notebooks:
        r = reading(path)
        print(f"{r.minutes:7.1f}{r.cells:7}{r.words:7}{r.lines:7}{r.figures:9}{r.predictions:13}  {path.name}")
    return 0


def release_and_record(root):
    """Write the parts and the exercises and note what they are, so that a reader's own work is known from them."""
    write_parts(root)
    code = release(root)
    if code == 0:
        record(root)
    return code


if __name__ == "__main__":
    sys.exit(main())
