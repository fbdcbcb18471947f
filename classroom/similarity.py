"""A hint that two submissions of one exercise share more than chance: never a verdict. Reading them together is.

Winnowing (Schleimer, Wilkerson, Aiken 2003): an answer becomes tokens without names, comments and layout; of its
k-grams a few are kept as fingerprints, the smallest hash of every window, so that every shared run of `RUN` tokens
shares one.
What the exercise itself contains is no sign, and neither is what many in the class wrote.

What is handed in is text here and nothing else: it is neither run nor parsed as Python.
"""

import contextlib
import inspect
import itertools
import json
import keyword
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import blake2b

GRAM = 8  # tokens in one fingerprint
WINDOW = 4  # of so many fingerprints next to each other one is kept
RUN = GRAM + WINDOW - 1  # a shared run of so many tokens is always seen
ENOUGH = 9.0  # fingerprints that two must share and others do not; fewer are chance
LIKENESS = 0.5  # of the shorter one's own work
LARGEST_FILE = 20 * 2**20  # bytes
LONGEST_ANSWER = 10_000  # characters; of more, the beginning is looked at
LONGEST_NOTEBOOK = 30_000  # characters of all its answers
MOST_TOKENS = 1_500  # of an answer
MOST_HINTS = 100
MOST_FRAGMENTS = 5  # shown of a pair
LONGEST_FRAGMENT = 600  # characters

ELSEWHERE = ""  # the cells that answer no task
# Every alternative moves on by one character at least and goes back over none, so the time is that of one reading.
TOKEN = re.compile(
    r"""
    (?P<blank>[^\S\n]+ | \\\n | \#[^\n]*)
  | (?P<line>\n)
  | (?P<text>[A-Za-z]{0,2}(?: \"\"\"(?:[^"\\]|\\.|"(?!""))*+(?:\"\"\")? | '''(?:[^'\\]|\\.|'(?!''))*+(?:''')?
                            | "(?:[^"\\\n]|\\.)*+"? | '(?:[^'\\\n]|\\.)*+'? ))
  | (?P<name>[^\W\d]\w*)
  | (?P<number>\.?\d[\w.]*)
  | (?P<sign>\*\*=? | //=? | >>=? | <<=? | [-+*/%&|^@=!<>:]=? | .)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Shared:
    """A fragment that stands in both, as each wrote it.

    Attributes:
        task: the id of the task whose answer it is part of; "" for a cell that answers none.
        first, second: the text, as it was handed in.
    """

    task: str
    first: str
    second: str


@dataclass(frozen=True)
class Hint:
    """Two submissions that share what few others have. There are many innocent reasons; read both.

    Attributes:
        first, second: whose they are.
        likeness: how much of the shorter one's own work stands in the other: from 0 to 1.
        evidence: how many fingerprints the two share; one that others have as well counts less, down to nothing.
        shared: the longest fragments.
    """

    first: str
    second: str
    likeness: float
    evidence: float
    shared: tuple[Shared, ...]


@dataclass(frozen=True)
class Token:
    text: str  # as it is compared
    start: int  # where it stands in the answer
    end: int


def as_data(hints):
    """Return hints as plain data for a report; whoever shows it escapes it, for the texts are what was handed in."""
    return [{**asdict(hint), "shared": [asdict(one) for one in hint.shared]} for hint in hints]


def hints(submissions: Iterable[tuple[str, bytes]], given=(), ways=()):
    """Return the `Hint`s of one exercise, the strongest first, at most `MOST_HINTS`; none is a usual result.

    Args:
        submissions: pairs (whose, a notebook as bytes), taken one after the other; of what is none nothing is compared.
        given: notebooks whose code is no sign, as bytes: the exercise, and its solution, which whoever is right may
            well write.
        ways: sources that are no sign either: see `ways_of`.
    """
    obvious = [*ways, *(source for data in given for source in answers(data).values())]
    common = {mark for source in obvious for mark, _ in _grams(tokens(source))}
    texts = {whose: answers(data) for whose, data in submissions}
    prints = {
        whose: {task: _prints(source, common) for task, source in by_task.items()} for whose, by_task in texts.items()
    }
    owners = defaultdict(list)
    for whose, by_task in prints.items():
        for mark in {(task, mark) for task, places in by_task.items() for mark in places}:
            owners[mark].append(whose)
    weight = _weights(len(prints))
    evidence, own = defaultdict(float), defaultdict(float)
    for those in owners.values():
        rarity = weight(len(those))
        for whose in those:
            own[whose] += rarity if len(those) > 1 else 1.0
        if rarity:
            for pair in itertools.combinations(those, 2):
                evidence[pair] += rarity
    found = []
    for (first, second), shared in evidence.items():
        likeness = shared / min(own[first], own[second])
        if shared >= ENOUGH and likeness >= LIKENESS:
            found.append(Hint(first, second, round(likeness, 3), round(shared, 2), ()))
    found = sorted(found, key=lambda hint: (-hint.likeness * hint.evidence, hint.first, hint.second))[:MOST_HINTS]
    return tuple(_with_fragments(hint, prints, texts, owners, weight) for hint in found)


def ways_of(chapter):
    """Return the sources of all that the catalogue knows people to write for a chapter's tasks, right and wrong."""
    found = []
    for task in chapter.tasks:
        wrong = [mistake.compute for mistake in (*task.mistakes, *task.slips)]
        stages = [stage.compute for stage in task.stages]
        for function in (task.reference, *task.legal, *task.borrowed, *stages, *wrong):
            with contextlib.suppress(OSError, TypeError):  # made by another function: it has no source of its own
                found.append(inspect.getsource(function))
    return found


def notebook_of(cells):
    """Return the bytes of a notebook of code cells, each given as (the id of what it answers, or ""; its source)."""
    marked = ({"course": {"answer": answer}} if answer else {} for answer, _ in cells)
    code = [{"cell_type": "code", "metadata": of, "source": cell[1]} for of, cell in zip(marked, cells, strict=True)]
    return json.dumps({"cells": code}).encode()


def answers(data):
    """Return {task: source} of a notebook in bytes, with all other code cells under `ELSEWHERE`; {} of what is none."""
    if len(data) > LARGEST_FILE:
        return {}
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError):
        return {}
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    found = defaultdict(list)
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            found[_task_of(cell)].append(_source_of(cell))
    kept, left = {}, LONGEST_NOTEBOOK
    for task in sorted(found, reverse=True):  # cells that answer nothing come last
        kept[task] = "\n".join(found[task])[: min(LONGEST_ANSWER, left)]
        left -= len(kept[task])
    return {task: source for task, source in kept.items() if source}


