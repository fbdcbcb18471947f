"""Text of strangers made harmless for where it is read: a page, a cell of a table, a line of a terminal."""

import re
import unicodedata

from grader.display import inline

LONGEST = 2_000  # characters; a message of the grader's own has a few hundred
LONGEST_NAME = 120
LONGEST_CELL = 30_000  # a spreadsheet holds 32,767 in one
JOINERS = "\u200c\u200d"  # the only invisible characters that names need: in Persian and Hindi, and in emoji
MOST_MARKS = 4  # accents on one letter; more of them climb over the lines above

# A spreadsheet takes what begins like this for a formula, also behind what it may take for the end of a cell.
FORMULA = re.compile(r"(^|[;\n])( *)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def plain(text, longest=LONGEST):
    """Return a text with its lines, but without characters that cannot be seen, turn its direction or are none."""
    text = str(text)
    rest = len(text) - longest
    text = text[:longest].replace("\r\n", "\n").replace("\r", "\n")
    kept, marks = [], 0
    for character in text:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if character == "\n":
            kept.append(character)
        elif kind in ("Zl", "Zp", "Zs") or character == "\t":
            kept.append(" ")
        elif kind in ("Cc", "Cs", "Co") or ord(character) & 0xFFFE == 0xFFFE:
            kept.append("\ufffd")
        elif (kind != "Cf" or character in JOINERS) and marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept) + (f" … ({rest:,} more characters)" if rest > 0 else "")


def on_one_line(text, longest=LONGEST):
    """Return a text as one line, for a terminal."""
    return " ".join(plain(text, longest).split())


def markup(text, longest=LONGEST):
    """Return a text as HTML, with what stands in backticks as code; for the content of an element alone."""
    return inline(plain(text, longest))


def name_markup(text):
    """Return somebody's name as HTML, which is read in its own direction and changes nothing around it."""
    return f"<bdi>{inline(on_one_line(text, LONGEST_NAME))}</bdi>"


def cell(value):
    """Return what a cell of a table holds: numbers as they are, a text so that no spreadsheet computes with it."""
    if isinstance(value, int | float):
        return value
    return FORMULA.sub(r"\1'\2", plain(value, LONGEST_CELL))


def harmless(data):
    """Return data for JSON with every text in it made harmless."""
    if isinstance(data, dict):
        return {plain(key): harmless(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [harmless(value) for value in data]
    return plain(data, LONGEST_CELL) if isinstance(data, str) else data


def columns_of(text):
    """Return how many columns of a terminal a text takes."""
    wide = (unicodedata.east_asian_width(character) in "WF" for character in text)
    flat = sum(unicodedata.category(character) in ("Mn", "Me", "Cf") for character in text)
    return len(text) + sum(wide) - flat
