"""Chapter 14, attention as pooling: the mean of what is real, the hops' weights, their overlap, the embedding."""

TITLE = "Attention as pooling"
TASKS = ("mean_pool", "last_states", "hop_weights", "overlap_penalty", "structured_embedding")
