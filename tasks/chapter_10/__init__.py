"""Chapter 10, training with teacher forcing: the batch, the loss, smoothed targets, the learning rate, one step."""

TITLE = "Training with teacher forcing"
TASKS = ("teacher_forced_batch", "padded_cross_entropy", "smoothed_targets", "learning_rate", "training_step")
