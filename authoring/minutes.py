"""How long a lone reader takes over a lesson's main line: words, visible code, figures, predictions."""

import ast
import re
from dataclasses import dataclass

from authoring.storage import read

WORDS_A_MINUTE, LINES_A_MINUTE, FIGURES_A_MINUTE, PREDICTIONS_A_MINUTE = 200, 8, 2, 1
BEYOND = re.compile(r"^## Deeper$", re.MULTILINE)  # what follows is for whoever wants it
NOT_READ = re.compile(r"\]\([^)]*\)|<[^>]+>|^\|[-| :]+\|$", re.MULTILINE)  # addresses, tags, the rules of tables
MATH = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
WORD = re.compile(r"\w[\w'\u2019.,-]*")
PICTURE = re.compile(r"<(svg|img)\b")  # what can be moved in the page has a still picture beside it


@dataclass(frozen=True)
class Reading:
    """What a lone reader meets on the main line of a lesson, counted.

    Attributes:
        cells: all cells but the speaker's notes, folded ones as well.
        words: of texts, of the choices of a guess, and of what the code prints.
        lines: of the code that is seen, without empty ones.
        figures, predictions: how many.
    """

    cells: int
    words: int
    lines: int
    figures: int
    predictions: int

    @property
    def minutes(self):
        """The honest minutes, not rounded."""
        return (
            self.words / WORDS_A_MINUTE
            + self.lines / LINES_A_MINUTE
            + self.figures / FIGURES_A_MINUTE
            + self.predictions / PREDICTIONS_A_MINUTE
        )


def reading(path):
    """Return the `Reading` of the main line of the notebook at `path`."""
    cells = main_line(read(path))
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    codes = [cell for cell in cells if cell.cell_type == "code"]
    return Reading(
        cells=len(cells),
        words=sum(map(count_words, texts)) + sum(map(words_shown, codes)),
        lines=sum(bool(line.strip()) for cell in codes if not is_folded(cell) for line in cell.source.splitlines()),
        figures=sum(map(is_picture, outputs(codes))),
        predictions=sum(text.startswith("**Predict, then run.**") for text in texts),
    )


def main_line(notebook):
    """Return the cells that everybody reads: without the speaker's notes, and up to the heading "Deeper"."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and BEYOND.search(cell.source):
            break
        if cell.metadata.get("slideshow", {}).get("slide_type") != "notes":
            cells.append(cell)
    return cells


def has_main_line(notebook):
    """Whether a lesson says where its main line ends."""
    return any(cell.cell_type == "markdown" and BEYOND.search(cell.source) for cell in notebook.cells)


def is_folded(cell):
    """Whether a cell's code is folded out of the reader's sight."""
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def outputs(cells):
    """Return what the code cells show, one after the other."""
    return [output for cell in cells for output in cell.outputs]


def is_picture(output):
    """Whether an output is a figure, or something to move, which has a still picture beside it."""
    data = output.get("data", {})
    return "image/png" in data or bool(PICTURE.search(data.get("text/html", "")))


def words_shown(cell):
    """Return how many words a code cell shows: the choices of a guess, or what it prints.

    The text that says a figure in words is folded, and is not counted.
    """
    if asked := choices(cell.source):
        return count_words(" . ".join(asked))
    words = 0
    for before, output in zip([None, *cell.outputs], cell.outputs, strict=False):
        in_words = before is not None and is_picture(before) and "text/html" in output.get("data", {})
        if not (is_picture(output) or in_words):
            words += count_words(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
    return words


def choices(source):
    """Return what the calls of `predict` in a cell's code show a reader: choices, unit, names of rows and columns."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)] if "predict(" in source else []
    shown = []
    for call in calls:
        if ast.unparse(call.func) == "predict":
            for given in [*call.args[1:], *(keyword.value for keyword in call.keywords)]:
                parts = given.keys if isinstance(given, ast.Dict) else getattr(given, "elts", [given])
                shown += [part.value for part in parts if isinstance(getattr(part, "value", None), str)]
    return shown


def count_words(markdown):
    """Return how many words a reader reads; a formula counts as one."""
    return len(WORD.findall(NOT_READ.sub(" ", MATH.sub(" formula ", markdown))))
