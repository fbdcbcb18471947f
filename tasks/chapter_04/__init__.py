"""Chapter 04, masking: hiding the padding and the future, and surviving a row with nothing left."""

TITLE = "Masking"
TASKS = ("padding_mask", "causal_mask", "masked_softmax", "masked_attention")
