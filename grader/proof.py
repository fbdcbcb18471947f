"""The proof of the grader: for every task, each mistake is rejected with its own message and every legal way passes."""

import collections
import concurrent.futures
import copy
import functools
import itertools
import json
import multiprocessing
import os
from dataclasses import dataclass

import numpy as np

from grader.call import in_library, in_process, run_case
from grader.catalogue import load_catalogue
from grader.diagnose import is_same, suspect
from grader.judge import expected_output, judge_function, tries
from grader.pairs import alike, most_telling_first, pairs_of, right_pairs
from grader.probing import run_probe
from grader.result import Outcome

OTHER_SEEDS = (1, 2)  # what a lecturer might draw, besides what check() draws: everything is judged on them
MANY_SEEDS = range(100, 125)  # no draw of these may turn a verdict
SOME_SEEDS = MANY_SEEDS[::5]  # nor may one of these make two slips right
JUDGED_PAIRS = 30  # of a task that go through the whole judge; all of them are told apart by what they compute
JUDGED_PAIRS_OF_MODULES = 8  # where every run builds a module


@dataclass(frozen=True)
class Row:
    """One line of the table: what was tried on a task, what became of it, and whether that is as it should be."""

    task: str
    kind: str
    name: str
    outcome: str
    holds: bool


