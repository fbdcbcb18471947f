"""The questions of chapter 08."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="08.which_order",
        text=(
            "In a repository you find `x = x + self.dropout(self.attention(self.norm(x)))`. The text above it says: "
            "the output of each part is LayerNorm(x + Part(x)). What does the program compute?"
        ),
        choices=(
            Choice(
                "Post-norm: the text says so.",
                "The text does describe post-norm. But a program computes its code, and there the norm is inside.",
            ),
            Choice(
                "Pre-norm.",
                (
                    "The norm is applied to what attention gets, and nothing normalizes the sum. Read the line with "
                    "the plus sign: is the norm around the sum or inside the part?"
                ),
                right=True,
            ),
            Choice(
                "Both: the norm of one block is that of the next, so the two are the same.",
                (
                    "It looks so if you shift the norms by half a block. But in post-norm the sum itself is "
                    "normalized, and goes on normalized; in pre-norm x goes on as it was, and only the part sees the "
                    "norm."
                ),
            ),
        ),
    ),
    Question(
        id="08.norm_alone",
        text=(
            "Someone stacks 12 blocks with norms but without residual sums. The gradient of the first block is about "
            "as large as that of the last. Still, the model cannot learn to say two things of two words. Why?"
        ),
        choices=(
            Choice(
                "The gradient is too small: it dies on its way through 12 blocks.",
                "It was measured, and it has not died: the norms keep it up.",
            ),
            Choice(
                "Norms set every vector to length 1, so words of different meaning get equal.",
                (
                    "A norm forgets a vector's length and keeps its direction. Different directions stay different; "
                    "it is the averaging of attention that makes them equal."
                ),
            ),
            Choice(
                "The words are averaged until they are all the same vector.",
                (
                    "Attention averages, and without a sum nothing of the word itself is kept. After a few blocks all "
                    "positions hold the same vector, so no output can depend on which word stands where."
                ),
                right=True,
            ),
            Choice(
                "Without sums the numbers grow until they overflow.",
                "It is sums alone, without norms, that make them grow. Here each block ends in a norm.",
            ),
        ),
    ),
    Question(
        id="08.where_parameters",
        text=("A block has d_model = 512 and d_ff = 2048. You want fewer parameters. Which change saves the most?"),
        choices=(
            Choice(
                "d_ff = 1024",
                (
                    "The feed-forward network has 2 · 512 · 2048 weights, two thirds of the block. Half of them are "
                    "512 · 2048, about a million: a third of the block."
                ),
                right=True,
            ),
            Choice(
                "4 heads instead of 8",
                (
                    "The number of heads changes how d_model is divided up, not the size of the maps (chapter 06): "
                    "nothing is saved."
                ),
            ),
            Choice(
                "RMSNorm instead of LayerNorm, and no biases anywhere",
                "That saves 11 · 512, fewer than 6000 of more than 3 million.",
            ),
            Choice(
                "Sentences of 128 words instead of 512",
                (
                    "Shorter sentences save operations, the more so as scores grow with the square. Parameters do not "
                    "depend on the length."
                ),
            ),
        ),
    ),
    Question(
        id="08.who_moves",
        text=(
            "In a sentence of 20 words, you change the 7th and look at the output of one block. Which parts of the "
            "block alone could make the output of the 12th word move?"
        ),
        choices=(
            Choice(
                "Attention and LayerNorm: both take means.",
                (
                    "LayerNorm's mean runs over the numbers of one word. If it lets the 7th word reach the 12th, its "
                    "axis is wrong."
                ),
            ),
            Choice(
                "All of them: a block is one function of the whole sentence.",
                "It is, but all that passes between words passes through one of its parts.",
            ),
            Choice(
                "Attention and the feed-forward network, which has the same weights for all words.",
                "The weights are shared, the numbers are not: it computes each word's output from that word alone.",
            ),
            Choice(
                "Attention.",
                "Norms, sums and the feed-forward network work on each word alone. Only attention mixes words.",
                right=True,
            ),
        ),
    ),
)
