"""Which known slips compute exactly this, the fewest first. They are named only if they give what came back, on every
case, and something else than the right answer wherever it was wrong."""

import dataclasses
import re
import warnings
from dataclasses import dataclass

import numpy as np

from grader.building import prepared
from grader.call import Terms, copy_inputs, in_library, returned, run_case
from grader.compare import same
from grader.finishes import FINISHES
from grader.sentences import either, together
from grader.sketches import Sketches
from grader.stages import answer_with, choices, outputs

MOST_COMBINATIONS = {2: 10_000, 3: 4_000}  # of so many slips that are tried; more are not looked for
SIZES_OF_TWO = re.compile(
    r"shapes? \([\d,]*\) (and )?\([\d,]*\)|size \d+ is different from \d+|\(\d+\) must match the size|\d and \d+x\d"
)


@dataclass(frozen=True)
class Diagnosis:
    """What an answer did.

    Attributes:
        name: of the mistake; of several slips "a + b"; of two explanations for one output "a + b | c + d".
        message: what a learner is told.
        same_dtype: False if it explains the numbers, and the dtype differs besides.
    """

    name: str
    message: str
    same_dtype: bool = True


@dataclass(frozen=True)
class Suspect:
    """A mistake, or some slips at once: something that might explain an answer.

    Attributes:
        mistakes: one, or several slips of different stages.
        function: computes it from the inputs.
    """

    mistakes: tuple
    function: object

    @property
    def name(self):
        return " + ".join(mistake.name for mistake in self.mistakes)

    @property
    def message(self):
        return together([mistake.message for mistake in self.mistakes])


def suspect(task, mistakes):
    """Return the `Suspect` for one mistake, or for any number of slips, of a task: for none, all stages gone through
    the right way."""
    if mistakes and mistakes[0] in task.mistakes:
        return Suspect(tuple(mistakes), mistakes[0].compute)
    return Suspect(tuple(mistakes), answer_with(task.stages, task.stage_names, mistakes))


def find_mistake(task, cases_inputs, replies, own=(), computed=None):
    """Return the `Diagnosis` that explains these replies on these inputs, or None.

    Where nothing gives the same on every case, single ones are looked through once more, and where an answer and a
    mistake both raise, the same exception with the same sizes in its text is enough, whatever else stands in the line:
    what one person writes in one line, another writes in three.

    Single mistakes and slips come first, then pairs of slips, then what may happen to any result at the end, alone or
    after one of them, then three slips at once.

    An answer that makes a mistake and also changes the dtype is recognized by its numbers; one whose numbers are right
    at the precision of its dtype makes no mistake but that.

    Args:
        task: the `Task`.
        cases_inputs: the inputs of every case.
        replies: a `Reply` for every case.
        own: packages whose lines are never the answer's.
        computed: keeps what the reference and single mistakes compute on these inputs, by name and case.
    """
    computed = {} if computed is None else computed
    terms = dataclasses.replace(task.terms, own=tuple(own))
    right = [
        kept(computed, ("the reference's reply", case), run_case, task.reference, inputs, terms)
        for case, inputs in enumerate(cases_inputs)
    ]
    for same_dtype in (True, False):
        wrong = [
            i for i, pair in enumerate(zip(replies, right, strict=True)) if not is_same(*pair, same_dtype=same_dtype)
        ]
        if not wrong:
            return None
        explained = _Explained(terms, cases_inputs, replies, right, wrong, same_dtype, computed)
        for suspects in _in_order(task, explained):
            if found := list(suspects):
                return _said(found, same_dtype, raised=replies[wrong[0]].status == "raised")
    if all(reply.status != "raised" for reply in replies):
        return None
    explained = dataclasses.replace(explained, same_line=False)
    suspects = explained.kept("the mistakes", _alone, task)
    found = [one for one in explained.like(suspects) if explained.everywhere(one)]
    return _said(found, False, raised=replies[wrong[0]].status == "raised") if found else None


def kept(computed, key, function, *arguments):
    """Return what a function returns, from what was computed before if it was."""
    if key not in computed:
        computed[key] = function(*arguments)
    return computed[key]


def is_same(reply, computed, *, same_dtype=True, same_line=True):
    """Tell whether two replies are the same: equal arrays, or the same exception from arrays of the same shapes.

    Without `same_line` it is enough that its text has the same sizes of two arrays in it.
    """
    if reply.status != computed.status:
        return False
    if reply.status == "broken":
        return reply.message == computed.message
    if reply.status == "raised":
        return _place(reply, same_line) == _place(computed, same_line)
    if reply.status != "returned" or computed.value is None:
        return (reply.kind, reply.dtype, reply.shape) == (computed.kind, computed.dtype, computed.shape)
    expected = computed.value
    if np.issubdtype(expected.dtype, np.floating) and np.isnan(expected).any():
        return _same_with_nan(reply, expected, same_dtype)
    return same(reply, expected, same_dtype=same_dtype)


