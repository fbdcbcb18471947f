"""`predict`: a guess that is made before the result; `reveal`: the result, beside it."""

import math
import re
from dataclasses import dataclass

from course_lib.controls import Control, in_page
from grader import display
from grader.result import Outcome
from workbook import record

NOTED = "Noted. You may change it until you run the next cell."
BEFORE = "Your guess so far. You may change it until you run the next cell."
RIGHT, NOT_THIS_TIME = "You guessed it.", "Not this time."
BY_HAND = 'Run this cell to guess. No controls then? Say it in a cell of your own: my_guess("{id}", {example}).'
_guesses = {}  # of this notebook, by id


def predict(id, choices=None, *, number=None, within=0.1, rows=None, columns=None):
    """Let the reader commit to a guess in a control of the page, which `reveal` then compares with the result.

    Exactly one kind of guess is asked for: one of `choices`, a `number`, or a cell of a matrix.

    Args:
        id: of this guess, such as "01.louder_key".
        choices: what there is to choose from, a list of values or a dictionary from what is shown to the value.
        number: the unit of a number, "" if it has none.
        within: how far off a number may be and still count, as a part of the result.
        rows, columns: the names of the rows and columns of a matrix of which a cell is asked for.
    """
    if choices is not None:
        form = _Choices(tuple((choices if isinstance(choices, dict) else {str(c): c for c in choices}).items()))
    elif number is not None:
        form = _Number(number, within)
    else:
        form = _Cell(tuple(map(str, rows)), tuple(map(str, columns)))
    before = _guesses.get(id)
    _guesses[id] = guess = _Guess(id, form)
    guess.show(before.said if before is not None and before.is_open else None)


def reveal(id, result):
    """Show the result of what `predict` asked, beside the reader's guess if there is one.

    Args:
        id: of the guess.
        result: the value that came out; of a matrix (row, column), or a list of them if several are right.
    """
    result = result.item() if hasattr(result, "item") else result  # of NumPy's and PyTorch's numbers
    if id in _guesses:
        _guesses[id].reveal(result)
    else:
        display.show(display.plain(Outcome.NOT_ATTEMPTED, f"It is {_formatted(result)}."))


def my_guess(id, said):
    """Make a guess where there are no controls: `my_guess("01.louder_key", "b")`, or a number, or (row, column)."""
    guess = _guesses.get(id)
    if guess is None:
        sentence = f"Nothing has asked for a guess {id!r} yet: run the cell of that guess first."
    else:
        sentence = guess.take(said) or f"Your guess: {guess.form.words(guess.said)}."
    display.show(display.plain(Outcome.NOT_ATTEMPTED, sentence))


class _Guess:
    """A guess of the reader's: open, made, or revealed."""

    def __init__(self, id, form):
        self.id, self.form = id, form
        self.said, self.is_open, self._control = None, True, None

    def show(self, said):
        """Display the control, with the guess in it that was made before if there was one."""
        earlier = [event.get("said") for event in record.since_reset("guess", self.id)]
        before = earlier[-1] if said is None and earlier else said
        if self.form.is_one(before):
            self.said = before
        by_hand = BY_HAND.format(id=self.id, example=self.form.example)
        if not in_page():
            print("\n".join([*self.form.asked, by_hand]))
            return
        note = "" if self.said is None else BEFORE
        self._control = Control({**self.form.drawing, "chosen": self.said, "note": note}, self._on_value)
        shown = display.plain(Outcome.NOT_ATTEMPTED, "Your guess?", *self.form.lines, by_hand)
        self._control.display("\n".join([*self.form.asked, by_hand]), shown.markup)

    def reveal(self, result):
        """Show the result, beside the guess if there is one; note both the first time."""
        came = self.form.result_in_words(result)
        if self.said is None:
            display.show(display.plain(Outcome.NOT_ATTEMPTED, f"It is {came}."))
        else:
            guessed_it = self.form.hits(self.said, result)
            outcome = Outcome.RIGHT if guessed_it else Outcome.WRONG
            sentence = f"You guessed {self.form.words(self.said)}. It is {came}."
            display.show(display.plain(outcome, RIGHT if guessed_it else NOT_THIS_TIME, sentence))
            if self.is_open:
                record.note("guess", self.id, said=self.said, right=guessed_it)
        self.is_open = False
        if self._control is not None:
            right = self.form.right(result)
            self._control.redraw(locked=True, revealed=True, right=right, chosen=self.said, note="")

    def take(self, value):
        """Take a guess; return what is wrong with it, or ""."""
        if not self.is_open:
            return "The result is out. To guess again, run the cell of the guess again."
        said = self.form.read(value)
        if said is None:
            return self.form.problem
        self.said = said
        return ""

    def _on_value(self, value):
        problem = self.take(value)
        self._control.redraw(chosen=value if problem else self.said, note=problem or NOTED)