def prove_task(task, seed, rules=()):
    """Return the rows of the table for one task.

    Args:
        task: the `Task`.
        seed: what a check in a notebook draws its inputs from.
        rules: what else the catalogue asks of a task.
    """
    held = [*_rules(task, seed), *(pair for rule in rules for pair in rule(task))]
    return [
        *_attempts(task, seed),
        *(Row(task.id, "rule", name, "held" if holds else "BROKEN", bool(holds)) for name, holds in held),
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


def prove_all(place):
    """Return the rows for a whole catalogue, its tasks spread over the processor's cores.

    Args:
        place: where the catalogue is, as for `load_catalogue`.
    """
    catalogue = load_catalogue(place)
    chapters = catalogue.chapters
    ids = [task.id for chapter in chapters for task in chapter.tasks]
    prove_one = functools.partial(_prove_one, place)
    workers = min(len(ids), os.cpu_count() or 1)
    if workers > 1:
        processes = multiprocessing.get_context("spawn")  # a fork of a process with PyTorch's threads may hang
        with concurrent.futures.ProcessPoolExecutor(workers, processes) as pool:
            of_tasks = list(pool.map(prove_one, ids))
    else:
        of_tasks = list(map(prove_one, ids))
    return [
        *itertools.chain.from_iterable(of_tasks),
        *(row for chapter in chapters for asked in chapter.questions for row in prove_question(asked)),
    ]


def _prove_one(place, task_id):
    catalogue = load_catalogue(place)
    return prove_task(catalogue.task(task_id), catalogue.seed, catalogue.rules)


def table(rows):
    """Return the table as text: every attempt, and of the rules a count and those that are broken."""
    lines, rules = [], [row for row in rows if row.kind == "rule"]
    width = max((len(row.name) for row in rows if row.kind != "rule"), default=0)
    for task_id, of_task in itertools.groupby((row for row in rows if row.kind != "rule"), key=lambda row: row.task):
        lines += ["", task_id]
        lines += [
            f"  {row.kind:<8} {row.name:<{width}} {row.outcome:<28} {'ok' if row.holds else 'SLIPPED'}"
            for row in of_task
        ]
    lines += ["", *(f"{row.task}: {row.name}: {row.outcome}" for row in rules if not row.holds)]
    held = sum(row.holds for row in rows)
    lines += [*_summary(rows), "", f"{len(rules)} rules; {held} of {len(rows)} rows hold."]
    return "\n".join(lines)


def _summary(rows):
    """Return the lines of a small table: for each task how much of everything there is."""
    kinds = ("slip", "mistake", "pairs", "probe", "legal")
    ids = dict.fromkeys(row.task for row in rows if row.kind in ("slip", "mistake", "legal", "outcome"))
    cells = [["task", "slips", "mistakes", "pairs told", "probes", "legal ways"]]
    totals = collections.Counter()
    for task_id in ids:
        of_task = [row for row in rows if row.task == task_id]
        counts = collections.Counter(row.kind for row in of_task)
        pairs = next((row.name.removesuffix(" told") for row in of_task if row.kind == "pairs"), "")
        totals.update(counts)
        cells.append([task_id, *(pairs if kind == "pairs" else str(counts[kind]) for kind in kinds)])
    if len(ids) > 1:
        told = [cell[3].split(" of ") for cell in cells[1:] if cell[3]]
        pairs = f"{sum(int(a) for a, _ in told)} of {sum(int(b) for _, b in told)}"
        tasks = f"{len(ids)} tasks"
        cells.append([tasks, *(pairs if kind == "pairs" else str(totals[kind]) for kind in kinds)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" if not place else f"{cell:>{width}}" for place, (cell, width) in line)
        for line in (list(enumerate(zip(row, widths, strict=True))) for row in cells)
    ]


def _attempts(task, seed):
    seeds = (seed, *OTHER_SEEDS)
    computed = {seed: {} for seed in seeds}  # what the mistakes compute, once for all that are judged

    def judged(mistakes, seed):
        return judge_function(task, suspect(task, mistakes).function, seed, computed=computed[seed])

    for mistake in (*task.mistakes, *task.slips):
        results = [judged((mistake,), seed) for seed in seeds]
        named = all(result.mistake == mistake.name and result.message.endswith(mistake.message) for result in results)
        rejected = all(result.outcome in (Outcome.WRONG, Outcome.RAISED) for result in results)
        outcome = "named" if named else f"NOT NAMED ({results[0].mistake or results[0].outcome.value})"
        yield Row(
            task.id,
            "mistake" if mistake in task.mistakes else "slip",
            mistake.name,
            f"{outcome}, {results[0].points}/{task.points} points",
            named and rejected,
        )
    yield from _pairs(task, seed, judged)
    yield from _probes(task, seed)
    for way in task.legal:
        results = [judge_function(task, way, seed) for seed in seeds]
        wrong = next((result for result in results if result.outcome is not Outcome.RIGHT), None)
        yield Row(task.id, "legal", way.__name__, "passes" if wrong is None else wrong.message, wrong is None)
    for way in task.borrowed:
        result = judge_function(task, way, seed)
        yield Row(
            task.id, "borrowed", way.__name__, "recognised", result.outcome is Outcome.BORROWED and result.points == 0
        )
    for way, outcome, told in ((_untouched, Outcome.NOT_ATTEMPTED, "..."), (_raises, Outcome.RAISED, "marmalade")):
        result = judge_function(task, way, seed)
        yield Row(
            task.id, "outcome", way.__name__.strip("_"), "told", result.outcome is outcome and told in result.message
        )
    nothing = judge_function(task, lambda *_: None, seed)
    yield Row(
        task.id, "outcome", "returns None", "told", nothing.outcome is Outcome.WRONG and "return" in nothing.message
    )
    if _arrays(task.inputs(task.cases[0], seed)) and not (task.build is not None and task.build.factory):
        changed = judge_function(task, _writing_into_its_inputs(task), seed)
        yield Row(
            task.id, "outcome", "changes its inputs", "told", "in place" in changed.message and changed.points == 0
        )


def _pairs(task, seed, judged):
    """Yield a row that counts what becomes of the pairs of slips, and one for each that is not as it should be."""
    if not task.stages:
        return
    pairs = pairs_of(task, seed)
    for pair in pairs:
        if pair.fate == "right" and pair.name not in task.cancelling:
            yield Row(task.id, "pair", pair.name, "gives the right output", False)
        if pair.fate == "coincides" and task.coincidences.get(pair.name) != pair.with_:
            yield Row(task.id, "pair", pair.name, f"gives the output of {pair.with_}", False)
    stale = {*task.cancelling, *task.coincidences} - {p.name for p in pairs if p.fate in ("right", "coincides")}
    for name in sorted(stale):
        yield Row(task.id, "pair", name, "is listed, and is no such pair", False)
    by_name = {slip.name: slip for slip in task.slips}
    to_tell = [pair for pair in pairs if pair.fate in ("told", "shared")]
    judged_pairs = JUDGED_PAIRS if task.build is None else JUDGED_PAIRS_OF_MODULES
    for pair in to_tell[:: 1 + len(to_tell) // judged_pairs]:
        slips = [by_name[name] for name in pair.name.split(" + ")]
        result = judged(tuple(slips), seed)
        told = all(slip.message in result.message for slip in slips)
        if result.outcome is not Outcome.WRONG or (pair.fate == "told" and not told) or not result.mistake:
            yield Row(task.id, "pair", pair.name, f"NOT NAMED ({result.mistake or result.outcome.value})", False)
    counts = collections.Counter(pair.fate for pair in pairs)
    told = counts["told"] + counts["shared"]
    rest = ", ".join(f"{counts[fate]} {fate}" for fate in ("hidden", "coincides", "right", "raises") if counts[fate])
    yield Row(task.id, "pairs", f"{told} of {len(pairs)} told", rest or "all", True)


def _probes(task, seed):
    """Yield a row for every probe: it is silent on what is right, and speaks of some slip or mistake."""
    for probe in task.probes:
        silent = all(
            run_probe(task, probe, any_seed, in_process(way, task.terms)) is None
            for way in (task.reference, *task.legal)
            for any_seed in (seed, *OTHER_SEEDS)
        )
        said = [
            mistake.name
            for mistake in (*task.mistakes, *task.slips)
            if run_probe(task, probe, seed, in_process(suspect(task, (mistake,)).function, task.terms))
        ]
        outcome = f"sees {len(said)}" if silent else "SPEAKS OF A RIGHT ANSWER"
        yield Row(task.id, "probe", probe.name, outcome, silent and bool(said))


def _untouched(*_):
    return ...


def _raises(*_):
    raise ValueError("marmalade")


def _writing_into_its_inputs(task):
    right = task.legal[0]

    def write(inputs):
        for value in inputs:
            if hasattr(value, "ndim"):
                value[...] = 0 if value.any() else 1

    def right_but_writing(*inputs):
        output = copy.deepcopy(right(*inputs))
        write(inputs)
        return output

    if not isinstance(right, type):
        return right_but_writing

    class RightButWriting(right):
        def forward(self, *inputs):
            output = super().forward(*inputs).detach().clone()
            write(inputs)
            return output

    return RightButWriting


def _rules(task, seed):
    """Yield (rule, whether it holds) for what the task's own parts must be."""
    ordinary = [case for case in task.cases if case.draw is None]
    _, cases_inputs = tries(task, seed)
    terms = task.terms
    mistakes = (*task.mistakes, *task.slips)
    functions = [suspect(task, (mistake,)).function for mistake in mistakes]
    outputs = [[run_case(function, inputs, terms) for inputs in cases_inputs] for function in functions]
    right = [run_case(task.reference, inputs, terms) for inputs in cases_inputs]
    messages = [mistake.message for mistake in mistakes]
    names = [mistake.name for mistake in mistakes]
    yield "every mistake has a name of its own", len(set(names)) == len(names)
    yield "every mistake has a message of its own", all(messages) and len(set(messages)) == len(messages)
    yield (
        "no two mistakes share all their outputs",
        not any(all(map(is_same, first, second)) for first, second in itertools.combinations(outputs, 2)),
    )
    yield (
        "every case catches a mistake",
        all(any(not is_same(wrong[i], right[i]) for wrong in outputs) for i in range(len(task.cases))),
    )
    yield "the reference leaves its inputs alone", _left_alone(cases_inputs, right)
    yield "inputs cross to a child as they are", all(map(_crosses, cases_inputs))
    yield (
        "some case is drawn anew once more at the end",
        len(cases_inputs) > len(task.cases) or not any(map(_arrays, cases_inputs)),
    )
    if task.stages:
        through = [run_case(suspect(task, ()).function, inputs, terms) for inputs in cases_inputs]
        yield "the stages, gone through the right way, give the reference", all(map(is_same, through, right))
        yield (
            "the stages and their slips leave the inputs alone",
            all(_left_alone(cases_inputs, each) for each in outputs),
        )
    turned = collections.defaultdict(list)
    for name, any_seed in _turned(task, functions, names):
        turned[name].append(any_seed)
    for name, seeds in turned.items():
        yield f"{name} (seeds {', '.join(map(str, seeds))})", False
    for drawn in task.drawn:
        held = [
            drawn.holds(*in_library(task.inputs(case, any_seed), task.library).values())
            for case in ordinary
            for any_seed in (seed, *OTHER_SEEDS)
        ]
        yield drawn.name, all(held)
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


def _left_alone(cases_inputs, replies):
    return all(
        after is not None and np.array_equal(inputs[name], after, equal_nan=after.dtype.kind == "f")
        for inputs, reply in zip(cases_inputs, replies, strict=True)
        for name, after in reply.after.items()
    )


def _turned(task, functions, names):
    """Yield (what turned, seed) for draws on which a mistake is right, two are one, or a legal way is wrong."""
    terms = task.terms
    for seed in MANY_SEEDS:
        _, cases_inputs = tries(task, seed)
        right = [run_case(task.reference, inputs, terms) for inputs in cases_inputs]
        for one, other in _alike_throughout(task, dict(zip(names, functions, strict=True)), cases_inputs, right):
            yield f"{one} is right" if other is None else f"{one} and {other} give the same", seed
        for way in task.legal:
            if not all(
                is_same(run_case(way, inputs, terms), reply) for inputs, reply in zip(cases_inputs, right, strict=True)
            ):
                yield f"{way.__name__} is wrong", seed
        for name in right_pairs(task, seed) if task.stages and seed in SOME_SEEDS else ():
            if name not in task.cancelling:
                yield f"{name} give the right output", seed


def _alike_throughout(task, functions, cases_inputs, right):
    """Yield (name, other) for functions that give the same on every case; (name, None) for one that is right.

    A case is run only for those that no case before it has told apart: one is enough for most.
    """
    together = [(one, other) for one, other in itertools.combinations(functions, 2)]
    together += [(name, None) for name in functions]
    for case in most_telling_first(task, right):
        wanted = {name for pair in together for name in pair if name is not None}
        replies = {name: [run_case(functions[name], cases_inputs[case], task.terms)] for name in wanted}
        same = alike(replies)
        together = [
            (one, other)
            for one, other in together
            if (is_same(replies[one][0], right[case]) if other is None else other in same.get(one, ()))
        ]
        if not together:
            return
    yield from together


def _arrays(inputs):
    return [name for name, value in inputs.items() if isinstance(value, np.ndarray)]


def _crosses(inputs):
    """Tell whether the plain inputs are what JSON makes of them: a check in a notebook hands over the same."""
    plain = {name: value for name, value in inputs.items() if not isinstance(value, np.ndarray)}
    try:
        crossed = json.loads(json.dumps(plain))
    except (TypeError, ValueError):
        return False
    return crossed == plain and all(type(crossed[name]) is type(plain[name]) for name in plain)
