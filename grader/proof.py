"""The proof of the grader: for every task, each mistake is rejected with its own message and every legal way passes."""

import copy
import itertools
from dataclasses import dataclass

import numpy as np

from grader import catalogue
from grader.diagnose import is_same
from grader.judge import expected_output, judge_function
from grader.notebook import SEED
from grader.result import Outcome
from grader.worker import in_library, run_case

SEEDS = (SEED, 1, 2)  # what check() draws, and two that a lecturer might
LEAST_MISTAKES, LEAST_LEGAL, LEAST_CASES, LEAST_HINTS = 5, 3, 3, 3


@dataclass(frozen=True)
class Row:
    """One line of the table: what was tried on a task, what became of it, and whether that is as it should be."""

    task: str
    kind: str
    name: str
    outcome: str
    holds: bool


def prove_task(task):
    """Return the rows of the table for one task."""
    return [
        *_attempts(task),
        *(Row(task.id, "rule", name, "held" if holds else "BROKEN", holds) for name, holds in _rules(task)),
    ]


def prove_question(question):
    """Return the rows of the table for one question: one right choice, each with an explanation of its own."""
    explanations = [choice.explanation for choice in question.choices]
    rules = {
        "exactly one choice is right": sum(choice.right for choice in question.choices) == 1,
        "three choices or more": len(question.choices) >= 3,
        "every choice has its own explanation": len(set(explanations)) == len(explanations) and all(explanations),
    }
    return [Row(question.id, "rule", name, "held" if holds else "BROKEN", holds) for name, holds in rules.items()]


def prove_all():
    """Return the rows for the whole catalogue."""
    rows = [row for chapter in catalogue.CHAPTERS for task in chapter.tasks for row in prove_task(task)]
    return rows + [
        row for chapter in catalogue.CHAPTERS for asked in chapter.questions for row in prove_question(asked)
    ]


def table(rows):
    """Return the table as text: every attempt, and of the rules a count and those that are broken."""
    lines, rules = [], [row for row in rows if row.kind == "rule"]
    width = max(len(row.name) for row in rows)
    for task_id, of_task in itertools.groupby((row for row in rows if row.kind != "rule"), key=lambda row: row.task):
        lines += ["", task_id]
        lines += [
            f"  {row.kind:<8} {row.name:<{width}} {row.outcome:<28} {'ok' if row.holds else 'SLIPPED'}"
            for row in of_task
        ]
    lines += ["", *(f"{row.task}: {row.name}: {row.outcome}" for row in rules if not row.holds)]
    attempts = [row for row in rows if row.kind != "rule"]
    held = sum(row.holds for row in rows)
    lines.append(
        f"{len({row.task for row in attempts})} tasks, {sum(row.kind == 'mistake' for row in rows)} mistakes, "
        f"{sum(row.kind == 'legal' for row in rows)} legal ways, {len(rules)} rules: {held} of {len(rows)} hold."
    )
    return "\n".join(lines)


def _attempts(task):
    for mistake in task.mistakes:
        results = [judge_function(task, mistake.compute, seed) for seed in SEEDS]
        named = all(result.mistake == mistake.name and result.message.endswith(mistake.message) for result in results)
        rejected = all(result.outcome in (Outcome.WRONG, Outcome.RAISED) for result in results)
        outcome = "named" if named else f"NOT NAMED ({results[0].mistake or results[0].outcome.value})"
        yield Row(
            task.id, "mistake", mistake.name, f"{outcome}, {results[0].points}/{task.points} points", named and rejected
        )
    for way in task.legal:
        results = [judge_function(task, way, seed) for seed in SEEDS]
        wrong = next((result for result in results if result.outcome is not Outcome.RIGHT), None)
        yield Row(task.id, "legal", way.__name__, "passes" if wrong is None else wrong.message, wrong is None)
    for way in task.borrowed:
        result = judge_function(task, way, SEED)
        yield Row(
            task.id, "borrowed", way.__name__, "recognised", result.outcome is Outcome.BORROWED and result.points == 0
        )
    for way, outcome, told in ((_untouched, Outcome.NOT_ATTEMPTED, "..."), (_raises, Outcome.RAISED, "marmalade")):
        result = judge_function(task, way, SEED)
        yield Row(
            task.id, "outcome", way.__name__.strip("_"), "told", result.outcome is outcome and told in result.message
        )
    nothing = judge_function(task, lambda *_: None, SEED)
    yield Row(
        task.id, "outcome", "returns None", "told", nothing.outcome is Outcome.WRONG and "return" in nothing.message
    )
    if any(isinstance(value, np.ndarray) for value in task.inputs(task.cases[0], SEED).values()):
        changed = judge_function(task, _writing_into_its_inputs(task), SEED)
        yield Row(
            task.id, "outcome", "changes its inputs", "told", "in place" in changed.message and changed.points == 0
        )