@dataclass(frozen=True)
class _Choices:
    """One of a few; said by its letter."""

    items: tuple[tuple[str, object], ...]
    problem: str = "That is none of the choices: give its letter."

    @property
    def lettered(self):
        return dict(zip("abcdefgh", self.items, strict=False))

    @property
    def lines(self):
        return [f"{letter}) {shown}" for letter, (shown, _) in self.lettered.items()]

    @property
    def asked(self):
        return ["Your guess?", *(f"  {line}" for line in self.lines)]

    @property
    def example(self):
        return '"a"'

    @property
    def drawing(self):
        choices = [{"key": letter, "html": display.inline(shown)} for letter, (shown, _) in self.lettered.items()]
        return {"kind": "choices", "label": "Your guess?", "choices": choices}

    def read(self, said):
        said = str(said).strip()
        by_words = {shown: letter for letter, (shown, _) in self.lettered.items()}
        letter = by_words.get(said, said.lower())
        return letter if letter in self.lettered else None

    def is_one(self, said):
        return said in self.lettered

    def words(self, said):
        return self.lettered[said][0]

    def right(self, result):
        return [letter for letter, (_, value) in self.lettered.items() if _same(value, result)]

    def result_in_words(self, result):
        letters = self.right(result)
        return self.words(letters[0]) if letters else _formatted(result)

    def hits(self, said, result):
        return said in self.right(result)


@dataclass(frozen=True)
class _Number:
    """A number; said as the reader wrote it."""

    unit: str
    within: float
    problem: str = "That is no number yet: write it like 12, 0.25, 1/4 or 25 %."

    @property
    def lines(self):
        return [f"a number{self.unit and f': ... {self.unit}'}"]

    @property
    def asked(self):
        return [f"Your guess? {self.lines[0]}"]

    @property
    def example(self):
        return "12"

    @property
    def drawing(self):
        unit = display.inline(self.unit)
        return {
            "kind": "number",
            "label": "Your guess:",
            "plain": f"Your guess: {self.unit or 'a number'}",
            "unit": unit,
        }

    def read(self, said):
        said = str(said).strip()
        return said if number_in(said) is not None else None

    def is_one(self, said):
        return isinstance(said, str) and number_in(said) is not None

    def words(self, said):
        return " ".join([said, self.unit]).strip()

    def right(self, result):
        return []

    def result_in_words(self, result):
        return " ".join([_formatted(result), self.unit]).strip()

    def hits(self, said, result):
        return abs(number_in(said) - float(result)) <= self.within * abs(float(result)) + 1e-12


@dataclass(frozen=True)
class _Cell:
    """A cell of a matrix; said as [row, column]."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    problem: str = "That is no cell of it: give (row, column), each counted from 0."

    @property
    def lines(self):
        return [f"a cell: one of the rows {', '.join(self.rows)} and one of the columns {', '.join(self.columns)}"]

    @property
    def asked(self):
        return [f"Your guess? {self.lines[0]}, counted from 0"]

    @property
    def example(self):
        return "(0, 1)"

    @property
    def drawing(self):
        label = "Your guess? Choose a cell."
        return {"kind": "grid", "label": label, "plain": label, "rows": self.rows, "columns": self.columns}

    def read(self, said):
        try:
            row, column = (int(number) for number in said)
        except (TypeError, ValueError):
            return None
        return [row, column] if self.is_one([row, column]) else None

    def is_one(self, said):
        try:
            row, column = said
            return 0 <= row < len(self.rows) and 0 <= column < len(self.columns)
        except (TypeError, ValueError):
            return False

    def words(self, said):
        return f"row {self.rows[said[0]]}, column {self.columns[said[1]]}"

    def right(self, result):
        cells = result if isinstance(result, list) else [result]
        return [[int(row), int(column)] for row, column in cells]

    def result_in_words(self, result):
        return " or ".join(map(self.words, self.right(result)))

    def hits(self, said, result):
        return list(said) in self.right(result)


NUMBER = re.compile(r"([-+\u2212]?\d*[.,]?\d+(?:e[-+]?\d+)?)(?:\s*/\s*(\d*[.,]?\d+))?\s*(%|percent)?", re.IGNORECASE)


def number_in(text):
    """Return the number that a reader wrote: "12", "0,25", "1/4", "25 %"; None if it is none."""
    found = NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    top, bottom, percent = found.groups()
    value = float(top.replace(",", ".").replace("\u2212", "-"))
    divisor = float(bottom.replace(",", ".")) if bottom else 1.0
    return None if divisor == 0 else value / divisor / (100 if percent else 1)


def _same(value, result):
    """Tell whether a choice is what came out; numbers may differ by rounding."""
    try:
        return math.isclose(value, result, rel_tol=1e-6, abs_tol=1e-9)
    except TypeError:
        return bool(value == result)


def _formatted(result):
    return f"{float(result):.4g}".replace("-", "\u2212") if isinstance(result, float) else str(result)
