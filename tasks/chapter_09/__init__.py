"""Chapter 09, decoder and cross-attention: inputs shifted right, the two masks, the decoder and the whole machine."""

TITLE = "Decoder and cross-attention"
TASKS = ("shift_right", "decoder_mask", "DecoderBlock", "Decoder", "Transformer", "cross_attention")