def _untouched(*_):
    return ...


def _raises(*_):
    raise ValueError("marmalade")


def _writing_into_its_inputs(task):
    def right_but_writing(*inputs):
        output = copy.deepcopy(task.legal[0](*inputs))
        for value in inputs:
            if hasattr(value, "ndim"):
                value[...] = 0 if value.any() else 1
        return output

    return right_but_writing


def _rules(task):
    """Yield (rule, whether it holds) for what the task's own parts must be."""
    ordinary = [case for case in task.cases if case.draw is None]
    cases_inputs = [task.inputs(case, SEED) for case in task.cases]
    outputs = [
        [run_case(mistake.compute, inputs, library=task.library) for inputs in cases_inputs]
        for mistake in task.mistakes
    ]
    right = [run_case(task.reference, inputs, library=task.library) for inputs in cases_inputs]
    messages = [mistake.message for mistake in task.mistakes]
    yield f"at least {LEAST_MISTAKES} mistakes", len(task.mistakes) >= LEAST_MISTAKES
    yield f"at least {LEAST_LEGAL} legal ways", len(task.legal) >= LEAST_LEGAL
    yield f"at least {LEAST_CASES} cases", len(task.cases) >= LEAST_CASES
    yield f"at least {LEAST_HINTS} hints", len(task.hints) >= LEAST_HINTS
    yield "difficulty 1 to 3, minutes named", task.difficulty in (1, 2, 3) and task.minutes > 0
    yield "every mistake has a message of its own", all(messages) and len(set(messages)) == len(messages)
    yield (
        "no two mistakes share all their outputs",
        not any(all(map(is_same, first, second)) for first, second in itertools.combinations(outputs, 2)),
    )
    yield (
        "every case catches a mistake",
        all(any(not is_same(wrong[i], right[i]) for wrong in outputs) for i in range(len(task.cases))),
    )
    yield "all sizes of a case differ", all(len(set(case.sizes.values())) == len(case.sizes) for case in ordinary)
    yield "several sizes", len({tuple(case.sizes.values()) for case in ordinary}) >= 2
    yield (
        "the reference leaves its inputs alone",
        all(
            np.array_equal(inputs[name], after)
            for inputs, reply in zip(cases_inputs, right, strict=True)
            for name, after in reply.after.items()
        ),
    )
    if task.weights is not None:
        regime = [
            _is_informative(np.asarray(task.weights(*in_library(task.inputs(case, seed), task.library).values())))
            for case in ordinary
            for seed in SEEDS
        ]
        yield "softmax neither one-hot nor uniform", all(regime)
    for prop in task.properties:
        broken = any(
            reply.value is not None
            and reply.value.shape == answer.value.shape
            and reply.value.dtype.kind == answer.value.dtype.kind
            and not prop.holds(inputs, reply.value)
            for wrong in outputs
            for inputs, reply, answer in zip(cases_inputs, wrong, right, strict=True)
        )
        holds = all(prop.holds(inputs, expected_output(task, inputs)) for inputs in cases_inputs)
        yield f"property {prop.holds.__name__} holds for the reference and breaks for a mistake", broken and holds


def _is_informative(weights):
    """Tell whether the typical row has a clear favorite that does not take everything."""
    allowed = np.count_nonzero(weights, axis=-1)
    rows = allowed > 1
    largest = weights.max(axis=-1)[rows]
    return rows.any() and bool(np.median(largest * allowed[rows]) > 1.2 and np.median(largest) < 0.95)
