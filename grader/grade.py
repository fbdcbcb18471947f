"""Judges submitted notebooks from outside: reads the file, runs each answer in a child process, gives points."""

import dataclasses
from pathlib import Path

from grader.handed_in import SubmissionError, handed_in
from grader.judge import judge_question, judge_task, terms_of, unreadable
from grader.parts import source_of
from grader.result import NotebookResult
from grader.runner import DEFAULT_LIMITS, Child
from grader.submission import Unreadable, read_notebook

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


def is_passed_over(path, catalogue, chapter=None):
    """Tell whether a notebook of a learner's own folder is none that was asked for: a lesson, or of another chapter."""
    if not (Path(path).parent / LEARNERS).is_dir():
        return False
    try:
        read = handed_in(path)
        submission = read_notebook(read.name, read.notebook)
        _find_chapter(submission, catalogue, chapter)
    except UnaskedError:
        return True
    except SubmissionError:
        return False
    return bool(submission.origin) and not submission.answers_named()  # a lesson that defines what is asked elsewhere


class Judge:
    """Grades what is handed in, one notebook after another, on one seed.

    Use it as a context: it starts what runs the answers when it first needs it, and ends it.

    Args:
        catalogue: the `Catalogue` of what is asked.
        seed: inputs are drawn from it; the same seed gives the same inputs.
        limits: what each answer may use.
        trust: grade even where this machine has no jail for the answers.

    Attributes:
        level: how the answers are held, in words; stands in every report.
    """

    def __init__(self, catalogue, seed, *, limits=DEFAULT_LIMITS, trust=False):
        self.catalogue, self.seed, self.limits = catalogue, seed, limits
        self.level = "child processes with limits"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def grade(self, given, chapter=None):
        """Return the `NotebookResult` of a `HandedIn`. Whatever is wrong with it becomes a line of the result.

        Args:
            given: what was handed in.
            chapter: number of the chapter that was asked for, such as "02"; found from the cells if None.
        """
        try:
            submission = read_notebook(given.name, given.notebook)
            number = _find_chapter(submission, self.catalogue, chapter)
        except SubmissionError as error:
            return self.ungraded(given.name, str(error), chapter)
        asked = self.catalogue.chapter(number)
        results = [self._grade_task(task, submission, given) for task in asked.tasks]
        results += [judge_question(question, submission.choice(question.id)) for question in asked.questions]
        return NotebookResult(given.name, self.seed, number, tuple(results), level=self.level)

    def ungraded(self, name, problem, chapter=None):
        """Return the result of what cannot be graded as a whole: zero of the chapter's points."""
        results = () if chapter is None else _all_unreadable(self.catalogue.chapter(chapter), problem)
        return NotebookResult(name, self.seed, chapter or "", results, problem, level=self.level)

    def _grade_task(self, task, submission, given):
        program = program_of(task, submission, self.catalogue, given.beside)
        if isinstance(program, Unreadable):
            return unreadable(task, program.reason)
        terms = terms_of(task, self.catalogue.own)
        with Child(program, terms, hidden=self.catalogue.hidden, limits=self.limits) as child:
            return judge_task(task, self.seed, child, self.catalogue.own)


def grade_notebook(path, catalogue, seed, *, chapter=None, limits=DEFAULT_LIMITS):
    """Return the `NotebookResult` of one file, with the learner's own file beside it if there is one."""
    beside = (f"{catalogue.parts.module}.py",) if catalogue.parts else ()
    with Judge(catalogue, seed, limits=limits) as judge:
        try:
            given = handed_in(path, beside)
        except SubmissionError as error:
            return judge.ungraded(str(path), str(error), chapter)
        return judge.grade(given, chapter)


def program_of(task, submission, catalogue, beside):
    """Return the `Program` of a task's answer with the parts that it may use, or `Unreadable`.

    The parts are the course's own, so that one mistake is paid for once. Only a task that is about the learner's own
    file takes them from there: `beside`, the bytes of files beside the notebook, has it.
    """
    before, others = catalogue.parts_before(task.id)
    parts = catalogue.parts
    program = submission.program(task.id, {part.id for part in before}, parts.module if parts else "")
    if isinstance(program, Unreadable) or parts is None:
        return program
    if task.own_file:
        name = f"{parts.module}.py"
        if name not in beside:
            return Unreadable(f"there is no {name} beside the notebook: hand it in, too.")
        try:
            source = beside[name].decode()
            compile(source, name, "exec")
        except (SyntaxError, ValueError) as error:
            return Unreadable(f"{name}, handed in beside the notebook, is no Python: {error}.")
        modules = ((parts.own, source_of(parts.file)), (parts.module, source))
        return dataclasses.replace(program, modules=modules)
    named = any(parts.module in source for source in (*program.statements, program.answer))
    if not named and (task.build is None or not task.build.given):
        return program
    source = dataclasses.replace(parts.read(), parts=before).text
    return dataclasses.replace(program, modules=((parts.module, source),), refused=tuple(p.name for p in others))


def _find_chapter(submission, catalogue, wanted):
    """Return the number of the chapter whose tasks the cells answer, by their marks or else by their functions.

    Raises:
        UnaskedError: none of ours, or not the one that is wanted.
    """
    marks = submission.answers_named()

    def hits(chapter):
        ids = {item.id for item in (*chapter.tasks, *chapter.questions)}
        defined = [task for task in chapter.tasks if any(cell.defines(task.function) for cell in submission.cells)]
        return 1000 * len(ids & marks) + len(defined)

    best = max(catalogue.chapters, key=hits)
    if hits(best) == 0:
        raise UnaskedError(f"{submission.name} answers no task of this catalogue. Hand in the exercise's own notebook.")
    if wanted is not None and best.number != wanted:
        raise UnaskedError(
            f"{submission.name} is the exercise of chapter {best.number}; chapter {wanted} was asked for."
        )
    return best.number


def _all_unreadable(chapter, reason):
    """Return a result of zero points for all that a chapter asks, so that the total is that of the chapter."""
    return (
        *(unreadable(task, reason) for task in chapter.tasks),
        *(judge_question(question, None) for question in chapter.questions),
    )
