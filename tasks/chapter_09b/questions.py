"""The questions of chapter 09b."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="09b.size_of_a_cache",
        text=(
            "A decoder has 6 blocks with d_model = 512 and 8 heads. How many numbers do the caches of masked "
            "self-attention hold for one text after 100 tokens?"
        ),
        choices=(
            Choice(
                "6 · 100 · 512: one vector for each block and token.",
                "Each token leaves two vectors in every block: a key and a value. That makes twice as many.",
            ),
            Choice(
                "2 · 6 · 100 · 512: a key and a value for each block and token.",
                (
                    "The 8 heads share the 512 numbers of a key, 64 each. So it is 614,400 numbers, and as many again "
                    "with every further hundred tokens."
                ),
                right=True,
            ),
            Choice(
                "2 · 6 · 8 · 100 · 512: each head has keys and values of its own.",
                "It has, but of d_k = 64 numbers, not of 512. Together the 8 heads have 512 for each key.",
            ),
            Choice(
                "6 · 8 · 100 · 100: the weights of every head.",
                (
                    "Weights are not kept: a new token computes one row of its own, and nobody asks for the earlier "
                    "rows again."
                ),
            ),
        ),
    ),
    Question(
        id="09b.caches_of_a_beam",
        text=(
            "A beam search of width 3 keeps caches: row i of the batch belongs to beginning i. After a step the three "
            "best continuations come from the beginnings 0, 0 and 2. What has to happen to the caches?"
        ),
        choices=(
            Choice(
                "Nothing. Keys and values of earlier tokens never change.",
                (
                    "They do not change, but row 1 still holds those of beginning 1, which has dropped out. Its new "
                    "tenant continues beginning 0."
                ),
            ),
            Choice(
                "The rows 0, 0 and 2 are taken along the batch axis: cache[:, [0, 0, 2]].",
                (
                    "Every new beginning gets the past of the one that it continues, in every block. From here on "
                    "rows 0 and 1 grow apart."
                ),
                right=True,
            ),
            Choice(
                "They are thrown away and computed again: a cache fits greedy decoding alone.",
                (
                    "That would be right and slow. All keys and values that are needed are there; they only stand in "
                    "other rows."
                ),
            ),
        ),
    ),
    Question(
        id="09b.wide_beams_are_brief",
        text=(
            "With alpha = 0, wider and wider beams write shorter and shorter texts: a real finding in translation. "
            "What is behind it?"
        ),
        choices=(
            Choice(
                "An ended text keeps its place in the beam, so a wide beam runs out of places sooner.",
                "The other way round: the wider the beam, the more places are left beside those that have ended.",
            ),
            Choice(
                "A wide beam prefers END, because END is the most probable token on average.",
                (
                    "The width changes no probability. And the first step sees END far down the list: a narrow beam "
                    "never keeps it."
                ),
            ),
            Choice(
                "Every token adds a negative number to log P. A wide beam keeps an early END that a narrow one drops.",
                (
                    "A short text has few terms to add, so even with an improbable END it may win. A narrow beam "
                    "drops it before that shows. Dividing by lp makes up for the length."
                ),
                right=True,
            ),
        ),
    ),
)
