"""Names and ids that reports do not show: pseudonyms that stay the same, and all traces of one student deleted."""

import dataclasses
import hashlib
import hmac
import re
import secrets

from classroom.graded import Student

SECRET, SHOWN = "secret of the pseudonyms", "pseudonyms"
SAID = ("message", "problem", "flags")  # where a report repeats what students wrote
SHORTEST = 3  # letters of a name that is looked for within texts; shorter ones stand in too many words


def use_pseudonyms(book, on):
    """Say whether the reports of a gradebook show pseudonyms from now on."""
    book.set_fact(SHOWN, "on" if on else None)
    if on and book.fact(SECRET) is None:
        book.set_fact(SECRET, secrets.token_hex(32))


def uses_pseudonyms(book):
    """Tell whether the reports of a gradebook show pseudonyms."""
    return book.fact(SHOWN) == "on"


def shown(book, graded):
    """Return the `Graded`s as reports may show them: with pseudonyms in the place of ids, names and addresses, in texts
    as well, if the gradebook says so; sorted by what is shown, since an order tells names, too."""
    if not uses_pseudonyms(book):
        return list(graded)
    called = _pseudonyms(book, [one.student.id for one in graded])
    hidden = [_hidden(one, called[one.student.id]) for one in graded]
    return sorted(hidden, key=lambda one: one.student.id)


def shown_ids(book, ids):
    """Return {id: what reports call its owner}, for ids that need not be in the gradebook yet."""
    ids = list(ids)
    return {id: _pseudonyms(book, ids)[id] for id in ids} if uses_pseudonyms(book) else dict(zip(ids, ids, strict=True))


def without_names(book, text):
    """Return a sentence for the instructor, with pseudonyms for the students' ids, names and addresses if the gradebook
    says so."""
    if not uses_pseudonyms(book):
        return text
    people = book.students()
    called = _pseudonyms(book, [student.id for student in people])
    pairs = [(own, called[one.id]) for one in people for own in (one.id, one.name, one.email) if own]
    instead = dict(sorted(pairs, key=lambda pair: -len(pair[0])))
    return re.sub("|".join(map(re.escape, instead)), lambda found: instead[found[0]], text) if instead else text


def _pseudonyms(book, ids):
    """Return {id: pseudonym}; each is drawn once, from the secret and the id, and kept."""
    secret, called = bytes.fromhex(book.fact(SECRET)), book.pseudonyms()
    taken = set(called.values())
    for id in ids:
        if id not in called:
            code = hmac.new(secret, id.encode(errors="backslashreplace"), hashlib.sha256).hexdigest()
            free = (f"student-{code[:length]}" for length in range(4, len(code) + 1))
            called[id] = next(name for name in free if name not in taken)
            taken.add(called[id])
            book.set_pseudonym(id, called[id])
    return called


def _hidden(one, pseudonym):
    """Return a `Graded` that says nothing of who it is; a message of theirs may hold their name."""
    whole = {one.student.id, one.student.name, one.student.email, one.submission}
    pieces = [re.escape(text) for text in sorted(whole, key=len, reverse=True) if len(text) >= SHORTEST]
    pieces += [rf"\b{re.escape(word)}\b" for word in re.findall(r"\w+", one.student.name) if len(word) >= SHORTEST]
    pattern = re.compile("|".join(pieces), re.IGNORECASE) if pieces else None

    def cleaned(value, said=False):
        """Clean the texts in nested data below the keys of `SAID`; the others are the grader's own words."""
        if isinstance(value, str):
            return pattern.sub(pseudonym, value) if said and pattern else value
        if isinstance(value, list):
            return [cleaned(item, said) for item in value]
        if isinstance(value, dict):
            return {key: cleaned(item, key in SAID) for key, item in value.items()}
        return value

    report = one.report and {**cleaned(one.report), "path": f"{pseudonym}.ipynb"}
    adjustments = tuple(dataclasses.replace(made, reason=cleaned(made.reason, said=True)) for made in one.adjustments)
    submission = f"{pseudonym}.ipynb" if one.submission else ""
    return dataclasses.replace(
        one, student=Student(pseudonym), submission=submission, report=report, adjustments=adjustments
    )
