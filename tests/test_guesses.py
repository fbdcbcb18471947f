"""What `predict` asks in the lessons: its cells have one shape, and nothing above a guess decides it.

What words can hide from a test, a person reads: whether a text above says the answer in other words, and whether the
answer can be reasoned out from what was taught.
"""

import ast
import re
from dataclasses import dataclass
from itertools import chain, takewhile
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from authoring.storage import read
from workbook.predicting import number_in

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PILOT = {"00", "01", "02", "03"}  # the lessons that use `predict`; it grows
WITH_GUESSES = [path for path in LESSONS if path.name[:2] in PILOT]

LABEL = "**Predict, then run.**"
FEWEST, MOST = 3, 5  # guesses of a lesson
ID = re.compile(r"(\d\d)\.[a-z][a-z0-9_]*")
ASSERTS = ("assert", "np.testing.", "torch.testing.")  # of a folded cell its first line is seen
NUMBER = re.compile(r"(?<![\w.])[-\u2212]?(?:\d+(?:\.\d+)?|\.\d+)(?![\w])")
MARKS = re.compile(r"[*_`$]")


# A guess and its cells


@dataclass
class Guess:
    """The cells of a guess, by their places in the notebook."""

    asks: int  # the cell of `predict`
    reveals: int | None  # the cell that ends with `reveal(...)`, before any markdown
    call: ast.Call

    @property
    def id(self):
        first = self.call.args[0] if self.call.args else None
        return first.value if isinstance(first, ast.Constant) else ""

    @property
    def arguments(self):
        return {keyword.arg: keyword.value for keyword in self.call.keywords}

    @property
    def choices(self):
        """What is shown of each choice; none where a number or a cell is asked for."""
        given = self.call.args[1] if len(self.call.args) > 1 else self.arguments.get("choices")
        parts = given.keys if isinstance(given, ast.Dict) else getattr(given, "elts", [])
        return [str(part.value) for part in parts if isinstance(part, ast.Constant)]


def guesses(cells):
    found = []
    for place, cell in enumerate(cells):
        for call in calls_of(cell, "predict"):
            found.append(Guess(place, reveals_of(cells, place), call))
    return found


def calls_of(cell, name):
    nodes = [node for statement in parsed(cell) for node in ast.walk(statement)]
    return [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == name]


def reveals_of(cells, asks):
    """Return the place of the first cell after a `predict` that reveals, with nothing but code before it."""
    for place in range(asks + 1, len(cells)):
        if cells[place].cell_type != "code" or calls_of(cells[place], "predict"):
            return None
        if calls_of(cells[place], "reveal"):
            return place
    return None


def parsed(cell):
    return ast.parse(cell.source).body if cell.cell_type == "code" else []


