"""Chapter 08, the Transformer block: a norm, a network for each word, and the block around attention in both orders."""

TITLE = "The Transformer block"
TASKS = ("layer_norm", "FeedForward", "EncoderBlock", "Encoder", "swiglu")
