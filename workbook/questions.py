"""`answer`: a question, its choices, and what the chosen one says."""

from grader import display
from grader.judge import judge_question
from grader.result import Outcome
from tasks import CATALOGUE


def answer(question_id, letter=...):
    """Display a question with its choices, and what the chosen letter says."""
    try:
        asked = CATALOGUE.question(str(question_id))
    except LookupError as error:
        return display.show(display.plain(Outcome.WRONG, "answer", str(error)))
    letter = "" if letter is ... or letter is None else str(letter).strip().lower()
    return display.show(display.question(asked, letter, judge_question(asked, letter)))
