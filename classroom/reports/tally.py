"""What a class's reports tell when they are counted: points, outcomes, mistakes, choices."""

import statistics
from collections import Counter
from dataclasses import dataclass, field

from grader.finishes import FINISHES

GROUPS = ("right", "wrong", "raised", "other", "not attempted")
OTHER = ("borrowed", "timed out", "crashed", "unreadable", "not run")
ALTERNATIVES, TOGETHER = " | ", " + "  # in the name of a mistake: one or the other; both at once


@dataclass(frozen=True)
class TaskTally:
    """One task: how many answers came out how.

    Attributes:
        id, title: the task's.
        worth: points that there are; 0 of an optional one.
        optional: whether it is.
        outcomes: how many answers of each group of `GROUPS`.
        others: how many of each outcome of `OTHER`.
        unexplained: how many that are wrong or raised made no mistake that is known.
    """

    id: str
    title: str
    worth: float
    optional: bool
    outcomes: Counter
    others: Counter
    unexplained: int

    @property
    def answers(self):
        return sum(self.outcomes.values())

    @property
    def attempted(self):
        return self.answers - self.outcomes["not attempted"]


@dataclass(frozen=True)
class MistakeTally:
    """A mistake that people made.

    Attributes:
        task: the id of the task.
        names: the mistake's; several if nobody can tell them apart by the numbers.
        sentences: what each says.
        count: how many made it, alone or with another.
        together: how many of them made it together with which others: {"a + b": 2}.
    """

    task: str
    names: tuple[str, ...]
    sentences: tuple[str, ...]
    count: int
    together: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class QuestionTally:
    """One question: how many chose what.

    Attributes:
        asked: the `Question`.
        chosen: how many chose each letter.
        right, unknown, open: how many answers are right; are wrong in a way that no choice explains; were not given.
    """

    asked: object
    chosen: Counter
    right: int
    unknown: int
    open: int

    @property
    def answers(self):
        return sum(self.chosen.values()) + self.unknown + self.open


def group(outcome):
    """Return the group of an outcome."""
    return outcome if outcome in GROUPS else "other"


def handed_in(graded):
    """Return those who handed something in."""
    return [one for one in graded if one.report is not None]


def readable(graded):
    """Return those whose file could be graded."""
    return [one for one in handed_in(graded) if not one.report.get("problem")]


def results_of(one):
    """Return the results of one student by id; none where nothing was handed in."""
    return results_of_report(one.report or {})


def results_of_report(report):
    """Return the results in a report by id."""
    return {result["id"]: result for result in report.get("results", ())}


def tasks(graded, chapter):
    """Return a `TaskTally` for every task of the chapter, over the files that could be read."""
    reports = [results_of(one) for one in readable(graded)]
    return [_task(task, [report[task.id] for report in reports if task.id in report]) for task in chapter.tasks]


def _task(task, results):
    outcomes = Counter(group(result["outcome"]) for result in results)
    others = Counter(result["outcome"] for result in results if group(result["outcome"]) == "other")
    wrong = [result for result in results if result["outcome"] in ("wrong", "raised")]
    unexplained = sum(not result.get("mistake") for result in wrong)
    worth = 0 if task.optional else task.points
    return TaskTally(task.id, task.title, worth, task.optional, outcomes, others, unexplained)


def mistakes(graded, chapter):
    """Return a `MistakeTally` for everything that somebody did, the most frequent first.

    Who made two mistakes at once counts for both.
    """
    counts, together = Counter(), {}
    for one in readable(graded):
        for result in results_of(one).values():
            if not (name := result.get("mistake")):
                continue
            if ALTERNATIVES in name:
                counts[result["id"], tuple(name.split(ALTERNATIVES))] += 1
                continue
            for part in name.split(TOGETHER):
                counts[result["id"], (part,)] += 1
                if TOGETHER in name:
                    together.setdefault((result["id"], part), Counter())[name] += 1
    sentences = _sentences(chapter)
    found = [
        MistakeTally(
            task,
            names,
            tuple(_sentence(sentences, task, name) for name in names),
            count,
            dict(together.get((task, *names), {})),
        )
        for (task, names), count in counts.items()
    ]
    order = {task.id: place for place, task in enumerate(chapter.tasks)}
    return sorted(found, key=lambda one: (-one.count, order.get(one.task, len(order)), one.names))


def _sentences(chapter):
    """Return what every mistake of the chapter says, by task and name."""
    return {
        (task.id, mistake.name): mistake.message
        for task in chapter.tasks
        for mistake in (*FINISHES, *task.slips, *task.mistakes)
    }


def _sentence(sentences, task, name):
    """Return what a mistake says, or several at once; its name if the catalogue no longer has it."""
    return " ".join(sentences.get((task, part), part.replace("_", " ")) for part in name.split(TOGETHER))


def questions(graded, chapter):
    """Return a `QuestionTally` for every question of the chapter, over the files that could be read."""
    reports = [results_of(one) for one in readable(graded)]
    return [
        _question(asked, [report[asked.id] for report in reports if asked.id in report]) for asked in chapter.questions
    ]


def _question(asked, results):
    letters = [choice_of(asked, result) for result in results]
    chosen = Counter(letter for letter in letters if letter)
    right = sum(result["outcome"] == "right" for result in results)
    still_open = sum(result["outcome"] in ("not attempted", "unreadable") for result in results)
    return QuestionTally(asked, chosen, right, len(results) - sum(chosen.values()) - still_open, still_open)


def choice_of(asked, result):
    """Return the letter that a result's explanation belongs to, "" if it is that of no choice."""
    if result["outcome"] not in ("right", "wrong"):
        return ""
    fits = [letter for letter, choice in asked.lettered.items() if choice.explanation == result["message"]]
    return fits[0] if len(fits) == 1 else ""


def unsolved(tallies):
    """Return the tasks, and questions, that nobody has right, of those that somebody could have."""
    return [
        one
        for one in tallies
        if one.answers and not (one.right if isinstance(one, QuestionTally) else one.outcomes["right"])
    ]


def bins(points, possible, most=11):
    """Return the distribution of points as (lowest, highest, how many) of at most `most` bins of the same width.

    Args:
        points: one number a student.
        possible: points that there are; the bins reach to them, and to what somebody has beyond.
    """
    top = max(possible, *points, 0)
    width = next(step for step in _steps() if top // step < most)
    counts = Counter(one // width for one in points)
    return [(place * width, (place + 1) * width - 1, counts[place]) for place in range(int(top // width) + 1)]


def _steps():
    size = 1
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10


def middle(numbers):
    """Return the median, None of nothing."""
    return statistics.median(numbers) if numbers else None
