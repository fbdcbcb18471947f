"""A report as text, or as data for JSON."""

from grader.display import in_short
from grader.result import Outcome, TaskResult

SIGNS = {Outcome.RIGHT: "+", Outcome.NOT_ATTEMPTED: " "}


def as_text(graded):
    """Return the report on one `NotebookResult` as lines a person reads."""
    if graded.problem:
        return f"{_on_one_line(graded.path)}\n  {_on_one_line(graded.problem)}\n  {_total(graded)}".rstrip()
    lines = [f"{_on_one_line(graded.path)}: chapter {graded.chapter}, {_total(graded)} (seed {graded.seed})"]
    for result in graded.results:
        sign = SIGNS.get(result.outcome, "-")
        earned = "optional" if _is_optional(result) else f"{result.points:>2} of {result.worth:>2}"
        lines.append(f"  {sign} {result.id:<28} {earned}  {result.outcome.value}")
        if result.outcome not in (Outcome.RIGHT, Outcome.NOT_ATTEMPTED):
            lines.append(f"      {_on_one_line(result.message)}")
    lines.append(f"    answers ran {_on_one_line(graded.level)}")
    return "\n".join(lines)


def as_data(graded):
    """Return the report on one `NotebookResult` as plain data: dictionaries, lists, strings and numbers.

    Of a task that is not right, "shown" has its smallest such case in short texts: what came out beside what was
    expected.
    """
    return {
        "path": graded.path,
        "chapter": graded.chapter,
        "seed": graded.seed,
        "points": graded.points,
        "worth": graded.worth,
        "problem": graded.problem,
        "level": graded.level,
        "results": [_result_data(result) for result in graded.results],
    }


def _result_data(result):
    data = {
        "id": result.id,
        "outcome": result.outcome.value,
        "points": result.points,
        "worth": result.worth,
        "message": result.message,
    }
    if isinstance(result, TaskResult):
        data["mistake"] = result.mistake
        data["told_by"] = result.told_by
        data["optional"] = result.optional
        data["flags"] = list(result.flags)
        data["cases"] = [
            {"case": case.case, "outcome": case.outcome.value, "points": case.points, "worth": case.worth}
            for case in result.cases
        ]
        if result.shown is not None and result.shown.inputs:
            data["shown"] = in_short(result.shown)
    return data


def _is_optional(result):
    return isinstance(result, TaskResult) and result.optional


def _on_one_line(text):
    """Return a text of others without what could break the lines of a report, or color them."""
    return "".join(character if character.isprintable() else " " for character in text)


def _total(graded):
    return f"{graded.points} of {graded.worth} points" if graded.results else ""
