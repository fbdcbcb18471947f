"""A known way to go wrong: what it computes, and the sentence that a learner reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grader.sentences import sentence_of


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, or a wrong way through one stage of it, that people really write.

    The function computes it; its docstring is what they are told.
    """

    compute: Callable[..., Any]

    @property
    def name(self):
        return self.compute.__name__

    @property
    def message(self):
        return sentence_of(self.compute)
