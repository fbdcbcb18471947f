"""How long a lone reader takes over a lesson's main line: words, visible code, figures, predictions."""

import ast
import re

from authoring.storage import read

WORDS_A_MINUTE, LINES_A_MINUTE, FIGURES_A_MINUTE, PREDICTIONS_A_MINUTE = 200, 8, 2, 1
BEYOND = re.compile(r"^## Deeper$", re.MULTILINE)  # what follows is for whoever wants it
NOT_READ = re.compile(r"\]\([^)]*\)|<[^>]+>|^\|[-| :]+\|$", re.MULTILINE)  # addresses, tags, the rules of tables
MATH = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
WORD = re.compile(r"\w[\w'\u2019.,-]*")


def reading_minutes(path):
    """Return the honest minutes of the main line of the notebook at `path`, not rounded."""
    words = lines = figures = predictions = 0
    for cell in main_line(read(path)):
        if cell.cell_type == "markdown":
            words += count_words(cell.source)
            predictions += cell.source.startswith("**Predict, then run.**")
        else:
            words += count_words(" . ".join(choices(cell.source)))
            lines += 0 if is_folded(cell) else sum(bool(line.strip()) for line in cell.source.splitlines())
            figures += sum("image/png" in output.get("data", {}) for output in cell.outputs)
    return (
        words / WORDS_A_MINUTE
        + lines / LINES_A_MINUTE
        + figures / FIGURES_A_MINUTE
        + predictions / PREDICTIONS_A_MINUTE
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
