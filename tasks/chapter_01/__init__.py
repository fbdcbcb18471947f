"""Chapter 01, dot-product scores: all pairs, the best key, the norms taken out, and the additive alternative."""

TITLE = "Dot-product scores"
TASKS = ("all_scores", "best_keys", "cosine_scores", "additive_scores")
