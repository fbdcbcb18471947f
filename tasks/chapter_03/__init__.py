"""Chapter 03, softmax and weighted values: scores to weights and back, the whole formula; optional: the Jacobian."""

TITLE = "Softmax and weighted values"
TASKS = ("softmax", "scores_from_weights", "attention", "softmax_jacobian")
