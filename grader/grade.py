"""Judges submitted notebooks from outside: jailed children read the file and run each answer; here points are given."""

import dataclasses
from pathlib import Path

from grader.handed_in import SubmissionError
from grader.judge import judge_question, judge_task, terms_of, unreadable
from grader.parts import source_of
from grader.reply import Reply
from grader.result import NotebookResult
from grader.runner import DEFAULT_LIMITS, Runner
from grader.submission import Unreadable

LEARNERS = ".course"  # the folder that marks a learner's own folder, in which all exercises and lessons lie together


class UnaskedError(SubmissionError):
    """A notebook that does not answer what is asked."""


def find_notebooks(paths):
    """Return the notebook files among `paths`: files as they are, folders searched for *.ipynb (checkpoints left out).

    Raises:
        FileNotFoundError: a path does not exist, or a folder holds no notebook.
    """
    found = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist.")
        inside = _inside(path) if path.is_dir() else [path]
        if not inside:
            raise FileNotFoundError(f"{path} holds no notebook (*.ipynb).")
        found += inside
    return list(dict.fromkeys(found))


def _inside(folder):
    """Return the notebooks in a folder: all but an editor's own, and those put aside in a learner's folder."""
    found = sorted(path for path in folder.rglob("*.ipynb") if not path.is_dir())
    return [path for path in found if not _is_hidden(path, folder) and not _is_put_aside(path, folder)]


def _is_hidden(path, folder):
    return any(part.startswith(".") for part in path.relative_to(folder).parts[:-1])


def _is_put_aside(path, folder):
    """Tell whether a learner's own folder is above the one that a notebook lies in."""
    return any((above / LEARNERS).is_dir() for above in path.parents[1:] if above.is_relative_to(folder))


class Judge:
    """Grades what is handed in, one notebook after another, on one seed; a context.

    Args:
        catalogue: the `Catalogue` of what is asked.
        seed: inputs are drawn from it; the same seed gives the same inputs.
        limits: what each answer may use.
        trust: grade even where this machine has no jail for the answers.

    Attributes:
        level: how the answers are held, in words; stands in every report.

    Raises:
        NoJailError: this machine has no jail, and `trust` does not say to go on without.
    """

    def __init__(self, catalogue, seed, *, limits=DEFAULT_LIMITS, trust=False):
        self.catalogue, self.seed = catalogue, seed
        self._runner = Runner(own=catalogue.own, hidden=catalogue.hidden, limits=limits, trust=trust)
        self.level = str(self._runner.level)
        self._chapters = [
            (
                chapter.number,
                [item.id for item in (*chapter.tasks, *chapter.questions)],
                [task.function for task in chapter.tasks],
            )
            for chapter in catalogue.chapters
        ]
        self._computed = {}  # by chapter: what the reference and the mistakes give on this seed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End what runs the answers."""
        self._runner.close()

    def grade(self, given, chapter=None):
        """Return the `NotebookResult` of a `HandedIn`. Whatever is wrong with it becomes a line of the result.

        Args:
            given: what was handed in.
            chapter: number of the chapter that was asked for, such as "02"; found from the cells if None.
        """
        try:
            with self._runner.read(given, self._chapters) as reading:
                number = self._chapter_of(reading, given.name, chapter)
                asked = self.catalogue.chapter(number)
                results = [self._grade_task(task, reading) for task in asked.tasks]
                results += [judge_question(question, reading.choice(question.id)) for question in asked.questions]
        except SubmissionError as error:
            return self.ungraded(given.name, str(error), chapter)
        return NotebookResult(given.name, self.seed, number, tuple(results), level=self.level)

    def ungraded(self, name, problem, chapter=None):
        """Return the result of what cannot be graded as a whole: zero of the chapter's points."""
        results = () if chapter is None else _all_unreadable(self.catalogue.chapter(chapter), problem)
        return NotebookResult(name, self.seed, chapter or "", results, problem, level=self.level)

    def cells(self, given):
        """Return the code cells of a `HandedIn`, each as (the id of what it answers, or ""; its source).

        Raises:
            SubmissionError: it cannot be read.
        """
        with self._runner.read(given, self._chapters) as reading:
            return reading.cells()

    def is_passed_over(self, given, chapter=None):
        """Tell whether a notebook in a learner's folder is none that was asked for: a lesson, or another chapter's."""
        try:
            with self._runner.read(given, self._chapters) as reading:
                self._chapter_of(reading, given.name, chapter)
                return reading.is_lesson  # one that defines what is asked elsewhere
        except UnaskedError:
            return True
        except SubmissionError:
            return False

    def _chapter_of(self, reading, name, wanted):
        """Return the number of the chapter whose tasks the cells answer, by their marks or else by their functions.

        Raises:
            UnaskedError: none of ours, or not the one that is wanted.
        """
        number, hits = reading.best
        if hits == 0:
            raise UnaskedError(f"{name} answers no task of this catalogue. Hand in the exercise's own notebook.")
        if all(number != known for known, _, _ in self._chapters):
            raise SubmissionError(f"{name} cannot be read: what read it was tampered with.")
        if wanted is not None and number != wanted:
            raise UnaskedError(f"{name} is the exercise of chapter {number}; chapter {wanted} was asked for.")
        return number

    def _grade_task(self, task, reading):
        program, flags = program_of(task, reading, self.catalogue)
        if isinstance(program, Unreadable):
            return unreadable(task, program.reason)
        if program.untouched:
            return judge_task(task, self.seed, lambda *_: Reply("untouched"), self.catalogue.own)
        terms = terms_of(task, self.catalogue.own)
        computed = self._computed.setdefault(task.id, {})
        with self._runner.run(program, terms) as child:
            result = judge_task(task, self.seed, child, self.catalogue.own, computed=computed)
        return dataclasses.replace(result, flags=flags)


def files_beside(catalogue):
    """Return the names of the files that belong to a notebook and lie beside it."""
    return (f"{catalogue.parts.module}.py",) if catalogue.parts else ()


def program_of(task, reading, catalogue):
    """Return the `Program` of a task's answer with the parts that it may use, or `Unreadable`; and its flags.

    The parts are the course's own, so that one mistake is paid for once. Only a task that is about the learner's own
    file takes them from there: it lies beside the notebook.
    """
    before, others = catalogue.parts_before(task.id)
    parts = catalogue.parts
    program, flags = reading.program(task.id, {part.id for part in before}, parts.module if parts else "")
    if isinstance(program, Unreadable) or parts is None:
        return program, flags
    if task.own_file:
        source = reading.file(f"{parts.module}.py")
        if isinstance(source, Unreadable):
            return source, flags
        modules = ((parts.own, source_of(parts.file)), (parts.module, source))
        return dataclasses.replace(program, modules=modules), flags
    named = any(parts.module in source for source in (*program.statements, program.answer))
    if not named and (task.build is None or not task.build.given):
        return program, flags
    source = dataclasses.replace(parts.read(), parts=before).text
    refused = tuple(part.name for part in others)
    return dataclasses.replace(program, modules=((parts.module, source),), refused=refused), flags


def _all_unreadable(chapter, reason):
    """Return a result of zero points for all that a chapter asks, so that the total is that of the chapter."""
    return (
        *(unreadable(task, reason) for task in chapter.tasks),
        *(judge_question(question, None) for question in chapter.questions),
    )
