"""Chapter 04, masking: hiding the padding and the future, and surviving a row with nothing left."""

from grader.catalogue.chapter_04 import causal_mask, masked_attention, masked_softmax, padding_mask
from grader.catalogue.chapter_04.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="04",
    title="Masking",
    tasks=(padding_mask.TASK, causal_mask.TASK, masked_softmax.TASK, masked_attention.TASK),
    questions=QUESTIONS,
)
