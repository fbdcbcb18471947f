"""Grading from the command line: a few notebooks at once, or a class with its gradebook."""

import argparse
import contextlib
import json
import math
import re
import secrets
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path

from classroom import privacy
from classroom.batch import RefusedError, usable_cores
from classroom.collecting.gather import GatherError
from classroom.collecting.patterns import PatternError
from classroom.collecting.roster import RosterError
from classroom.giving_out import autograder
from classroom.giving_out import commands as giving_out
from classroom.gradebook import Gradebook, GradebookError
from classroom.grading import grade_class, terms_of
from classroom.reporting import FOLDER, write_reports
from classroom.reports.glance import glance_text
from classroom.reports.harmless import on_one_line
from classroom.reports.tables import as_data
from classroom.scheduler import Cluster, SchedulerError
from classroom.settings import FILE as SETTINGS
from classroom.settings import Settings, SettingsError, read_settings
from grader import report
from grader.catalogue import CatalogueError, load_catalogue
from grader.grade import LEARNERS, Judge, files_beside, find_notebooks
from grader.handed_in import SubmissionError, handed_in
from grader.runner import DEFAULT_LIMITS, Limits
from jail.keeper import NoJailError

OURS = (
    *(CatalogueError, GatherError, GradebookError, PatternError, RefusedError),
    *(NoJailError, RosterError, SchedulerError, SettingsError),
)
OTHER_CHAPTER = re.compile(r"is the exercise of chapter (\w+); chapter \w+ was asked for\.$")
STOPPED = 130  # what a command returns that was ended by Ctrl-C


def main(arguments=None):
    """Run one command; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names and messages come from others; a report never fails
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except OURS as error:
        print(on_one_line(error), file=sys.stderr)
        return 2
    except sqlite3.Error as error:
        print(f"The gradebook cannot be read or written: {on_one_line(error)}.", file=sys.stderr)
        return 2
    except OSError as error:
        print(on_one_line(f"{error.filename}: {error.strerror}." if error.strerror else error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return STOPPED


def grade(options):
    """Grade files and folders; exit code 1 if a file could not be graded at all, 2 if a path is wrong."""
    if options.into is not None:
        return grade_into(options)
    if options.scheduler is not None:
        print("A scheduler grades classes: say with --into my_class where the gradebook is.", file=sys.stderr)
        return 2
    catalogue = load_catalogue(options.catalogue[-1])
    named = set(map(Path, options.paths))
    found = find_notebooks(options.paths)
    if complaint := _unknown_chapter(options.chapter, catalogue) or _no_folder(options.json) or _packed(found):
        print(complaint, file=sys.stderr)
        return 2
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    limits = Limits(
        seconds=options.time_limit or DEFAULT_LIMITS.seconds,
        memory=options.memory_limit * 2**20 if options.memory_limit else DEFAULT_LIMITS.memory,
    )
    graded = []
    with Judge(catalogue, seed, limits=limits, trust=options.trust) as judge:
        for path in found:
            if (one := _graded(path, judge, options.chapter, asked_for=path in named)) is not None:
                graded.append(one)
                print(report.as_text(one), flush=True)
    if not graded:
        print("None of the notebooks found answers what is asked.", file=sys.stderr)
        return 1
    _write_json(options.json, [report.as_data(one) for one in graded])
    return int(any(one.problem for one in graded))


def _graded(path, judge, chapter, *, asked_for):
    """Return the result of a file; None if it is a learner's own and none that was asked for."""
    try:
        given = handed_in(path, files_beside(judge.catalogue))
    except SubmissionError as error:
        return judge.ungraded(str(path), str(error), chapter)
    is_own = (path.parent / LEARNERS).is_dir() and not asked_for
    try:
        return None if is_own and judge.is_passed_over(given, chapter) else judge.grade(given, chapter)
    except Exception as error:  # the grader's own fault: the other files are graded all the same
        return judge.ungraded(str(path), f"The grader failed here: {type(error).__name__}: {error}", chapter)


def grade_into(options):
    """Grade a class into its gradebook; exit code 1 if a submission could not be graded as a whole."""
    folder = options.into
    if options.chapter is None:
        print("Grading a class needs the chapter that was asked for, such as --chapter 02.", file=sys.stderr)
        return 2
    settings = _settings(folder)
    place = _place(options, settings)
    if complaint := _unknown_chapter(options.chapter, load_catalogue(place)) or _no_folder(options.json):
        print(complaint, file=sys.stderr)
        return 2
    if not folder.parent.is_dir():
        print(f"{folder.parent} does not exist, so the folder of the class cannot be made in it.", file=sys.stderr)
        return 2
    folder.mkdir(mode=0o700, exist_ok=True)  # what is in it is for nobody else on this machine
    limits = {"seconds": options.time_limit, "memory": options.memory_limit and options.memory_limit * 2**20}
    with _stopped_well(), Gradebook(folder, settings, make=True) as book:
        terms = terms_of(book, options.chapter, place, seed=options.seed, **limits)
        try:
            with _workers(options, place) as workers:
                told = grade_class(
                    *(book, options.paths, options.chapter, place, terms),
                    **{"trust": options.trust, "again": options.again, **workers},
                )
        except KeyboardInterrupt:
            print(
                "\nStopped. What is graded so far is in the gradebook; the same command goes on from there.",
                file=sys.stderr,
            )
            return STOPPED
        graded = privacy.shown(book, book.graded(options.chapter))
    print(glance_text(graded, load_catalogue(place).chapter(options.chapter)), end="\n\n")
    print(_summary(options.chapter, graded, told, terms, folder))
    if other := _other_chapter(graded):
        print(f"Most of them are the exercise of chapter {other}: did you mean --chapter {other}?")
    _write_json(options.json, [as_data(one) for one in graded])
    return int(told.unsound > 0)


