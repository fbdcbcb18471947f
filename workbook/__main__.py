"""The learner's command line: `python -m workbook learn`, `reset 03`, `progress`; `lab ...` runs JupyterLab.

Each command loads what it needs and nothing more, since a learner waits for it.
"""

import argparse
import os
import sys

from workbook.folder import layout
from workbook.folder.disk import FolderError


def main(arguments=None):
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="course.py", description="The learner's side of the course.")
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser("learn", help="make or update your own folder").set_defaults(run=_learn)
    commands.add_parser("progress", help="how far you are: what is done, what comes next").set_defaults(run=_progress)
    command = commands.add_parser("reset", help="a fresh copy of one notebook; yours is kept aside")
    command.add_argument("notebook", nargs="+", help="such as 03, or Lesson 03")
    command.set_defaults(run=_reset)
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["lab"]:
        return _lab(arguments[1:])
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except FolderError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # as when only the first lines are wanted: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _learn(_):
    from workbook import front_page
    from workbook.folder import jupyter
    from workbook.folder.update import update

    for sentence in update():
        print(sentence, flush=True)
    front_page.put_map(layout.HOME)
    jupyter.settle()
    return 0


def _lab(arguments):
    from workbook.folder import lab

    return lab.run(arguments)


def _reset(options):
    from workbook import record
    from workbook.folder.reset import reset

    asked = " ".join(options.notebook)
    print(reset(asked))
    kind, number = layout.name_of(layout.course_file(asked)).removesuffix(".ipynb").split()
    record.note("reset", number, folder=layout.HOME, of=kind)
    return 0


def _progress(_):
    from workbook import progress

    for line in progress.lines(progress.progress(layout.find(layout.HOME))):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
