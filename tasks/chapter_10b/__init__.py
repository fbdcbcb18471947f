"""Exercise 10b, the capstone: the learner's own Transformer, built of their own parts, learns to read dates."""

TITLE = "Your Transformer"
TASKS = ("build_model", "train")
