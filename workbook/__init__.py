"""The learner's side of the course: what they call in a notebook, and how far they are.

Here an answer runs in the learner's own process, and honesty is theirs; `course.py grade` judges from outside, with the
same tasks and the same verdict.
"""

from workbook.checking import all_right, check, failing_inputs, on_right
from workbook.hints import hint
from workbook.own_file import show_parts
from workbook.questions import answer

__all__ = ["all_right", "answer", "check", "failing_inputs", "hint", "on_right", "show_parts"]
