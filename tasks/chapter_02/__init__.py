"""Chapter 02, scaling: dividing by the square root of d_k, and seeing why."""

TITLE = "Scaling"
TASKS = ("scaled_scores", "unit_variance_scores", "head_scores", "row_entropy")
