"""The learner's side of the course: what they call in a notebook, their own folder, and how far they are.

Here an answer runs in the learner's own process, and honesty is theirs; `course.py grade` judges from outside, with the
same tasks and the same verdict. What a name needs is loaded when it is asked for: PyTorch takes a second.
"""

import importlib

_HOMES = {
    "all_right": "checking",
    "answer": "questions",
    "check": "checking",
    "failing_inputs": "checking",
    "hint": "hints",
    "on_right": "checking",
    "my_guess": "predicting",
    "predict": "predicting",
    "read_dates": "date_reading",
    "reveal": "predicting",
    "show_parts": "own_file",
    "show_progress": "progress",
    "warm_up": "questions",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return __all__
