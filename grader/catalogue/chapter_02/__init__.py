"""Chapter 02, scaling: dividing by the square root of d_k, and seeing why."""

from grader.catalogue.chapter_02 import head_scores, row_entropy, scaled_scores, unit_variance_scores
from grader.catalogue.chapter_02.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="02",
    title="Scaling",
    tasks=(scaled_scores.TASK, row_entropy.TASK, unit_variance_scores.TASK, head_scores.TASK),
    questions=QUESTIONS,
)
