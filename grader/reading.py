"""Reads what was handed in, in a child of its own: even a file that is only parsed may be meant to do harm."""

import json

from grader.handed_in import SubmissionError
from grader.submission import Unreadable, read_notebook
from grader.suspicion import suspicions
from grader.wire import LARGEST_TEXT, receive

LARGEST_PROGRAM = LARGEST_TEXT // 4  # bytes of an answer with all it uses, and of a file of parts: one job holds both
LONGEST_CHOICE = 100  # characters; a letter has one


def serve(job, arrays, read, send):
    """Answer the judge's questions about one notebook until it closes the line.

    The first message says what kind of notebook it is: {"best": [chapter, hits], "origin": ..., "named": ...}, or
    {"problem": ...}.

    Args:
        job: has "name", and "chapters": for each its number, the ids of all it asks, and its functions.
        arrays: the bytes of "notebook", and of "beside/NAME" for each file beside it.
        read: the judge's next message, as `reader_of` gives it.
        send: takes the answer, a dictionary.
    """
    try:
        submission = read_notebook(job["name"], arrays["notebook"].tobytes())
    except SubmissionError as error:
        send({"problem": str(error)})
        return
    send({"best": _best(submission, job["chapters"]), "origin": submission.origin, "named": _is_named(submission)})
    while True:
        question, _ = receive(read, 0)
        send(_answer(question, submission, arrays))


def _best(submission, chapters):
    """Return the number of the chapter whose tasks the cells answer, by their marks or else by their functions, and
    how much speaks for it."""
    marks = submission.answers_named()

    def hits(chapter):
        _, ids, functions = chapter
        defined = [name for name in functions if any(cell.defines(name) for cell in submission.cells)]
        return 1000 * len(marks.intersection(ids)) + len(defined)

    best = max(chapters, key=hits)
    return [best[0], hits(best)]


def _is_named(submission):
    return bool(submission.answers_named())


def _answer(question, submission, arrays):
    match question:
        case {"task": task, "earlier": earlier, "module": module}:
            answer = _program(submission.program(task, set(earlier), module))
        case {"question": asked}:
            choice = submission.choice(asked)
            answer = {"choice": None if choice is None else choice[:LONGEST_CHOICE]}
        case {"cells": True}:
            answer = {"cells": list(_cells(submission))}
        case {"file": name}:
            answer = _file(name, arrays.get(f"beside/{name}"))
    if len(json.dumps(answer)) > LARGEST_PROGRAM:
        return {"reason": f"the answer, with what it uses, is longer than {LARGEST_PROGRAM // 2**10} KiB."}
    return answer


def _cells(submission):
    """Yield the code cells, each as [what it answers, its source], as far as one message goes: answers first."""
    left = LARGEST_PROGRAM // 6  # characters, of which the text of a message may need six bytes each
    for cell in sorted(submission.cells, key=lambda cell: not cell.answer):
        left -= len(cell.source) + len(cell.answer) + 10
        if left < 0:
            return
        yield [cell.answer, cell.source]


def _program(program):
    if isinstance(program, Unreadable):
        return {"reason": program.reason}
    return {
        "function": program.function,
        "statements": program.statements,
        "answer": program.answer,
        "untouched": program.untouched,
        "flags": suspicions(program),
    }


def _file(name, data):
    if data is None:
        return {"reason": f"there is no {name} beside the notebook: hand it in, too."}
    try:
        source = data.tobytes().decode()
        compile(source, name, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return {"reason": f"{name}, handed in beside the notebook, cannot be read as Python: {error}."}
    return {"source": source}