@contextlib.contextmanager
def _stopped_well():
    """Let Ctrl-C, and the wish of whoever started this process that it ends, interrupt what is inside once: while that
    is being tidied up, as `course.py` passes a Ctrl-C on, no second wish disturbs it."""

    stopped = []

    def stop(number, _):
        if number == signal.SIGINT or not stopped:
            stopped.append(number)
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _workers(options, place):
    """Yield who grades, as arguments of `grade_class`: processes of this machine, or the workers of a scheduler."""
    if options.scheduler is None:
        yield {"workers": options.workers}
        return
    tls = {"ca": options.tls_ca, "cert": options.tls_cert, "key": options.tls_key}
    with Cluster(options.scheduler, place, **tls) as cluster:
        yield {"workers": cluster.workers, "start": cluster.start, "work": cluster.work()}


def _other_chapter(graded):
    """Return the number of another chapter that more than half of what was handed in is the exercise of, or ""."""
    told = [one.report["problem"] for one in graded if one.report]
    found = Counter(match[1] for problem in told if (match := OTHER_CHAPTER.search(problem)))
    number, count = found.most_common(1)[0] if found else ("", 0)
    return number if 2 * count > len(told) else ""


def _summary(chapter, graded, told, terms, folder):
    """Return a few lines on a class that was graded."""
    lines = [on_one_line(note) for note in told.notes]
    here = [one for one in graded if one.report]
    possible = max((one.possible for one in graded), default=0)
    lines.append(f"Chapter {chapter}, seed {terms.seed}: {told.graded} graded now, {told.kept} as before.")
    if here:
        mean = math.fsum(one.points for one in here) / len(here)
        best = max(one.points for one in here)
        lines.append(f"{len(here)} handed in: {mean:.4g} of {possible:g} points in the mean, {best:g} at most.")
    lines.append(f"Reports: {folder / FOLDER / chapter}")
    return "\n".join(lines)


def report_class(options):
    """Write the reports anew, from the gradebook and the settings as they are now."""
    with _book(options) as (book, catalogue):
        _report_all(book, catalogue)
    return 0


def adjust(options):
    """Give a student points, or take some off, by hand."""
    if not options.reason.strip():
        print("An adjustment says why: --reason is for the student, and not empty.", file=sys.stderr)
        return 2
    with _book(options) as (book, catalogue):
        student = book.student(options.student)
        book.adjust(student, options.chapter, options.points, options.reason, options.task)
        write_reports(book, catalogue, options.chapter)
        now = next(one for one in privacy.shown(book, book.graded(options.chapter)) if _is(book, one, student))
    print(f"{now.student.id} has {now.points:g} of {now.possible:g} points in chapter {options.chapter}.")
    if len(now.adjustments) > 1 or now.points > now.possible:
        made = ", ".join(f"{one.points:+g}" for one in now.adjustments)
        more = "That is more than there are. " if now.points > now.possible else ""
        print(f"{more}By hand so far: {made}. They add up; the opposite number takes one back.")
    return 0


def pseudonyms(options):
    """Turn pseudonyms in reports on or off."""
    with _book(options) as (book, catalogue):
        privacy.use_pseudonyms(book, not options.off)
        _report_all(book, catalogue)
    said = "names and ids again" if options.off else "pseudonyms; gradebook.sqlite alone knows whose they are"
    print(f"From now on, reports show {said}.")
    return 0


def forget(options):
    """Delete a student's data."""
    with _book(options) as (book, catalogue):
        student = book.student(options.student)
        gone = book.forget(student)
        _report_all(book, catalogue)
    counts = ", ".join(f"{number} {table[:-1] if number == 1 else table}" for table, number in gone.items())
    print(
        f"Deleted from the gradebook: {on_one_line(student.id)}, with {counts}. The reports are written without them."
    )
    print(
        "What they handed in, backups, and their line in roster.csv are yours to delete; grading would read them again."
    )
    return 0


@contextlib.contextmanager
def _book(options):
    """Open the gradebook of a class that was graded, with the catalogue of what was asked."""
    settings = _settings(options.folder)
    catalogue = load_catalogue(_place(options, settings))
    with Gradebook(options.folder, settings) as book:
        yield book, catalogue


