"""Gradescope: its results.json from a report, and the grading of one submission where the service puts it.

The service unpacks an autograder to source/, a submission to submission/, and reads results/results.json. Whatever
happens, that file is there and valid: if nothing could be graded, with 0 points and a sentence.
"""

import json
import os
import re
import stat
import sys
import time
import traceback
from pathlib import Path

from classroom.reports.harmless import LONGEST_NAME, harmless, on_one_line, plain
from classroom.reports.tables import replaced
from classroom.reports.tally import results_of_report
from classroom.reports.wording import OUTCOMES
from grader.catalogue import load_catalogue
from grader.grade import Judge
from grader.handed_in import SubmissionError, handed_in
from grader.report import as_data
from jail.keeper import NoJailError

SETTINGS = "autograder.json"  # beside the code: what is graded, how
MOST_FILES = 10_000  # that are looked through for notebooks
MOST_NOTEBOOKS = 10  # that are tried one after the other until one can be graded
MOST_NAMED = 8
NO_JAIL = (
    "So nothing was graded. The service gives each submission a container of its own: if that is enough for you, build "
    "the zip once more with --trust."
)
OUR_FAULT = (
    "Your submission arrived, but grading it failed, and that is not your fault. Tell your instructor, who sees more."
)


def results(report, chapter, *, seconds=None, note="", more=()):
    """Return what Gradescope reads, as plain data.

    Args:
        report: `grader.report.as_data` of a result.
        chapter: the `grader.task.Chapter` that was asked for.
        seconds: that grading took, if that is known.
        note: for the student, besides.
        more: lines for the instructor alone.
    """
    found = results_of_report(report)
    asked = [item for item in (*chapter.tasks, *chapter.questions) if item.id in found]
    tests = [_test(str(place), item, found[item.id]) for place, item in enumerate(asked, start=1)]
    if report.get("problem"):
        said = f"Your file could not be graded. {report['problem']}"
    else:
        right = sum(found[item.id]["outcome"] == "right" for item in asked)
        said = f"{right} of {len(asked)} answers right."
    flags = [f"{name}: {flag}" for name, result in found.items() for flag in result.get("flags") or ()]
    lines = [
        f"How the answers were run: {report.get('level') or 'not at all'}",
        f"Seed of the inputs: {report.get('seed')}",
        *more,
        *(f"To look at by hand: {flag}" for flag in (*(report.get("flags") or ()), *flags)),
    ]
    return _whole(report["points"], " ".join(filter(None, (said, note))), tests, lines, seconds)


def failure(sentence, lines=(), seconds=None):
    """Return what Gradescope reads where nothing could be graded.

    Args:
        sentence: for the student.
        lines: for the instructor alone.
    """
    return _whole(0, sentence, [], list(lines), seconds)


def _whole(score, output, tests, lines, seconds):
    """Return the data; where the top gives a score, the service does not add up those of the tests."""
    instructors = {
        "name": "For instructors: how it was graded",
        "score": 0,
        "max_score": 0,
        "output": "\n".join(lines),
        "output_format": "text",
        "visibility": "hidden",
    }
    data = {
        "score": score,
        "output": output,
        "output_format": "text",
        "stdout_visibility": "hidden",  # what we print is for the instructor
        "tests": [*tests, instructors],
    }
    if seconds is not None:
        data["execution_time"] = round(seconds)
    return harmless(data)


def _test(place, item, result):
    optional = getattr(item, "optional", False)
    text = getattr(item, "title", "") or item.text
    return {
        "number": place,
        "name": f"{item.id}: {text}{' (optional)' if optional else ''}",
        "score": result["points"],
        "max_score": result["worth"],
        "status": "passed" if result["outcome"] == "right" else "failed",
        "output": _output(result),
        "output_format": "text",
        "visibility": "visible",
        "tags": [*(["optional"] if optional else []), "task" if hasattr(item, "cases") else "question"],
    }


