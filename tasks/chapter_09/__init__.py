"""Chapter 09, decoder and cross-attention: inputs shifted right, the two masks, the bridge, and writing until END."""

TITLE = "Decoder and cross-attention"
TASKS = ("shift_right", "decoder_mask", "cross_attention", "greedy_decode")