def _place(options, settings):
    """Return where the tasks are: where the command says, else where the settings say, else the course's."""
    return str(options.catalogue[-1] if len(options.catalogue) > 1 else settings.catalogue or options.catalogue[-1])


def _report_all(book, catalogue):
    for chapter in book.chapters:
        write_reports(book, catalogue, chapter)
        print(f"Reports: {book.folder / FOLDER / chapter}")


def _is(book, graded, student):
    return graded.student.id in (student.id, book.pseudonyms().get(student.id))


def _settings(folder):
    return read_settings(folder / SETTINGS) if (folder / SETTINGS).is_file() else Settings()


def _unknown_chapter(chapter, catalogue):
    if chapter is None or chapter in catalogue.numbers:
        return ""
    return f"There is no chapter {chapter}; there are {', '.join(catalogue.numbers)}."


def _packed(paths):
    zipped = [path for path in paths if path.suffix.lower() == ".zip"]
    return f"{zipped[0]} is a zip file: with --into my_class, what is in it is graded." if zipped else ""


def _no_folder(file):
    return f"{file.parent} does not exist." if file is not None and not file.parent.is_dir() else ""


def _write_json(file, data):
    if file is not None:
        text = json.dumps(data, indent=1, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def _parser():
    parser = argparse.ArgumentParser(prog="course.py", description="Grades what people handed in.")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_grade(commands)
    command = commands.add_parser("report", help="write the reports on a class anew")
    _add_folder(command).set_defaults(run=report_class)
    command = _add_folder(commands.add_parser("adjust", help="give a student points by hand, or take some off"))
    command.add_argument("student", metavar="STUDENT", help="the id, or the name if only one has it")
    command.add_argument("chapter", metavar="CHAPTER", help="such as 02")
    command.add_argument("points", type=_number, metavar="POINTS", help="to add; below 0 to take off")
    command.add_argument("--reason", required=True, help="for the student")
    command.add_argument("--task", default="", metavar="ID", help="the task or question that it is about")
    command.set_defaults(run=adjust)
    command = _add_folder(commands.add_parser("pseudonyms", help="replace names and ids in all reports"))
    command.add_argument("--off", action="store_true", help="show names and ids again")
    command.set_defaults(run=pseudonyms)
    command = _add_folder(commands.add_parser("forget", help="delete a student's data"))
    command.add_argument("student", metavar="STUDENT", help="the id, or the name if only one has it")
    command.set_defaults(run=forget)
    giving_out.add_commands(commands)
    autograder.add_to(commands)
    return parser


def _add_folder(command):
    command.add_argument("folder", type=Path, metavar="CLASS", help="the folder of the class")
    return _add_catalogue(command)


def _add_catalogue(command):
    command.add_argument(
        "--catalogue",
        action="append",
        required=True,
        metavar="PLACE",
        help="what is asked: a package, or the path of its folder; the last one counts",
    )
    return command


def _add_grade(commands):
    command = _add_catalogue(commands.add_parser("grade", help="grade submitted notebooks"))
    command.add_argument(
        "paths", nargs="+", metavar="PATH", help="notebooks, or folders of notebooks; for a class, zip files, too"
    )
    command.add_argument("--chapter", metavar="NN", help="the chapter that was asked for, such as 02")
    command.add_argument("--into", type=Path, metavar="CLASS", help="the folder of the class, with its gradebook")
    command.add_argument("--seed", type=_seed, help="draw the inputs from this seed (default: a new one, printed)")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON, too")
    command.add_argument("--again", action="store_true", help="grade what was graded before, too")
    command.add_argument("--trust", action="store_true", help="grade even where answers cannot be locked up")
    command.add_argument(
        "--workers",
        type=_above_0,
        default=usable_cores(),
        metavar="N",
        help="submissions of a class that are graded at a time (default: %(default)d, the cores)",
    )
    command.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="grade on the workers of this Dask scheduler, such as tcp://10.0.0.1:8786 or tls://10.0.0.1:8786",
    )
    for name, what in (("ca", "who signs"), ("cert", "your certificate"), ("key", "its key")):
        command.add_argument(f"--tls-{name}", type=Path, metavar="FILE", help=f"for a tls:// scheduler: {what} (PEM)")
    command.add_argument(
        "--time-limit",
        type=_positive,
        metavar="SECONDS",
        help=f"of computing, for each case (default: {DEFAULT_LIMITS.seconds:g})",
    )
    command.add_argument(
        "--memory-limit",
        type=_above_0,
        metavar="MIB",
        help=f"for each answer, beyond what the libraries take (default: {DEFAULT_LIMITS.memory // 2**20})",
    )
    command.set_defaults(run=grade)


def _seed(text):
    """Return a whole number, 0 or more."""
    if not text.isdecimal() or int(text[:20]) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, or too large")
    return int(text)


def _above_0(text):
    """Return a whole number above 0."""
    if not text.isdecimal() or not 0 < int(text[:20]) < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _number(text):
    """Return any number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return number


def _positive(text):
    """Return a number above 0."""
    number = _number(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
