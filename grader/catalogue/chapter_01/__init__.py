"""Chapter 01, dot-product scores: all pairs, the best key, length taken out, and the additive alternative."""

from grader.catalogue.chapter_01 import additive_scores, all_scores, best_keys, cosine_scores
from grader.catalogue.chapter_01.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="01",
    title="Dot-product scores",
    tasks=(all_scores.TASK, best_keys.TASK, cosine_scores.TASK, additive_scores.TASK),
    questions=QUESTIONS,
)
