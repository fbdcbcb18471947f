"""Chapter 05, the self-attention layer: three maps of one input, a fourth for the output, and the sum."""

from grader.catalogue.chapter_05 import count_parameters, project, residual_self_attention, self_attention
from grader.catalogue.chapter_05.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="05",
    title="Self-attention layer",
    tasks=(project.TASK, self_attention.TASK, residual_self_attention.TASK, count_parameters.TASK),
    questions=QUESTIONS,
)
