"""Chapter 03, softmax and weighted values: from scores to weights and back, the Jacobian, the whole formula."""

TITLE = "Softmax and weighted values"
TASKS = ("softmax", "scores_from_weights", "softmax_jacobian", "attention")