@dataclass(frozen=True)
class _Explained:
    """Asks whether what something computes is what came back."""

    terms: Terms
    cases_inputs: list
    replies: list
    right: list
    wrong: list
    same_dtype: bool
    computed: dict
    same_line: bool = True

    def on(self, case, computed):
        if not is_same(self.replies[case], computed, same_dtype=self.same_dtype, same_line=self.same_line):
            return False
        return case not in self.wrong or not is_same(computed, self.right[case], same_dtype=self.same_dtype)

    def size(self, case):
        value = self.replies[case].value
        return 0 if value is None else value.size

    def of(self, suspect, case):
        """Return what a suspect computes on a case; of a single one it is kept, and of none it is the right one."""
        if not suspect.mistakes:
            return self.right[case]
        if len(suspect.mistakes) != 1:
            return run_case(suspect.function, self.cases_inputs[case], self.terms)
        return kept(
            self.computed, (suspect.name, case), run_case, suspect.function, self.cases_inputs[case], self.terms
        )

    def kept(self, key, function, *arguments):
        """Return what does not depend on the answer: computed for the first one that asks for it."""
        return kept(self.computed, key, function, *arguments)

    def like(self, suspects):
        """Return those of the suspects, one mistake each, that may explain the first reply that is wrong."""
        case = self.wrong[0]
        known = self.kept(("each mistake", case), lambda: Sketches((one, self.of(one, case)) for one in suspects))
        return known.like(self.replies[case])

    def everywhere(self, suspect):
        first = self.wrong[0]
        order = [first, *(case for case in range(len(self.replies)) if case != first)]
        return all(self.on(case, self.of(suspect, case)) for case in order)


def _alone(task):
    """Return the suspects of one mistake or slip each."""
    return [suspect(task, (mistake,)) for mistake in (*task.mistakes, *task.slips)]


def _in_order(task, explained):
    """Yield one group of suspects after the other, each the ones that explain everything."""
    mistakes = explained.kept("the mistakes", _alone, task)
    yield (one for one in explained.like(mistakes) if explained.everywhere(one))
    if explained.replies[explained.wrong[0]].value is None:
        return
    yield _slips_at_once(task, 2, explained)
    yield _finished("the reference", [Suspect((), task.reference)], explained)
    yield _finished("the mistakes", mistakes, explained)
    yield _slips_at_once(task, 3, explained)


def _slips_at_once(task, count, explained):
    """Yield the suspects of so many slips at once that explain everything."""
    if not task.stages or choices(task.stages, count) > MOST_COMBINATIONS[count]:
        return
    first = max(explained.wrong, key=lambda case: explained.size(case))  # the more numbers, the fewer fit by chance
    known = explained.kept(
        ("slips at once", count, first), lambda: Sketches(on_inputs(task, explained.cases_inputs[first], count))
    )
    for slips in known.like(explained.replies[first]):
        found = suspect(task, slips)
        if explained.everywhere(found):
            yield found


def _finished(whose, suspects, explained):
    """Yield the first suspect with a finish: what happened at the end to what it computes. One is enough: the sentence
    of a finish speaks of the result alone."""
    first = explained.wrong[0]
    known = explained.kept(("finished", whose, first), lambda: Sketches(_all_finished(suspects, explained, first)))
    for one, finish in known.like(explained.replies[first]):
        if all(
            explained.on(case, _after(finish, explained.of(one, case)))
            for case in (first, *range(len(explained.replies)))
        ):
            yield Suspect((*one.mistakes, finish), None)
            return


def _all_finished(suspects, explained, case):
    """Yield ((suspect, finish), `Reply`) for all that can be recognized on a case."""
    for one in suspects:
        base = explained.of(one, case)
        if not _tells(base) or base.value.shape != explained.right[case].value.shape:
            continue  # what has another shape already is on its way to something else
        for finish in FINISHES:
            yield (one, finish), _after(finish, base)


def _tells(base):
    """Tell whether a finish can be recognized after this: of a constant, or of NaN, too much comes out the same."""
    if base.status != "returned" or base.value is None or base.value.size == 0:
        return False
    constant = base.value.size > 1 and (base.value == base.value.flat[0]).all()
    return not constant and not (base.value.dtype.kind == "f" and np.isnan(base.value).any())


def _after(finish, base):
    """Return the `Reply` for a result to which this happened; the result's own if it does not fit it."""
    if base.status != "returned" or base.value is None:
        return base
    try:
        with np.errstate(all="ignore"):
            return returned(finish.compute(base.value))
    except (TypeError, ValueError, IndexError):
        return base


def on_inputs(task, inputs, count):
    """Yield (slips, what came back as a `Reply`) for every combination of `count` slips that does not raise."""
    given, finish = in_library(copy_inputs(inputs), task.library), None
    if task.build is not None:
        given, finish = prepared(given, task.build, task.skeleton)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for slips, output in outputs(task.stages, given, count):
            try:
                computed = returned(output if finish is None else finish(output))
            except Exception:
                continue
            yield slips, computed


def _said(found, same_dtype, *, raised):
    """Return the `Diagnosis` for suspects that all compute the same."""
    told = found[:2]
    names, message = " | ".join(one.name for one in told), either([one.message for one in told], raised=raised)
    return Diagnosis(names, message, same_dtype)


def _place(reply, same_line):
    """Return what an exception is recognized by: its text, and the arrays in its line, in any order; these do not count
    where the text has the sizes of two arrays in it, and the line need not be the same."""
    if not same_line and SIZES_OF_TWO.search(reply.message):
        return reply.error, reply.message
    return reply.error, reply.message, sorted((one.dtype, one.shape) for one in reply.operands if one.library)


def _same_with_nan(reply, expected, same_dtype):
    """A mistake may compute NaN; an answer makes it if its NaN stand in the same places."""
    value = reply.value
    if value is None or value.shape != expected.shape or value.dtype.kind != "f":
        return False
    if not np.array_equal(np.isnan(value), np.isnan(expected)) or (same_dtype and reply.dtype != str(expected.dtype)):
        return False
    filled = type(reply)(**{**vars(reply), "value": np.nan_to_num(value, nan=0.0, posinf=np.inf, neginf=-np.inf)})
    return same(filled, np.nan_to_num(expected, nan=0.0, posinf=np.inf, neginf=-np.inf), same_dtype=same_dtype)
