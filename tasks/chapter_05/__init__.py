"""Chapter 05, the self-attention layer: three maps of one input, a fourth for the output, and the sum."""

TITLE = "Self-attention layer"
TASKS = ("self_attention", "SelfAttention", "count_parameters", "project", "residual_self_attention")
