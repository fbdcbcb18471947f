"""Chapter 05, the self-attention layer: three maps of one input, a fourth for the output, and the sum."""

TITLE = "Self-attention layer"
TASKS = ("project", "self_attention", "SelfAttention", "residual_self_attention", "count_parameters")
