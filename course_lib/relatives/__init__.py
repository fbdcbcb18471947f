"""What attention is compared with, and what became of it: recurrence, convolution, linear attention, pooling."""
