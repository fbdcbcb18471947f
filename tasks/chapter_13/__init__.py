"""Chapter 13, attention and recurrence: a feature map, one sum for all queries, a state, one that corrects itself."""

TITLE = "Attention and recurrence"
TASKS = ("feature_map", "linear_attention", "recurrent_linear_attention", "delta_rule")
