"""The mathematics of attention: the same functions for NumPy arrays and PyTorch tensors, on any device.

PyTorch is imported when a tensor needs it, not before. Figures live in `course_lib.plotting`, data in
`course_lib.data`.
"""

from course_lib.attention import (
    additive_scores,
    attention_weights,
    dot_product_scores,
    scaled_dot_product_attention,
)
from course_lib.masks import causal_mask, combine_masks, padding_mask
from course_lib.namespace import pick_device
from course_lib.softmax import masked_softmax, softmax

__all__ = [
    "additive_scores",
    "attention_weights",
    "causal_mask",
    "combine_masks",
    "dot_product_scores",
    "masked_softmax",
    "padding_mask",
    "pick_device",
    "scaled_dot_product_attention",
    "softmax",
]
