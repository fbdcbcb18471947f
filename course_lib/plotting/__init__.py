"""The course's figures, in one visual language; the only package that imports matplotlib.

Every `show_...` function takes PyTorch tensors or NumPy arrays and returns a `CourseFigure`: a notebook cell that ends
with the call displays it. Its text, made from the data, says what the picture shows, for whoever does not see it.
`side_by_side(a, b)` puts figures beside each other. A number has one shade in all of them.

Matrices are drawn as they are written: one row per query, one column per key, numbers in the cells. Colors mean roles,
and no figure says anything by color alone (`show_colors`). `show_machine` draws a machine, boxes and arrows, from the
one description that all drawings of it share, and says in it "you are here".

`explore(draw, **sliders)` draws in the page, at once, what a function makes of the sliders: a sketch (`bars`, `arrows`,
`grid`, `curves`), which is numbers until the browser draws it.

From the ground up: `style` and `words`; `inputs` and `figure`; `cells`; then the files that hold the figures; `sketch`
and `sliders`.
"""

from course_lib.plotting.charts import show_curves, show_distributions
from course_lib.plotting.course_map import show_course_map
from course_lib.plotting.figure import CourseFigure, side_by_side
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
from course_lib.plotting.sketch import arrows, bars, curves, grid
from course_lib.plotting.sliders import explore
from course_lib.plotting.speech import show_filters, show_log_mels, show_speech
from course_lib.plotting.style import COLORS, drawable

__all__ = [
    "ATTENTION",
    "COLORS",
    "ENCODER_BLOCK",
    "MASKED_ATTENTION",
    "TRANSFORMER",
    "CourseFigure",
    "arrows",
    "bars",
    "curves",
    "drawable",
    "explore",
    "grid",
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
