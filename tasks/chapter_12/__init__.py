"""Chapter 12, attention and convolution: a filter is a head that looks at one offset."""

TITLE = "Attention and convolution"
TASKS = ("kernel_offsets", "quadratic_scores", "heads_from_kernel", "convolution_by_heads")
