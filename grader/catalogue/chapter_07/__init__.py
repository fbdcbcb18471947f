"""Chapter 07, positional encoding: telling attention where things stand."""

from grader.catalogue.chapter_07 import (
    alibi_bias,
    relative_scores,
    rotary_attention,
    rotate,
    sinusoidal_positions,
)
from grader.catalogue.chapter_07.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="07",
    title="Positional encoding",
    tasks=(sinusoidal_positions.TASK, rotate.TASK, rotary_attention.TASK, relative_scores.TASK, alibi_bias.TASK),
    questions=QUESTIONS,
)
