"""Chapter 07, positional encoding: telling attention where things stand."""

TITLE = "Positional encoding"
TASKS = (
    "sinusoidal_positions",
    "SinusoidalPositions",
    "rotate",
    "rotary_attention",
    "relative_scores",
    "alibi_bias",
)