def is_folded(cell):
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def is_note(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type") == "notes"


def assertions(cell):
    """The statements of a cell that assert something, by `assert` or by a call such as `assert_allclose(...)`."""
    nodes = [node for statement in parsed(cell) for node in ast.walk(statement)]
    called = [
        node for node in nodes if isinstance(node, ast.Call) and re.search(r"\bassert_\w+$", ast.unparse(node.func))
    ]
    return [node for node in nodes if isinstance(node, ast.Assert)] + called


def revealed(cells, guess):
    """Return the expression that a guess is compared with."""
    return calls_of(cells[guess.reveals], "reveal")[0].args[1]


def told(cells, guess):
    """Return what the stored output says came out: of "It is 6 words." the "6 words"."""
    for output in cells[guess.reveals].outputs:
        text = output.get("text", "") or output.get("data", {}).get("text/plain", "")
        if found := re.search(r"^It is (.+)\.$", text, re.MULTILINE):
            return found[1]
    return ""


# The shape


def out_of_shape(cells, number):
    """Return what is wrong with the guesses of a lesson, each in a few words."""
    problems, found = [], guesses(cells)
    if not FEWEST <= len(found) <= MOST:
        problems.append(f"{len(found)} guesses, not {FEWEST} to {MOST}")
    ids = [guess.id for guess in found]
    problems += [f"the id {id!r} twice" for id in sorted(set(ids)) if ids.count(id) > 1]
    asking = {guess.asks for guess in found}
    for place, cell in enumerate(cells):
        if re.search(rf"^{re.escape(LABEL)}", cell.source, re.MULTILINE) and place + 1 not in asking:
            problems.append(f"{cell.source!r} is not followed by a guess")
    for guess in found:
        problems += [f"{guess.id}: {problem}" for problem in _out_of_shape(cells, guess, number)]
    return problems


def _out_of_shape(cells, guess, number):
    match = ID.fullmatch(guess.id)
    if not match or match[1] != number:
        yield "its id is none of this chapter"
    question, asks = cells[guess.asks - 1], cells[guess.asks]
    if not (question.cell_type == "markdown" and question.source.startswith(LABEL)):
        yield "no question before it"
    elif "?" not in question.source or "\n\n" in question.source.strip():
        yield "more or less than a question before it"
    statement = parsed(asks)[0]
    is_alone = len(parsed(asks)) == 1 and isinstance(statement, ast.Expr)
    if not is_alone or ast.dump(statement.value) != ast.dump(guess.call):
        yield "its cell does more than ask"
    if not is_folded(asks):
        yield "its cell is not folded"
    if guess.reveals is None:
        yield "not revealed before the text goes on"
        return
    between = cells[guess.asks + 1 : guess.reveals + 1]
    last = parsed(between[-1])[-1]
    if not (isinstance(last, ast.Expr) and ast.unparse(last).startswith("reveal(")):
        yield "the reveal is not the last statement of its cell"
    elif ast.unparse(last.value.args[0]) != repr(guess.id):
        yield "another guess's id is revealed"
    if not any(isinstance(node, ast.Name) for node in ast.walk(revealed(cells, guess))):
        yield "what is revealed was not computed"
    if any(assertions(cell) for cell in between):
        yield "asserted before it is revealed"
    if all(map(is_folded, between)):
        yield "the code that computes is folded"
    after = takewhile(lambda cell: cell.cell_type == "code", cells[guess.reveals + 1 :])
    if any(cell.source.startswith(ASSERTS) for cell in after if is_folded(cell)):
        yield "a folded cell below shows what it asserts: begin it with a comment"
    rest = [cell for cell in cells[guess.reveals + 1 :] if cell.cell_type == "markdown" and not is_note(cell)]
    if not rest or rest[0].source.startswith((LABEL, "#")):
        yield "no text after it says why"


# What decides it


def decided(cells):
    """Return for which guesses of a lesson something above gives the answer away, and what."""
    problems = []
    for guess in guesses(cells):
        if guess.reveals is not None:
            for finder in (_computed_above, _said_above, _number_above, _cell_above):
                problems += [f"{guess.id}: {problem}" for problem in finder(cells, guess)]
    return problems


def _computed_above(cells, guess):
    """Yield what the revealed value is made of and some code above has made already."""
    above = list(chain(*map(parsed, cells[: guess.asks])))
    between = list(chain(*map(parsed, cells[guess.asks + 1 : guess.reveals + 1])))
    result = revealed(cells, guess)
    made = {}  # names bound between guess and reveal, with what they were bound to
    for statement in between:
        made |= dict.fromkeys(names(statement, ast.Store), getattr(statement, "value", None))
    reads = names(result, ast.Load) & set(made)
    bound_above = set().union(*(names(statement, ast.Store) for statement in above)) if above else set()
    yield from (f"`{name}` has a value above" for name in sorted(reads & bound_above))
    seen = {ast.dump(node) for statement in above for node in ast.walk(statement) if isinstance(node, ast.expr)}
    for expression in [result, *(made[name] for name in sorted(reads))]:
        is_plain = expression is None or isinstance(expression, (ast.Name, ast.Constant))
        if not is_plain and ast.dump(expression) in seen:
            yield f"`{ast.unparse(expression)}` is computed above"


def _said_above(cells, guess):
    """Yield the words of the right choice that stand above, if none of the other choices' words do."""
    if not guess.choices:
        return
    right = told(cells, guess)
    if right not in guess.choices:
        yield f"{right!r} is none of the choices"
        return
    above = " ".join(map(plainly, chain(*(seen_in(cell) for cell in cells[: guess.asks]))))
    others = set().union(*(phrases(choice) for choice in guess.choices if choice != right))
    if not any(phrase in above for phrase in others):
        yield from (f"{phrase!r} stands above" for phrase in sorted(phrases(right) - others) if phrase in above)


def _number_above(cells, guess):
    """Yield the numbers above in the same section that would count as right."""
    if "number" not in guess.arguments:
        return
    within = ast.literal_eval(guess.arguments.get("within", ast.Constant(0.1)))
    result = number_in(told(cells, guess).split(" ")[0])
    if result is None:
        yield "the reveal tells no number"
        return
    for cell in section(cells, guess):
        for text in (*seen_in(cell), *(ast.unparse(assertion) for assertion in assertions(cell))):
            for found in NUMBER.findall(text):
                if abs(float(found.replace("\u2212", "-")) - result) <= within * abs(result):
                    yield f"{found} stands above, in {text[:60]!r}"


def _cell_above(cells, guess):
    """Yield the sentences above in the same section that name the row and the column."""
    found = re.fullmatch(r"row (.+), column (.+)", told(cells, guess))
    if "rows" not in guess.arguments:
        return
    if found is None:
        yield "the reveal tells no cell"
        return
    row, column = map(plainly, found.groups())
    for cell in section(cells, guess):
        for sentence in chain(*(re.split(r"[.;]\s", plainly(text)) for text in seen_in(cell))):
            if f"row {row}" in sentence and f"column {column}" in sentence:
                yield f"{sentence[:60]!r} stands above"


def section(cells, guess):
    """Return the cells above a guess from the last heading of a section on, heading and question included."""
    starts = [place for place in range(guess.asks) if re.match(r"##? ", cells[place].source)]
    return cells[max(starts, default=0) : guess.asks]


def seen_in(cell):
    """Yield what a reader sees of a cell besides its code: text, outputs, alternative texts."""
    if cell.cell_type == "markdown":
        yield cell.source
    for output in cell.get("outputs", []):
        yield output.get("text", "") or output.get("data", {}).get("text/plain", "")
        yield output.get("metadata", {}).get("image/png", {}).get("alt", "")


def plainly(text):
    return " ".join(MARKS.sub("", text).lower().split())


def phrases(choice):
    """Return the parts of a choice that are three words or longer."""
    return {part.strip() for part in re.split(r"[,:;]", plainly(choice)) if len(part.split()) >= 3}


def names(tree, context):
    """Return the names that a statement or an expression reads or binds; what a function has inside is its own."""
    if isinstance(tree, (ast.FunctionDef, ast.ClassDef)):
        return {tree.name} if context is ast.Store else set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


# The lessons


def of_each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def test_the_pilot_is_every_lesson_with_guesses():
    assert {path.name[:2] for path in LESSONS if guesses(read(path).cells)} == PILOT


@of_each(WITH_GUESSES)
def test_guesses_have_their_shape(path):
    assert out_of_shape(read(path).cells, path.name[:2]) == []


@of_each(WITH_GUESSES)
def test_nothing_above_decides_a_guess(path):
    assert decided(read(path).cells) == []


def test_every_guess_of_the_course_has_an_id_of_its_own():
    ids = [guess.id for path in WITH_GUESSES for guess in guesses(read(path).cells)]
    assert len(set(ids)) == len(ids)


# That these tests can fail

FOLD = {"jupyter": {"source_hidden": True}}
CHOICES = '{"a long key wins here": 1, "a short key wins here": 2}'


def text(source, **metadata):
    return new_markdown_cell(source, metadata=metadata)


def code(source, *, shows="", folded=False, alt=""):
    cell = new_code_cell(source, metadata=FOLD if folded else {})
    if shows:
        cell.outputs.append(new_output("stream", text=f"{shows}\n"))
    if alt:
        metadata = {"image/png": {"alt": alt}}
        cell.outputs.append(new_output("display_data", {"text/plain": "figure"}, metadata=metadata))
    return cell


def asked(id, arguments, value, shows):
    return [
        text(f"{LABEL} Which one?"),
        code(f'predict("{id}", {arguments})', folded=True),
        code(value.replace("ID", repr(id)), shows=shows),
        text("This is why."),
    ]


def lesson():
    """A small lesson with a guess of each kind: cells 2 to 5, 7 to 10, 12 to 15."""
    return [
        text("# 07 · Keys"),
        code("keys = 1"),
        *asked("07.which", CHOICES, "best = keys + 1\nreveal(ID, best)", "It is a short key wins here."),
        text("## Lengths\n\nTwo of 3 keys."),
        *asked("07.how_long", 'number="", within=0.1', "long = keys * 40\nreveal(ID, long)", "It is 40."),
        text("## Rows"),
        *asked(
            "07.where",
            'rows=["it"], columns=["cat"]',
            "place = (0, keys - 1)\nreveal(ID, place)",
            "It is row it, column cat.",
        ),
    ]


def with_cell(place, cell):
    return lambda cells: cells.insert(place, cell)


def with_source(place, source):
    return lambda cells: cells[place].update(source=source)


def without(place):
    return lambda cells: cells.pop(place)


def unfolded(cells):
    cells[3].metadata.clear()


def folded_reveal(cells):
    cells[4].metadata.update(FOLD)


def one_more(*ids):
    return lambda cells: [cells.extend(asked(id, CHOICES, "reveal(ID, keys)", "It is 1.")) for id in ids]


def test_a_good_lesson_passes():
    assert out_of_shape(lesson(), "07") == decided(lesson()) == []
    cells = lesson()
    cells.insert(4, code("halfway = keys / 2"))  # code may stand between, also folded
    cells.insert(6, code("draw(best)", folded=True, alt="A figure."))
    assert out_of_shape(cells, "07") == decided(cells) == []


@pytest.mark.parametrize(
    ("breaks", "problem"),
    [
        (lambda cells: cells.__delitem__(slice(11, None)), "2 guesses"),
        (one_more("07.a", "07.b", "07.c"), "6 guesses"),
        (one_more("07.which"), "'07.which' twice"),
        (one_more("08.which"), "none of this chapter"),
        (one_more("07.Which one"), "none of this chapter"),
        (with_cell(6, text(f"{LABEL} And then?")), "not followed by a guess"),
        (with_source(2, f"Read on.\n\n{LABEL} Which one?"), "no question before it"),
        (with_cell(3, text("A hint.")), "no question before it"),
        (with_source(2, f"{LABEL} Guess."), "more or less than a question"),
        (with_source(2, f"{LABEL} Which?\n\nIt is the short one."), "more or less than a question"),
        (with_source(3, f'best = 0\npredict("07.which", {CHOICES})'), "does more than ask"),
        (with_source(3, f'other = predict("07.which", {CHOICES})'), "does more than ask"),
        (unfolded, "not folded"),
        (with_cell(4, text("A table.")), "not revealed before"),
        (with_source(4, "best = keys + 1"), "not revealed before"),
        (with_source(4, "best = keys + 1\nreveal('07.which', best)\nprint(best)"), "not the last statement"),
        (with_source(4, "best = keys + 1\nreveal('07.which', 2)"), "not computed"),
        (with_source(4, "best = keys + 1\nreveal('07.where', best)"), "another guess's id"),
        (with_source(4, "best = keys + 1\nassert best == 2\nreveal('07.which', best)"), "asserted before"),
        (with_cell(4, code("np.testing.assert_allclose(keys + 1, 2)")), "asserted before"),
        (folded_reveal, "is folded"),
        (with_cell(5, code("assert best == 2", folded=True)), "shows what it asserts"),
        (without(5), "no text after it"),
    ],
)
def test_another_shape_is_noticed(breaks, problem):
    cells = lesson()
    breaks(cells)
    assert problem in "\n".join(out_of_shape(cells, "07"))


@pytest.mark.parametrize(
    ("breaks", "problem"),
    [
        (with_cell(1, code("best = 5")), "`best` has a value above"),
        (with_cell(2, code("print(keys + 1)")), "`keys + 1` is computed above"),
        (with_cell(2, code("sorted([keys * 40])")), "`keys * 40` is computed above"),
        (with_cell(2, text("You will see that *a short key* wins here.")), "'a short key wins here' stands above"),
        (with_cell(2, code("show()", shows="a short key wins here")), "'a short key wins here' stands above"),
        (with_cell(2, code("show()", alt="Curves: a short key wins here.")), "'a short key wins here' stands above"),
        (with_source(0, "# 07 · A short key wins here"), "'a short key wins here' stands above"),
        (with_cell(7, text("It will be about 41.")), "41 stands above"),
        (with_cell(7, code("show()", alt="Rises from 0 to 40.")), "40 stands above"),
        (with_cell(7, code("show()", shows="[ 1 38.5]")), "38.5 stands above"),
        (with_cell(7, code("assert limit < 40")), "40 stands above"),
        (with_source(7, f"{LABEL} How long is it, 10, 20 or 40?"), "40 stands above"),
        (with_cell(12, text("Look: row *it* meets column *cat*.")), "'look: row it meets column cat.' stands above"),
        (with_cell(12, code("show()", alt="Product. Row it meets column cat: 4.")), "row it meets column cat"),
        (lambda cells: cells[4].update(outputs=[]), "none of the choices"),
        (lambda cells: cells[9].update(outputs=[]), "tells no number"),
        (lambda cells: cells[14].update(outputs=[]), "tells no cell"),
    ],
)
def test_what_decides_a_guess_is_noticed(breaks, problem):
    cells = lesson()
    breaks(cells)
    assert problem in "\n".join(decided(cells))


@pytest.mark.parametrize(
    "breaks",
    [
        with_cell(2, text("Is it that a short key wins here, or that a long key wins here?")),  # both are said
        with_cell(2, code("print(keys + 2)")),
        with_cell(2, code("def twice(keys):\n    best = 2 * keys\n    return best")),  # another best
        with_cell(1, text("## Before\n\nThere were 40 of them.")),  # in another section
        with_cell(7, text("It was 60, with 140 and 4.0e1 beside it, 4 of them and 0.40.")),
        with_cell(12, text("Row *it* first. Then column *cat*.")),
    ],
)
def test_what_decides_nothing_is_let_pass(breaks):
    cells = lesson()
    breaks(cells)
    assert decided(cells) == []
