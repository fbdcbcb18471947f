"""`predict`: a guess that is made before the result, and then stands beside it."""

import math
import re
from dataclasses import dataclass

from course_lib.controls import Control, in_page
from grader import display
from grader.result import Outcome
from workbook import record

BEFORE = "Your guess so far. You may change it until you run the next cell."
NOTED = "Noted. You may change it until you run the next cell."
RIGHT, NOT_THIS_TIME = "You guessed it.", "Not this time."
_open = {}  # guesses that were made and not revealed yet, by id: running the cell again must not lose them


def predict(id, choices=None, *, number=None, within=0.1, rows=None, columns=None):
    """Let the reader commit to a guess in a control of the page; return the `Guess`, whose `reveal` shows the result.

    Exactly one kind of guess is asked for: one of `choices`, a `number`, or a cell of a matrix.

    Args:
        id: of this guess, such as "01.it_and_itself".
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
    guess = Guess(id, form)
    guess.show()
    return guess


class Guess:
    """A guess of the reader's: open, made, or revealed."""

    def __init__(self, id, form):
        self.id, self.form = id, form
        self._said, self._control, self._is_open = None, None, True

    def show(self):
        """Display the control, with the guess in it that was made before if there was one."""
        earlier = [event.get("said") for event in record.events("guess") if event["guess"] == self.id]
        before = _open.get(self.id, earlier[-1] if earlier else None)
        if self.form.is_one(before):
            self._said = before
        text = f"{self.form.asked}\nNo controls here? Write your guess in a cell of your own: {self.form.by_hand}"
        if not in_page():
            print(text)
            return
        drawing = {**self.form.drawing, "chosen": self._said, "note": "" if self._said is None else BEFORE}
        self._control = Control(drawing, self._on_value)
        self._control.display(text, display.plain(Outcome.NOT_ATTEMPTED, "Your guess?", *self.form.lines).markup)

    def commit(self, said):
        """Make the guess by hand, where there are no controls: `guess.commit("b")`, `guess.commit(0.5)`."""
        problem = self._take(self.form.read(said))
        display.show(display.plain(Outcome.NOT_ATTEMPTED, problem or f"Your guess: {self.form.words(self._said)}."))

    def reveal(self, result):
        """Show the result, beside the guess if there is one.

        Args:
            result: the value that came out: for a matrix (row, column), or a list of them if several are right.
        """
        result = result.item() if hasattr(result, "item") else result  # of NumPy's and PyTorch's numbers
        right = self.form.right(result)
        came = self.form.result_in_words(result)
        if self._said is None:
            display.show(display.plain(Outcome.NOT_ATTEMPTED, f"It is {came}."))
        else:
            guessed_it = self.form.hits(self._said, result)
            outcome = Outcome.RIGHT if guessed_it else Outcome.WRONG
            said = f"You guessed {self.form.words(self._said)}. It is {came}."
            display.show(display.plain(outcome, RIGHT if guessed_it else NOT_THIS_TIME, said))
            if self._is_open:
                record.note("guess", self.id, said=self._said, right=guessed_it)
        self._is_open = False
        _open.pop(self.id, None)
        if self._control is not None:
            self._control.redraw(locked=True, revealed=True, right=right, chosen=self._said, note="")

    def _on_value(self, value):
        problem = self._take(self.form.read(value))
        self._control.redraw(chosen=self._said if not problem else value, note=problem or NOTED)

    def _take(self, said):
        """Take a guess; return what is wrong with it, or ""."""
        if not self._is_open:
            return "The result is out. To guess again, run the cell of the guess again."
        if said is None:
            return self.form.problem
        self._said = _open[self.id] = said
        return ""


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
        return "\n".join(["Your guess?", *(f"  {line}" for line in self.lines)])

    @property
    def by_hand(self):
        return 'guess.commit("a")'

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
        return f"Your guess? {self.lines[0]}"

    @property
    def by_hand(self):
        return "guess.commit(12)"

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
        return f"Your guess? {self.lines[0]}"

    @property
    def by_hand(self):
        return "guess.commit((0, 1)) for row 0, column 1"

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
