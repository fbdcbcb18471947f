"""Who is in the class: roster.csv, as Moodle, Canvas or Gradescope export it, or with the columns id, name, email."""

import csv
import re
import unicodedata
from dataclasses import dataclass, field

from classroom.graded import Student

LARGEST = 20 * 2**20  # bytes

# Headings, as they are after `_folded`, of what identifies a student, the first that is there being the id; of names.
IDS = (
    *("id", "student id", "sid", "student number", "matriculation number", "id number", "org defined id"),
    *("username", "user name", "login", "sis user id", "sis login id"),
)
NAMES = ("name", "full name", "student", "student name", "display name")
FIRST, LAST = ("first name", "given name", "firstname"), ("last name", "surname", "family name", "lastname")
EMAILS = ("email", "email address", "e mail", "mail")
OF_ONE_TASK = ("identifier",)  # Moodle's "Participant 12345", which is another one for each assignment


class RosterError(Exception):
    """A roster that cannot be read; the text says what is wrong, and what a roster looks like."""


@dataclass(frozen=True)
class Roster:
    """The students of a class, to be found by whatever a file says of its owner."""

    students: tuple[Student, ...]
    told: tuple[str, ...] = ()
    _by_key: dict[str, Student | None] = field(default_factory=dict)
    _by_name: dict[str, Student | None] = field(default_factory=dict)

    def find(self, id, name="", email=""):
        """Return the `Student` with this id, or another number or login that the roster has; else with this email; else
        the only one of this name; else None."""
        for key in (id, email):
            if key and (found := self._by_key.get(_key(key))):
                return found
        return self._by_name.get(_name(name)) if name else None


def read_roster(path):
    """Return the `Roster` in a CSV file.

    Raises:
        RosterError: it is no such file, no column identifies the students, or two have the same id.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise RosterError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > LARGEST:
        raise RosterError(f"{path} is larger than {LARGEST // 2**20} MiB, which no roster is.")
    try:
        rows = _rows(_text(data, path))
    except csv.Error as error:
        raise RosterError(f"{path} is no CSV file: {error}.") from None
    if not rows:
        raise RosterError(f"{path} is empty. Its first line names the columns: id,name,email.")
    headings = [_folded(cell) for cell in rows[0][1]]
    if not (keys := [headings.index(one) for one in (*IDS, *EMAILS, *OF_ONE_TASK) if one in headings]):
        seen = ", ".join(cell.strip() for cell in rows[0][1] if cell.strip())
        raise RosterError(f"{path} has no column that identifies a student, such as id; its first line says: {seen}.")
    return _roster(path, rows[1:], headings, keys)


def _roster(path, rows, headings, keys):
    students, told, by_key, by_name, lines = [], [], {}, {}, {}
    for line, row in rows:
        cells = dict(zip(headings, (cell.strip() for cell in row), strict=False))
        name, email = _name_in(cells), next((cells[one] for one in EMAILS if cells.get(one)), "")
        id = next((row[key].strip() for key in keys if key < len(row) and row[key].strip()), "")
        if _folded(name) == "points possible" or not any(cells.values()):
            continue  # a line that Canvas writes below the headings
        if not id:
            told.append(f"{path}, line {line}: no id, so it was passed over.")
            continue
        student = Student(*(_printable(text) for text in (id, name, email)))
        if student in students:
            continue  # who is in two sections stands there twice
        if (before := lines.setdefault(_key(id), line)) != line:
            raise RosterError(f"{path}, line {line}: {id} is there already, in line {before}. An id is one student's.")
        students.append(student)
        others = [row[key].strip() for key in keys[1:] if key < len(row)]
        for key in {_key(key) for key in (*others, email, *map(_number, (id, *others)))} - {""}:
            by_key[key] = None if key in by_key else student  # what two share identifies neither
        for called in {_name(name)} - {""}:
            by_name[called] = None if called in by_name else student  # of two of one name, neither is meant
    if told and not students:
        raise RosterError(
            f"{path}: no line has an id. A column id or email says who is who; there are: {', '.join(headings)}."
        )
    by_key |= {_key(student.id): student for student in students}  # an id wins against the login of another
    return Roster(tuple(students), tuple(told), by_key, by_name)


def _text(data, path):
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise RosterError(f"{path} is not in UTF-8. In the spreadsheet, save it as CSV UTF-8.") from None


def _rows(text):
    """Return pairs (number of the line, its cells); cells are separated by commas, semicolons or tabs."""
    first = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True)
    return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]


def _name_in(cells):
    whole = next((cells[one] for one in NAMES if cells.get(one)), "")
    if whole:
        return whole
    pieces = [next((cells[one] for one in kind if cells.get(one)), "") for kind in (FIRST, LAST)]
    return " ".join(filter(None, pieces))


def _number(text):
    """Return the number at the end of what Moodle calls "Participant 12345" in many languages, or ""."""
    match = re.fullmatch(r"\D+ ?(\d+)", text)
    return match[1] if (match and " " in text.strip()) or (match and "/" in text) else ""


def _folded(text):
    return " ".join(unicodedata.normalize("NFC", text).casefold().replace("_", " ").replace("-", " ").split())


def _key(text):
    return unicodedata.normalize("NFC", text).strip().casefold()


def _name(text):
    """Return a name such that "Lee, Ann" and "Ann Lee" are one."""
    last, comma, first = text.partition(",")
    return _folded(f"{first} {last}" if comma else text)


def _printable(text):
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
