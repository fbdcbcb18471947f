"""Chapter 03, softmax and weighted values: from scores to weights and back, the Jacobian, the whole formula."""

from grader.catalogue.chapter_03 import attention, scores_from_weights, softmax, softmax_jacobian
from grader.catalogue.chapter_03.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="03",
    title="Softmax and weighted values",
    tasks=(softmax.TASK, scores_from_weights.TASK, softmax_jacobian.TASK, attention.TASK),
    questions=QUESTIONS,
)
