"""How a verdict looks: in a notebook as HTML that reads in light and dark themes, everywhere else as plain text."""

import html
import re
import sys

import numpy as np

from grader.compare import close
from grader.result import Outcome

COLORS = {Outcome.RIGHT: "#009E73", Outcome.NOT_ATTEMPTED: "#888888"}
OTHER_COLOR = "#D55E00"
WORDS = {Outcome.RIGHT: "Right", Outcome.NOT_ATTEMPTED: "Not attempted", Outcome.BORROWED: "Borrowed"}
LARGEST_SHOWN = 8  # rows and columns
LONGEST_SUMMARY = 300  # characters
NUMBERS = "biufc"  # kinds of dtypes


class Shown:
    """Something to show, as HTML and as plain text."""

    def __init__(self, text, markup):
        self.text, self.markup = text, markup

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": self.text, "text/html": self.markup}


def show(shown):
    """Display in a running notebook, print elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(shown)
    else:
        print(shown.text)


def plain(outcome, title, *messages):
    """Return a `Shown` of a title and messages without arrays."""
    return Shown("\n".join([title, *messages]), _box(outcome, title, "".join(map(_paragraph, messages))))


def verdict(result, *, help_line="", note="", traceback=False):
    """Return the `Shown` verdict on a task: what is wrong, and yours beside the expected on the smallest such case.

    Args:
        help_line: how to look closer at that case.
        note: what else there is to say.
    """
    title = f"{result.id}: {WORDS.get(result.outcome, 'Not yet').lower()} ({_points(result)})"
    case = result.shown
    text, markup = [title, result.message], [_paragraph(result.message)]
    if case is not None and case.inputs:
        where = f"Smallest case that is not right: {case.case}. {_summary(case.inputs)}"
        text += ["", where]
        markup += [_paragraph(where)]
    if case is not None and _differs_visibly(case):
        comparison = _side_by_side(case)
        text += comparison.text.splitlines()
        markup += [comparison.markup]
    if case is not None and case.inputs and help_line:
        text += ["", help_line]
        markup += [_paragraph(help_line)]
    if note:
        text += [note]
        markup += [_paragraph(note)]
    if case is not None and traceback and case.traceback:
        text += ["", case.traceback]
        markup += [f"<pre>{html.escape(case.traceback)}</pre>"]
    return Shown("\n".join(text), _box(result.outcome, title, "".join(markup)))


def question(asked, by_hand=""):
    """Return the `Shown` of a question and its choices, and of how to choose where nothing can be clicked."""
    lines, items = [f"{asked.id}: {asked.text}"], []
    for letter, choice in asked.lettered.items():
        lines.append(f"  {letter}) {choice.text}")
        items.append(f"<li style='list-style-type: lower-alpha'>{inline(choice.text)}</li>")
    markup = f"<b>{inline(asked.text)}</b><ol style='margin: 4px 0'>{''.join(items)}</ol>"
    return Shown("\n".join([*lines, *filter(None, [by_hand])]), markup + _paragraph(by_hand) * bool(by_hand))


def explanation(asked, letter, result):
    """Return the `Shown` of what choosing a letter earned, and why; of what to do where none is chosen."""
    if result.outcome is Outcome.NOT_ATTEMPTED:
        return Shown("Not attempted yet.", _box(result.outcome, "", "<i>Not attempted yet.</i>"))
    word = WORDS.get(result.outcome, "Not yet")
    return plain(result.outcome, f"{letter}) {word}." if letter in asked.lettered else f"{word}.", result.message)


def in_short(case):
    """Return what a report shows of a `CaseResult` that is not right, as short texts: "case", its name; "inputs", those
    in one line; "yours" and "expected", each a line that says what it is and rows of numbers, "" where there is nothing
    to compare. Of more than two axes they are the part with the first difference."""
    shown = {"case": case.case, "inputs": _cut(_summary(case.inputs)), "yours": "", "expected": ""}
    if _differs_visibly(case) and case.yours.dtype.kind in NUMBERS:
        compared = _compared(case)
        if compared is None:
            names = ("yours", case.yours), ("expected", case.expected)
            shown |= {name: _cut(f"{name} {array.dtype}, shape {array.shape}") for name, array in names}
        else:
            names, blocks, _ = compared
            texts = ["\n".join([_cut(name), *_aligned(block)]) for name, block in zip(names, blocks, strict=True)]
            shown |= dict(zip(("yours", "expected"), texts, strict=True))
    return shown


def _cut(text):
    return text if len(text) <= LONGEST_SUMMARY else f"{text[: LONGEST_SUMMARY - 1]}…"


def _differs_visibly(case):
    """Tell whether yours and expected differ in shape or numbers (and not in dtype alone)."""
    if case.yours is None or case.expected is None:
        return False
    return (
        not _comparable(case.yours, case.expected) or not close(case.yours, case.expected, str(case.yours.dtype)).all()
    )


def _comparable(yours, expected):
    """Tell whether the two can be compared number by number: same shape, same kind of numbers."""
    return yours.shape == expected.shape and yours.dtype.kind == expected.dtype.kind


def _side_by_side(case):
    """Return yours and expected beside each other; of more than two axes, the part with the first difference."""
    compared = _compared(case)
    if compared is None:
        text = f"yours has shape {case.yours.shape}, expected {case.expected.shape}"
        return Shown(text, _paragraph(text))
    names, blocks, differs = compared
    columns = [[name, *_aligned(block)] for name, block in zip(names, blocks, strict=True)]
    height, width = max(map(len, columns)), max(map(len, columns[0]))
    left, right = ([*column, *[""] * (height - len(column))] for column in columns)
    text = "\n".join(f"  {a:<{width}}    {b}".rstrip() for a, b in zip(left, right, strict=True))
    tables = "".join(
        f"<div style='margin-right: 24px'><div>{html.escape(name)}</div>{_table(block, differs)}</div>"
        for name, block in zip(names, blocks, strict=True)
    )
    return Shown(text, f"<div style='display: flex; flex-wrap: wrap'>{tables}</div>")


def _compared(case):
    """Return (what yours and expected are called, their rows of numbers as texts, which of these differ: None if that
    cannot be said), or None if they are too large to be shown."""
    yours, expected, place = _first_differing_part(case.yours, case.expected)
    if yours.ndim > 2 or expected.ndim > 2 or max(yours.shape + expected.shape, default=0) > 64:
        return None
    decimals = _decimals(yours, expected)
    blocks = [_grid(yours, decimals), _grid(expected, decimals)]
    names = [f"yours{place} {case.yours.dtype}", f"expected{place} {case.expected.dtype}"]
    if case.yours.shape != case.expected.shape:  # [1, 2] and [[1, 2]] look alike
        names = [f"{name}, shape {array.shape}" for name, array in zip(names, (case.yours, case.expected), strict=True)]
    differs = np.atleast_2d(~close(yours, expected)) if _comparable(yours, expected) else None
    return names, blocks, differs


def _first_differing_part(yours, expected):
    if yours.shape != expected.shape or expected.ndim <= 2:
        return yours, expected, ""
    leading = expected.ndim - 2
    wrong = ~close(yours, expected) if _comparable(yours, expected) else np.ones(expected.shape, dtype=bool)
    index = tuple(int(i) for i in np.argwhere(wrong)[0][:leading]) if wrong.any() else (0,) * leading
    return yours[index], expected[index], f"[{', '.join(map(str, index))}]"


def _decimals(yours, expected):
    """Return how many decimals it takes to see the first difference, between 2 and 10."""
    if not _comparable(yours, expected) or expected.dtype.kind != "f":
        return 3
    wrong = ~close(yours, expected)
    if not wrong.any():
        return 3
    mine, right = yours[wrong][0], expected[wrong][0]
    return next((count for count in range(2, 10) if _number(mine, count) != _number(right, count)), 10)


def _grid(array, decimals):
    """Return the array as rows of strings, cut after the largest shown size."""
    rows = np.atleast_2d(array)[: LARGEST_SHOWN + 1, : LARGEST_SHOWN + 1]
    grid = [[_number(number, decimals) for number in row] for row in rows]
    if len(grid) > LARGEST_SHOWN:
        grid[-1] = ["…"] * len(grid[-1])
    return [[*row[:LARGEST_SHOWN], "…"] if len(row) > LARGEST_SHOWN else row for row in grid]


def _number(number, decimals):
    if not isinstance(number, np.floating):
        return str(number)
    large = np.isfinite(number) and abs(number) >= 1e6
    return f"{number:.3g}" if large else f"{number:.{decimals}f}"


def _aligned(grid):
    width = max((len(cell) for row in grid for cell in row), default=0)
    return [" ".join(f"{cell:>{width}}" for cell in row) for row in grid]


def _table(grid, differs):
    def cell(row, column, text):
        marked = differs is not None and row < differs.shape[0] and column < differs.shape[1] and differs[row, column]
        style = f"font-weight: bold; color: {OTHER_COLOR}; " if marked else ""
        return (
            f"<td style='{style}text-align: right; padding: 1px 6px; font-family: monospace'>{html.escape(text)}</td>"
        )

    rows = "".join(f"<tr>{''.join(cell(r, c, text) for c, text in enumerate(row))}</tr>" for r, row in enumerate(grid))
    return f"<table style='margin: 4px 0'>{rows}</table>"


def _summary(inputs):
    """Return the inputs as one line: shapes, and the values of numbers and of a few integers."""
    parts = []
    for name, value in inputs.items():
        if isinstance(value, np.ndarray) and (value.dtype.kind not in "iu" or value.size > 8):
            parts.append(f"{name} {value.shape}")
        else:
            parts.append(f"{name}={value.tolist() if isinstance(value, np.ndarray) else value}")
    return ", ".join(parts)


def _points(result):
    if result.optional:
        return "optional: earns no points"
    return f"{result.points} of {result.worth} point{'s' * (result.worth != 1)}"


def _box(outcome, title, body):
    color = COLORS.get(outcome, OTHER_COLOR)
    return f"<div style='border-left: 4px solid {color}; padding: 2px 12px'><b>{inline(title)}</b>{body}</div>"


def _paragraph(text):
    return f"<p style='margin: 4px 0'>{inline(text)}</p>"


def inline(text):
    """Return text as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