def tokens(source):
    """Return the `Token`s of a source, in order, without what makes no difference: layout, comments, imports, texts
    that stand alone. Names become one sign, except those behind a dot, which nobody can choose.

    Whatever text it is, it ends and raises nothing: what is no Python is signs like any other.
    """
    line, found, depth = [], [], 0
    for match in itertools.islice(TOKEN.finditer(source[:LONGEST_ANSWER]), 4 * MOST_TOKENS):
        kind, text = match.lastgroup, match[0]
        if kind == "blank":
            continue
        depth = max(0, depth + (text in "([{") - (text in ")]}")) if kind == "sign" else depth
        if (kind == "line" and not depth) or text == ";":
            found += _kept(line)
            line = []
        elif kind != "line":
            behind_dot = bool(line) and line[-1].text == "."
            line.append(Token(_sign(kind, text, behind_dot), match.start(), match.end()))
    return (found + _kept(line))[:MOST_TOKENS]


def _task_of(cell):
    metadata = cell.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    task = course.get("answer") if isinstance(course, dict) else None
    return task if isinstance(task, str) else ELSEWHERE


def _source_of(cell):
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _sign(kind, text, behind_dot):
    if kind == "name" and text not in keyword.kwlist:
        return text if behind_dot else "name"
    return {"text": "text", "number": text}.get(kind, text)


def _kept(line):
    """Return the tokens of a line that tell anything."""
    texts = [token.text for token in line]
    return [] if texts[:1] in (["import"], ["from"]) or set(texts) == {"text"} else line


def _grams(found):
    """Yield (hash, number of the first token) of every k-gram."""
    texts = [token.text for token in found]
    for start in range(len(texts) - GRAM + 1):
        gram = "\0".join(texts[start : start + GRAM]).encode("utf-8", "backslashreplace")
        yield blake2b(gram, digest_size=8).digest(), start


def _prints(source, common):
    """Return {fingerprint: (start, end) in the source where it stands first}: of every window the smallest that is not
    `common`."""
    found = tokens(source)
    grams = [gram for gram in _grams(found) if gram[0] not in common]
    kept = {}
    for first in range(max(1, len(grams) - WINDOW + 1) if grams else 0):
        mark, start = min(grams[first : first + WINDOW], key=lambda gram: (gram[0], -gram[1]))
        kept.setdefault(mark, (found[start].start, found[start + GRAM - 1].end))
    return kept


def _weights(number):
    """Return what a fingerprint counts by how many of the class have it: 1 for two, less for each more, and nothing
    once it is common."""
    limit = min(max(2, number // 10), 20)

    def weight(owners):
        if not 2 <= owners <= limit:
            return 0.0
        return math.log(number / owners) / math.log(number / 2) if number > 2 else 1.0

    return weight


def _with_fragments(hint, prints, texts, owners, weight):
    """Return the hint with the fragments that the two share: fingerprints next to each other, put together."""
    found = []
    for task in prints[hint.first].keys() & prints[hint.second].keys():
        of_first, of_second = prints[hint.first][task], prints[hint.second][task]
        both = [mark for mark in of_first.keys() & of_second.keys() if weight(len(owners[task, mark]))]
        places = sorted((of_first[mark], of_second[mark]) for mark in both)
        for ours, theirs in _joined(places):
            found.append(
                Shared(task, _fragment(texts[hint.first][task], ours), _fragment(texts[hint.second][task], theirs))
            )
    found.sort(key=lambda one: (-len(one.first), one.task, one.first))
    return Hint(hint.first, hint.second, hint.likeness, hint.evidence, tuple(found[:MOST_FRAGMENTS]))


def _joined(places):
    """Return pairs of spans (start, end), those that overlap in both texts put together."""
    joined = []
    for (start, end), (other_start, other_end) in places:
        if joined:
            (a, b), (c, d) = joined[-1]
            if start <= b and other_start <= d and other_end >= c:
                joined[-1] = ((a, max(b, end)), (min(c, other_start), max(d, other_end)))
                continue
        joined.append(((start, end), (other_start, other_end)))
    return joined


def _fragment(source, span):
    """Return the lines in which a span stands, cut where they are long."""
    start = source.rfind("\n", 0, span[0]) + 1
    end = source.find("\n", span[1])
    return source[start : len(source) if end < 0 else end][:LONGEST_FRAGMENT]
