"""Chapter 06, multi-head attention: split, attend, merge, mix."""

TITLE = "Multi-head attention"
TASKS = ("split_heads", "merge_heads", "MultiHeadAttention", "in_projection")
