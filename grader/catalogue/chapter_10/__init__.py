"""Chapter 10, training with teacher forcing: the batch, the loss, smoothed targets, the learning rate, one step."""

from grader.catalogue.chapter_10 import (
    learning_rate,
    padded_cross_entropy,
    smoothed_targets,
    teacher_forced_batch,
    training_step,
)
from grader.catalogue.chapter_10.questions import QUESTIONS
from grader.task import Chapter

CHAPTER = Chapter(
    number="10",
    title="Training with teacher forcing",
    tasks=(
        teacher_forced_batch.TASK,
        padded_cross_entropy.TASK,
        smoothed_targets.TASK,
        learning_rate.TASK,
        training_step.TASK,
    ),
    questions=QUESTIONS,
)
