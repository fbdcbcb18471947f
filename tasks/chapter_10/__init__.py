"""Chapter 10, training with teacher forcing: the batch, the loss, the learning rate, Adam, one whole step; optional:
smoothed targets."""

TITLE = "Training with teacher forcing"
TASKS = (
    "teacher_forced_batch",
    "padded_cross_entropy",
    "learning_rate",
    "adam_step",
    "training_step",
    "smoothed_targets",
)
