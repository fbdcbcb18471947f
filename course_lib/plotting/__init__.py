"""The course's figures, in one visual language; the only package that imports matplotlib.

Every `show_...` function takes PyTorch tensors or NumPy arrays and returns a `CourseFigure`: a notebook cell that ends
with the call displays it. Its text, made from the data, says what the picture shows, for whoever does not see it.
`side_by_side(a, b)` puts figures beside each other with one color scale, so that their shades can be compared.

Matrices are drawn as they are written: one row per query, one column per key, numbers in the cells. Colors mean roles,
and no figure says anything by color alone.

From the ground up: `style` and `words`; `inputs` and `figure`; `cells`; then the files that hold the figures.
"""

from course_lib.plotting.charts import show_curves, show_distributions
from course_lib.plotting.course_map import show_course_map
from course_lib.plotting.figure import CourseFigure, explore, side_by_side
from course_lib.plotting.letters import show_letters, show_pooling
from course_lib.plotting.machine import ATTENTION, ENCODER_BLOCK, MASKED_ATTENTION, TRANSFORMER, show_machine
from course_lib.plotting.matrices import (
    show_mask,
    show_padding,
    show_product,
    show_scores,
    show_vectors,
    show_weights,
)
from course_lib.plotting.memory import show_memory
from course_lib.plotting.offsets import show_kernel_heads, show_offsets, show_pictures
from course_lib.plotting.palette import show_colors
from course_lib.plotting.plane import show_arrows, show_combination
from course_lib.plotting.runs import show_runs
from course_lib.plotting.speech import show_filters, show_log_mels, show_speech
from course_lib.plotting.style import COLORS, drawable

__all__ = [
    "ATTENTION",
    "COLORS",
    "ENCODER_BLOCK",
    "MASKED_ATTENTION",
    "TRANSFORMER",
    "CourseFigure",
    "drawable",
    "explore",
    "show_arrows",
    "show_colors",
    "show_combination",
    "show_course_map",
    "show_curves",
    "show_distributions",
    "show_filters",
    "show_kernel_heads",
    "show_letters",
    "show_log_mels",
    "show_machine",
    "show_mask",
    "show_memory",
    "show_offsets",
    "show_padding",
    "show_pictures",
    "show_pooling",
    "show_product",
    "show_runs",
    "show_scores",
    "show_speech",
    "show_vectors",
    "show_weights",
    "side_by_side",
]
