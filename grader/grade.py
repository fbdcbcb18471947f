"""Judges submitted notebooks from outside: reads the file, runs each answer in a child process, gives points."""

import dataclasses
from pathlib import Path

from grader.judge import judge_question, judge_task, terms_of, unreadable
from grader.result import NotebookResult
from grader.runner import DEFAULT_LIMITS, Child
from grader.submission import SubmissionError, Unreadable, read_notebook

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
        submission = read_notebook(path)
        _find_chapter(submission, catalogue, chapter)
    except UnaskedError:
        return True
    except SubmissionError:
        return False
    return bool(submission.origin) and not submission.answers_named()  # a lesson that defines what is asked elsewhere


def grade_notebook(path, catalogue, seed, *, chapter=None, limits=DEFAULT_LIMITS):
    """Return the `NotebookResult` of one file. Whatever is wrong with the file becomes a line of the result.

    Args:
        path: the submitted file.
        catalogue: the `Catalogue` of what is asked.
        seed: inputs are drawn from it; the same seed gives the same inputs.
        chapter: number of the chapter that was asked for, such as "02"; found from the cells if None.
        limits: what each answer may use.
    """
    try:
        submission = read_notebook(path)
        number = _find_chapter(submission, catalogue, chapter)
    except SubmissionError as error:
        results = () if chapter is None else _all_unreadable(catalogue.chapter(chapter), str(error))
        return NotebookResult(str(path), seed, chapter or "", results, str(error))
    asked = catalogue.chapter(number)
    results = [_grade_task(task, submission, catalogue, seed, limits) for task in asked.tasks]
    results += [judge_question(question, submission.choice(question.id)) for question in asked.questions]
    return NotebookResult(str(path), seed, number, tuple(results))


def _grade_task(task, submission, catalogue, seed, limits):
    program = program_of(task, submission, catalogue)
    if isinstance(program, Unreadable):
        return unreadable(task, program.reason)
    with Child(program, terms_of(task, catalogue.own), hidden=catalogue.hidden, limits=limits) as child:
        return judge_task(task, seed, child, catalogue.own)


def program_of(task, submission, catalogue):
    """Return the `Program` of a task's answer with the parts that it may use, or `Unreadable`.

    The parts are the course's own, so that one mistake is paid for once. Only a task that is about the learner's own
    file takes them from there: it lies beside the notebook.
    """
    before, others = catalogue.parts_before(task.id)
    parts = catalogue.parts
    program = submission.program(task.id, {part.id for part in before}, parts.module if parts else "")
    if isinstance(program, Unreadable) or parts is None:
        return program
    if task.own_file:
        path = submission.path.parent / f"{parts.module}.py"
        try:
            source = path.read_text(encoding="utf-8")
            compile(source, path.name, "exec")
        except (OSError, UnicodeDecodeError):
            return Unreadable(f"there is no {path.name} beside the notebook: hand it in, too.")
        except (SyntaxError, ValueError) as error:
            return Unreadable(f"{path.name}, handed in beside the notebook, is no Python: {error}.")
        modules = ((parts.own, parts.file.read_text(encoding="utf-8")), (parts.module, source))
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
        raise UnaskedError(f"{submission.path} answers no task of this catalogue. Hand in the exercise's own notebook.")
    if wanted is not None and best.number != wanted:
        raise UnaskedError(
            f"{submission.path} is the exercise of chapter {best.number}; chapter {wanted} was asked for."
        )
    return best.number


def _all_unreadable(chapter, reason):
    """Return a result of zero points for all that a chapter asks, so that the total is that of the chapter."""
    return (
        *(unreadable(task, reason) for task in chapter.tasks),
        *(judge_question(question, None) for question in chapter.questions),
    )
