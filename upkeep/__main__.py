"""The command line: `python -m upkeep test [--all]`, `python -m upkeep doctor`."""

import argparse
import signal
import sys


def test(given):
    from upkeep.test import test  # not at the top: it needs packages, and the doctor must get by without them

    return test(given.all)


def doctor(given):
    from upkeep.doctor import doctor

    return doctor()


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m upkeep", description="What keeps the course sound.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("test", help="check everything")
    command.add_argument("--all", action="store_true", help="and what takes an hour or more")
    command.set_defaults(call=test)

    command = commands.add_parser("doctor", help="check what is installed; the exit code is the number of problems")
    command.set_defaults(call=doctor)

    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # however it is asked to stop, what it started stops too
    try:
        return given.call(given)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
