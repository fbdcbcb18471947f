"""The command line of a class: `python -m classroom handout --into FOLDER`, ..."""

import argparse
import sys

from classroom import giving_out


def main(arguments=None):
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="course.py", description="What an instructor does with a class.")
    commands = parser.add_subparsers(required=True, metavar="command")
    giving_out.add_commands(commands)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
