"""The chapters' tasks and questions, one file per chapter; look them up by id."""

import difflib

from grader.catalogue import (
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_07,
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
)

CHAPTERS = tuple(
    module.CHAPTER
    for module in (
        chapter_01,
        chapter_02,
        chapter_03,
        chapter_04,
        chapter_05,
        chapter_06,
        chapter_07,
        chapter_08,
        chapter_09,
        chapter_10,
        chapter_11,
    )
)


def task(task_id):
    """Return the task with this id.

    Raises:
        LookupError: there is none; the text names the nearest.
    """
    return _find("task", task_id, {task.id: task for chapter in CHAPTERS for task in chapter.tasks})


def question(question_id):
    """Return the question with this id.

    Raises:
        LookupError: there is none; the text names the nearest.
    """
    return _find("question", question_id, {asked.id: asked for chapter in CHAPTERS for asked in chapter.questions})


def chapter(number):
    """Return the chapter with this number, such as "02".

    Raises:
        LookupError: it has no exercise.
    """
    return _find("chapter", number, {chapter.number: chapter for chapter in CHAPTERS})


def _find(kind, key, known):
    if key in known:
        return known[key]
    nearest = difflib.get_close_matches(str(key), known, n=1, cutoff=0.3)
    suggestion = f" Did you mean {nearest[0]!r}?" if nearest else f" There are {', '.join(known)}."
    raise LookupError(f"there is no {kind} {key!r}.{suggestion}")
