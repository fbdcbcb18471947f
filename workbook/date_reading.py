"""`read_dates`: a trained Transformer reads a date that somebody types, and shows where in it it looked."""

import html
import re
from datetime import date

from course_lib.controls import Control, in_page, still
from course_lib.data.dates import LOCALES, written_date
from course_lib.date_reader import ModelFileError, UnreadableTextError, load_date_reader
from grader import display
from grader.result import Outcome

# What there is to click: a day, and in which language and style of CLDR it is written.
EXAMPLES = (
    (date(2024, 5, 12), "en", "long"),
    (date(1969, 7, 20), "es", "full"),
    (date(2024, 5, 12), "ja", "full"),
    (date(1987, 5, 26), "el", "long"),
    (date(2018, 3, 14), "ar", "full"),
    (date(1947, 8, 15), "hi", "long"),
    (date(2000, 1, 1), "ru", "long"),
)
ABOUT = f"It learned dates from 1900 to 2099, in {', '.join(sorted(LOCALES.values()))}."
ALL_DIGITS = re.compile(r"(?!\d{4})\d+([/-]\d+){1,2}")  # with the day or the month in front
ONE_OF_TWO = "5/12 is May 12 in one country and December 5 in another; write the month as a word."
RUN_IT = "In JupyterLab, run this cell to type a date of your own."
PARTS = {"year": slice(0, 4), "month": slice(5, 7), "day": slice(8, 10)}
LABEL, CELL, LINE = 210, 16, 34  # pixels of the still picture
PINK = "#CC79A7"  # the color of weights, in every figure of the course
_controls = []  # those of this notebook, which live as long as its kernel


def read_dates(text="May 12, 2024", *, cut=None):
    """Display a machine to try out: type a date, and see what it writes and where it looked.

    Args:
        text: the date that stands there first.
        cut: whether its attention is cut at first; None for a page without the switch.
    """
    try:
        whole = load_date_reader()
    except ModelFileError as error:
        display.show(display.plain(Outcome.WRONG, "The machine is missing.", str(error)))
        return
    readers = {"whole": whole} if cut is None else {"whole": whole, "cut": whole.without_attention()}
    readings = _read(readers, text)
    if not in_page():
        print(_in_words(readings), ABOUT, sep="\n")
        return
    examples = [{"text": written_date(*example), "name": LOCALES[example[1]]} for example in EXAMPLES]
    drawing = {
        "examples": examples,
        "about": "" if cut is not None else ABOUT,  # said once is enough
        "switch": cut is not None,
        "cut": bool(cut),
        **_drawn(readings, text),
    }

    def given(typed):
        control.redraw(**_drawn(_read(readers, str(typed)), str(typed)))

    control = Control(drawing, given, script="reader")
    _controls.append(control)
    control.display(_in_words(readings), _still(readings))


def _read(readers, text):
    """Return what every reader made of a text, by its name; or the sentence that says why nobody could."""
    try:
        return {name: reader.read(text) for name, reader in readers.items()}
    except UnreadableTextError as error:
        return str(error)


def _drawn(readings, text):
    """Return the entries of a drawing that depend on the text."""
    if isinstance(readings, str):
        return {"text": text, "readings": None, "note": readings}
    said = {
        name: {"answer": reading.answer, "weights": reading.weights.astype(float).round(4).tolist()}
        for name, reading in readings.items()
    }
    return {"text": readings["whole"].text, "readings": said, "note": _warning(readings["whole"].text)}


def _warning(text):
    """Return what to say of a text that can be read in two ways: it is all digits, and the year isn't in front."""
    return ONE_OF_TWO if ALL_DIGITS.fullmatch(text) else ""


def _in_words(readings):
    """Return in words what was read, and where year, month and day looked most."""
    if isinstance(readings, str):
        return readings
    whole = readings["whole"]
    lines = [f"It reads {whole.text} as {whole.answer}."]
    if warning := _warning(whole.text):
        lines.append(warning)
    for part, written, weights in _looks(whole):
        most = sorted(range(len(weights)), key=lambda at: -weights[at])[:3]
        looked = ", ".join(f"\u201c{whole.text[at]}\u201d {weights[at]:.0%}" for at in most)
        lines.append(f"For the {part}, {written}, it looked most at {looked}.")
    if "cut" in readings:
        lines.append(
            f"With its attention cut, every character counts the same, and it writes {readings['cut'].answer}."
        )
    return "\n".join(lines)


def _looks(reading):
    """Yield (part, what was written, weights): where the year, the month and the day looked, on average."""
    for part, place in PARTS.items():
        if len(rows := reading.weights[place]):
            yield part, reading.answer[place], rows.mean(axis=0)


def _still(readings):
    """Return the same as a picture for a page where nothing moves: a line of the text for year, month and day."""
    words = _in_words(readings)
    if isinstance(readings, str):
        return f"<p>{html.escape(words)}</p>"
    text = readings["whole"].text
    rows = [(f"{part} {written}", weights) for part, written, weights in _looks(readings["whole"])]
    if "cut" in readings:
        rows.append((f"attention cut: {readings['cut'].answer}", readings["cut"].weights.mean(axis=0)))
    marks = []
    for row, (label, weights) in enumerate(rows):
        y = row * LINE + 24
        marks.append(f"<text x='{LABEL - 14}' y='{y}' text-anchor='end' font-size='15'>{html.escape(label)}</text>")
        for at, (character, weight) in enumerate(zip(text, weights, strict=True)):
            x = LABEL + at * CELL
            box = f"x='{x}' y='{y - 19}' width='{CELL}' height='26'"
            marks.append(f"<rect {box} fill='{PINK}' fill-opacity='{weight:.2f}'/>")
            middle = f"x='{x + CELL / 2}' y='{y}' text-anchor='middle' font-size='17'"
            marks.append(f"<text {middle}>{html.escape(character)}</text>")
    width, height = LABEL + len(text) * CELL + 16, len(rows) * LINE + 8
    card = f"<rect width='{width}' height='{height}' rx='12' fill='white'/>"
    size = f"xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'"
    head = f"<svg {size} fill='#222222' font-family='sans-serif'>"
    return still(f"{head}{card}{''.join(marks)}</svg>", words, width, RUN_IT)
