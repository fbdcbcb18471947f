"""`answer`: a question whose choices can be clicked, and what the chosen one says at once; `warm_up`: three questions
from earlier chapters."""

import sys

from course_lib.controls import Control, in_page
from grader import display
from grader.judge import judge_question
from grader.result import Outcome
from tasks import CATALOGUE
from workbook import record
from workbook.spacing import due

BY_HAND = 'Run this cell to choose. No controls then? Give a letter: answer("{id}", "a").'
_clicked = {}  # what was chosen in this notebook, by question
_in_code = {}  # what stands in the code of this notebook, by question
_controls = {}  # the last control of each question


def answer(question_id, letter=...):
    """Display a question with its choices, and what the chosen one says.

    Args:
        question_id: such as "01.symmetry".
        letter: the choice, where it is not made by a click. While it is left at `...`, a click counts.
    """
    try:
        asked = CATALOGUE.question(str(question_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "answer", str(error)))
    letter = "" if letter is ... or letter is None else str(letter).strip().lower()
    if letter:
        _in_code[asked.id] = letter
    _ask(asked, letter)


def chosen(question_id):
    """Return the letter that was given to a question in this notebook, in its code or by a click; "" if none was."""
    return _in_code.get(question_id) or _clicked.get(question_id, "")


def warm_up(number):
    """Display three questions from the chapters before this one: what was missed first, then what has not been asked
    for longest."""
    for asked in due(CATALOGUE.questions_before(str(number)), record.events("question")):
        _ask(asked, "", counts=False)


def _ask(asked, letter, *, counts=True):
    """Display a question.

    Args:
        asked: the `Question`.
        letter: the choice that stands in the code, or "".
        counts: whether what is chosen is kept in the notebook for whoever grades it.
    """
    shown = display.question(asked, BY_HAND.format(id=asked.id))
    in_code = letter
    letter = letter or (_clicked.get(asked.id) or _chosen_before(asked) if counts else "")
    result = judge_question(asked, letter)
    if in_code in asked.lettered and in_code != _chosen_before(asked):  # run again, it is no other answer
        _note(asked, in_code, result)
    if not in_page():
        print(shown.text)
        print(display.explanation(asked, letter, result).text)
        return
    handle = None

    def chosen(letter):
        _clicked[asked.id] = letter
        result = judge_question(asked, letter)
        _note(asked, letter, result)
        control.redraw(chosen=letter)
        handle.update(display.explanation(asked, letter, result), metadata=_kept(asked, letter) if counts else {})

    control = _controls[asked.id] = Control(_drawing(asked, letter, locked=bool(in_code)), chosen)
    control.display(shown.text, shown.markup)
    metadata = _kept(asked, letter) if counts and letter and not in_code else {}
    handle = sys.modules["IPython"].display.display(
        display.explanation(asked, letter, result), metadata=metadata, display_id=True
    )


def _note(asked, letter, result):
    record.note("question", asked.id, chose=letter, right=result.outcome is Outcome.RIGHT)


def _drawing(asked, letter, *, locked):
    choices = [{"key": key, "html": display.inline(choice.text)} for key, choice in asked.lettered.items()]
    label = f"<b>{display.inline(asked.text)}</b>"
    return {"kind": "choices", "label": label, "choices": choices, "chosen": letter, "locked": locked}


def _kept(asked, letter):
    """Return the metadata of an output in which a clicked choice is stored, for `grader.submission`."""
    return {"course": {"question": asked.id, "chose": letter}}


def _chosen_before(asked):
    """Return what was chosen last on an earlier visit, or ""."""
    earlier = [event.get("chose") for event in record.since_reset("question", asked.id)]
    return earlier[-1] if earlier and earlier[-1] in asked.lettered else ""
