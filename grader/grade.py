"""Judges submitted notebooks from outside: reads the file, runs each answer in a child process, gives points."""

from pathlib import Path

from grader import catalogue
from grader.judge import judge_question, judge_task, unreadable
from grader.result import NotebookResult
from grader.runner import DEFAULT_LIMITS, run_program
from grader.submission import SubmissionError, Unreadable, read_notebook


def find_notebooks(paths):
    """Return the notebook files among `paths`: files as they are, folders searched for *.ipynb (checkpoints left out).

    Raises:
        FileNotFoundError: a path does not exist, or a folder holds no notebook.
    """
    found = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist.")
        inside = (
            sorted(p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts and not p.is_dir())
            if path.is_dir()
            else [path]
        )
        if not inside:
            raise FileNotFoundError(f"{path} holds no notebook (*.ipynb).")
        found += inside
    return list(dict.fromkeys(found))


def grade_notebook(path, seed, *, chapter=None, limits=DEFAULT_LIMITS):
    """Return the `NotebookResult` of one file. Whatever is wrong with the file becomes a line of the result.

    Args:
        path: the submitted file.
        seed: inputs are drawn from it; the same seed gives the same inputs.
        chapter: number of the chapter that was asked for, such as "02"; found from the cells if None.
        limits: what each answer may use.
    """
    try:
        submission = read_notebook(path)
        number = _find_chapter(submission, chapter)
    except SubmissionError as error:
        return NotebookResult(str(path), seed, chapter or "", _all_unreadable(chapter, str(error)), str(error))
    asked = catalogue.chapter(number)
    results = [_grade_task(task, submission, seed, limits) for task in asked.tasks]
    results += [judge_question(question, submission.choice(question.id)) for question in asked.questions]
    return NotebookResult(str(path), seed, number, tuple(results))


def _grade_task(task, submission, seed, limits):
    program = submission.program(task.id)
    if isinstance(program, Unreadable):
        return unreadable(task, program.reason)
    cases_inputs = [task.inputs(case, seed) for case in task.cases]
    replies = run_program(program, cases_inputs, finished=task.finished, library=task.library, limits=limits)
    return judge_task(task, cases_inputs, replies)


def _find_chapter(submission, wanted):
    """Return the number of the chapter whose tasks the cells answer, by their marks or else by their functions.

    Raises:
        SubmissionError: none of ours, or not the one that is wanted.
    """
    marks = submission.answers_named()

    def hits(chapter):
        ids = {item.id for item in (*chapter.tasks, *chapter.questions)}
        defined = [task for task in chapter.tasks if any(cell.defines(task.function) for cell in submission.cells)]
        return 1000 * len(ids & marks) + len(defined)

    best = max(catalogue.CHAPTERS, key=hits)
    if hits(best) == 0:
        raise SubmissionError(
            f"{submission.path} answers no task of this course. Hand in the notebook from exercises/."
        )
    if wanted is not None and best.number != wanted:
        raise SubmissionError(
            f"{submission.path} is the exercise of chapter {best.number}; chapter {wanted} was asked for."
        )
    return best.number


def _all_unreadable(number, reason):
    """Return a result of zero points for all that the chapter asks, so that the total is that of the chapter."""
    if number is None:
        return ()
    asked = catalogue.chapter(number)
    return (
        *(unreadable(task, reason) for task in asked.tasks),
        *(judge_question(question, None) for question in asked.questions),
    )