def _output(result):
    """Return what a student reads about one answer, as lines: what came out of it, why, theirs beside the expected."""
    word = OUTCOMES.get(result["outcome"], result["outcome"])
    word = f"{word[0].upper()}{word[1:]}"
    said = "" if result["outcome"] == "not attempted" else result["message"]
    lines = [said] if said.startswith(word) else [f"{word}.", *filter(None, [said])]
    if shown := result.get("shown"):
        lines += ["", f"The smallest case that is not right: {shown['case']}. {shown['inputs']}"]
        lines += [shown[name] for name in ("yours", "expected") if shown[name]]
    return "\n".join(plain(line) for line in lines)


# In the service's folders --------------------------------------------------------------------------------------------


def main(root):
    """Grade what lies in root/submission and write root/results/results.json. No exception leaves; returns 0.

    Args:
        root: the folder that is /autograder in the service.
    """
    root, began = Path(root), time.monotonic()
    path = root / "results" / "results.json"
    try:
        data = grade(root, began)
    except Exception as error:  # whatever it is, the service shall hear of it, and no student read of our code
        way_out = [NO_JAIL] if isinstance(error, NoJailError) else []
        data = failure(OUR_FAULT, [str(error), *way_out, traceback.format_exc()], time.monotonic() - began)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path, encoding="utf-8", newline="\n") as file:
        json.dump(data, file, indent=1)
    print(f"{data['score']} points; see {path}")
    return 0


def grade(root, began=0.0):
    """Return what Gradescope reads about the submission in root/submission."""
    settings = json.loads((root / "source" / SETTINGS).read_text(encoding="utf-8"))
    place, number = settings["catalogue"], settings["chapter"]
    catalogue = load_catalogue(root / "source" / place)
    chapter = catalogue.chapter(number)
    notebooks, others = _find(root / "submission", number)
    with Judge(catalogue, settings["seed"], trust=settings["trust"]) as judge:
        report = _first_that_can_be_graded(judge, notebooks[:MOST_NOTEBOOKS], others, number, root / "submission")
    note = ""
    if len(notebooks) > 1:
        named = on_one_line(report["path"], LONGEST_NAME)
        note = f"There are {len(notebooks)} notebooks; {named} is the one that counts."
    seconds = time.monotonic() - began if began else None
    return results(report, chapter, seconds=seconds, note=note, more=_metadata(root / "submission_metadata.json"))


def _find(folder, chapter):
    """Return (notebooks in the order in which they are tried, names of all other files).

    First come those with the number of the chapter in their name, then the others; of these the last by name first. No
    link is followed.
    """
    notebooks, others, count = [], [], 0
    for above, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        for name in sorted(files):
            count += 1
            path = Path(above, name)
            is_notebook = name.lower().endswith(".ipynb") and not name.startswith(".")
            (notebooks if is_notebook and stat.S_ISREG(os.lstat(path).st_mode) else others).append(path)
        if count > MOST_FILES:
            break
    number = re.compile(rf"(?<!\d){re.escape(chapter)}(?![\da-z])", re.IGNORECASE)
    notebooks.sort(key=lambda path: (number.search(path.name) is not None, str(path)), reverse=True)
    return notebooks, [path.name for path in others]


def _first_that_can_be_graded(judge, notebooks, others, chapter, folder):
    """Return the report on the first notebook that can be graded; else on the first one, else on there being none."""
    parts = judge.catalogue.parts
    beside = (f"{parts.module}.py",) if parts else ()
    first = None
    for path in notebooks:
        name = str(path.relative_to(folder))
        try:
            given = handed_in(path, beside)
            result = judge.grade(type(given)(name, given.notebook, given.beside), chapter)
        except SubmissionError as error:
            result = judge.ungraded(name, str(error), chapter)
        if not result.problem:
            return as_data(result)
        first = first or result
    if first is None:
        named = ", ".join(on_one_line(name, LONGEST_NAME) for name in others[:MOST_NAMED])
        came = f"What came instead: {named}" if named else "Nothing came at all"
        problem = f"No notebook was handed in. {came}. Hand in the exercise as JupyterLab saves it, a file *.ipynb."
        first = judge.ungraded("", problem, chapter)
    return as_data(first)


def _metadata(path):
    """Return what the service says of the submission, as lines for the instructor; it may say nothing."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        people = ", ".join(str(person.get("name")) for person in data.get("users", ()))
        return [f"Submission {data.get('id')} of {people or 'nobody named'}, {data.get('created_at')}"]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
