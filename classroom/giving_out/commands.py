"""The commands that make what others get, and the hint of similarity: `handout`, `nbgrader`, `similar`."""

import contextlib
import dataclasses
import functools
import json
import sys
from pathlib import Path

from classroom import alike, privacy, similarity
from classroom.collecting.gather import gather
from classroom.collecting.roster import read_roster
from classroom.giving_out import nbgrader
from classroom.giving_out.handout import Handout, HandoutError, zip_folder
from classroom.gradebook import FILE as GRADEBOOK
from classroom.gradebook import Gradebook
from classroom.grading import ROSTER
from classroom.reporting import write_reports
from classroom.reports.harmless import on_one_line, plain
from classroom.settings import FILE as SETTINGS
from classroom.settings import Settings, read_settings
from grader.catalogue import CatalogueError, load_catalogue
from grader.grade import Judge
from grader.handed_in import SubmissionError, plain_bytes
from jail.keeper import NoJailError

ROOT = Path(__file__).resolve().parents[2]
COURSE = "tasks"  # the package with the course's own catalogue


def add_commands(commands):
    """Add the commands to the subparsers of a parser; each has its `run`, which returns the exit code."""
    add_handout(commands)
    add_nbgrader(commands)
    add_similar(commands)


def told(command):
    """Let a command that cannot do what it should say so in a sentence, and return 2."""

    @functools.wraps(command)
    def run(options):
        try:
            return command(options)
        except OSError as error:
            sentence = f"{error.filename}: {error.strerror}." if error.strerror else str(error)
        except LookupError as error:
            sentence = str(error.args[0])
        except (CatalogueError, HandoutError, NoJailError) as error:
            sentence = str(error)
        print(on_one_line(sentence), file=sys.stderr)
        return 2

    return run


def add_handout(commands):
    command = commands.add_parser("handout", help="make what students get: a copy of the course without solutions")
    command.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="a new folder, or an old handout's")
    command.add_argument("--chapter", nargs="+", metavar="NN", help="only these, such as 01 02 (default: all)")
    command.add_argument("--bare", action="store_true", help="without what the catalogue knows about answers")
    command.add_argument("--zip", action="store_true", help="write FOLDER.zip, too")
    command.add_argument("--catalogue", metavar="PLACE", help="hand out the exercises of private tasks, too")
    command.set_defaults(run=make_handout)


@told
def make_handout(options):
    """Write a handout, and say what is in it."""
    catalogue = load_catalogue(COURSE)
    private = options.catalogue and Path(options.catalogue)
    chapters = tuple(options.chapter or catalogue.numbers)
    Handout(ROOT, catalogue, chapters, options.bare, private).write(options.into)
    kind = "Bare handout" if options.bare else "Handout"
    print(f"{kind} of {len(chapters)} chapters in {options.into}: there, students call `course.py learn`.")
    if options.zip:
        print(f"The same in one file: {zip_folder(options.into)}")
    return 0


def add_nbgrader(commands):
    command = commands.add_parser("nbgrader", help="make a folder in which nbgrader gives out and grades the exercises")
    command.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="nbgrader's course folder")
    command.add_argument("--chapter", nargs="+", metavar="NN", help="such as 02 03 (default: all)")
    command.add_argument("--seed", type=int, default=2017, help="draw the inputs of the test cells from this seed")
    command.set_defaults(run=make_nbgrader_course)


@told
def make_nbgrader_course(options):
    """Write the sources and the configuration, and say what to call next."""
    catalogue = load_catalogue(COURSE)
    chapters = options.chapter or catalogue.numbers
    for path in nbgrader.write_course(catalogue, ROOT, options.into, chapters, seed=options.seed):
        print(path, flush=True)
    print(f"In {options.into}: nbgrader generate_assignment ps{chapters[0]}")
    return 0


