"""The learner's side of the course: what they call in a notebook, their own folder, and how far they are.

Here an answer runs in the learner's own process, and honesty is theirs; `course.py grade` judges from outside, with the
same tasks and the same verdict.

What is called in a notebook is loaded when it is first asked for, so that the command line starts at once.
"""

import importlib

_WHERE = {
    "all_right": "checking",
    "answer": "questions",
    "check": "checking",
    "failing_inputs": "checking",
    "hint": "hints",
    "on_right": "checking",
    "show_parts": "own_file",
}
__all__ = list(_WHERE)


def __getattr__(name):
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