def add_similar(commands):
    command = commands.add_parser("similar", help="hint at submissions that share more than chance; never a verdict")
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folders, zip files, notebooks")
    command.add_argument("--chapter", required=True, metavar="NN", help="the exercise that they answer, such as 02")
    command.add_argument("--catalogue", metavar="PLACE", default=COURSE, help="of private tasks: their folder")
    command.add_argument("--into", type=Path, metavar="CLASS", help="the class: its roster, patterns and pseudonyms")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the hints as JSON, too")
    command.add_argument("--trust", action="store_true", help="read notebooks even where there is no jail for that")
    command.set_defaults(run=show_similar)


@told
def show_similar(options):
    """Print whose submissions share what few others have."""
    place = ROOT if options.catalogue == COURSE else Path(options.catalogue)
    catalogue = load_catalogue(options.catalogue)
    chapter = catalogue.chapter(options.chapter)
    known = [path for name in ("exercises", "solutions") for path in (place / name).glob(f"{options.chapter}_*.ipynb")]
    given, ways = [plain_bytes(path) for path in known], similarity.ways_of(chapter)
    with _gathered(options) as (gathered, book):
        number = len(gathered.submissions)
        with Judge(catalogue, 0, trust=options.trust) as judge:
            found = similarity.hints(_notebooks(gathered.submissions, judge), given, ways)
        if book is not None:
            alike.keep_hints(book, options.chapter, found)
            if options.chapter in book.chapters:
                write_reports(book, catalogue, options.chapter)
            found = _with_shown_ids(book, found)
    if options.json:
        options.json.write_text(json.dumps(similarity.as_data(found), indent=1) + "\n", encoding="utf-8")
    for hint in found:
        print(
            f"{on_one_line(hint.first)} and {on_one_line(hint.second)}: {hint.likeness:.0%} alike ({hint.evidence:g})"
        )
        for shared in hint.shared:
            print(f"  {on_one_line(shared.task) or 'in a cell of their own'}")
            print("\n".join(f"    | {line}" for line in plain(shared.first).splitlines()))
    hints = f"{len(found)} hint{'s' * (len(found) != 1)}"
    print(f"{hints} in {number} submissions. A hint is no verdict: read both, and ask.")
    return 0


@contextlib.contextmanager
def _gathered(options):
    """Give what was handed in, and the open gradebook of the class, if it has one."""
    with contextlib.ExitStack() as opened:
        how, book = {}, None
        if options.into is not None:
            settings, roster = options.into / SETTINGS, options.into / ROSTER
            read = read_settings(settings) if settings.is_file() else Settings()
            how = {"patterns": read.patterns, "timezone": read.timezone}
            how["roster"] = read_roster(roster) if roster.is_file() else None
            if (options.into / GRADEBOOK).is_file():
                book = opened.enter_context(Gradebook(options.into, read))
        yield opened.enter_context(gather(options.paths, options.chapter, **how)), book


def _notebooks(submissions, judge):
    """Yield (whose, the code cells of the notebook that counts, as a notebook) of what can be read."""
    for one in submissions:
        found, _, wrong = one.read()
        for sentence in wrong if not found else ():
            print(on_one_line(f"{one.id}: {sentence}"), file=sys.stderr)
        if found:
            try:
                cells = judge.cells(found[0])
            except SubmissionError as error:
                print(on_one_line(f"{one.id}: {error}"), file=sys.stderr)
            else:
                yield one.id, similarity.notebook_of(cells)


def _with_shown_ids(book, hints):
    """Return hints as reports may show them."""
    called = privacy.shown_ids(book, sorted({whose for hint in hints for whose in (hint.first, hint.second)}))

    def hidden(text, *ids):
        for id in ids:
            text = text.replace(id, called[id])
        return privacy.without_names(book, text)

    return [
        dataclasses.replace(
            hint,
            first=called[hint.first],
            second=called[hint.second],
            shared=tuple(
                dataclasses.replace(
                    shared,
                    first=hidden(shared.first, hint.first, hint.second),
                    second=hidden(shared.second, hint.first, hint.second),
                )
                for shared in hint.shared
            ),
        )
        for hint in hints
    ]
