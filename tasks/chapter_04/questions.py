"""The questions of chapter 04."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="04.large_number",
        text=(
            "A model masks by replacing forbidden scores with -1e9. In one row of the batch, everything is forbidden. "
            "What are the weights of that row?"
        ),
        choices=(
            Choice(
                "All 0: every key is forbidden.",
                (
                    "That is what we would like. But -1e9 is an ordinary score to the softmax, and its weights always "
                    "sum to one."
                ),
            ),
            Choice(
                "NaN, because the sum of exponentials is 0.",
                (
                    "That happens with minus infinity. With -1e9 the largest score of the row is -1e9 too; subtracting "
                    "it leaves zeros, whose exponentials are 1."
                ),
            ),
            Choice(
                "All equal: one over the number of keys.",
                (
                    "Equal scores have equal weights, however low they are: softmax knows differences only. The row "
                    "averages the padding, and nothing looks wrong."
                ),
                right=True,
            ),
            Choice(
                "The same as without a mask.",
                (
                    "That would be so if -1e9 were added to the scores, with enough digits to hold both. Replaced, the "
                    "scores are all the same number."
                ),
            ),
        ),
    ),
    Question(
        id="04.mask_shape",
        text=(
            "Scores have shape (8, 27, 27): 8 dates, 27 queries, 27 keys. Someone computes `torch.where(mask, scores, "
            "-math.inf)` with a padding mask of shape (8, 27). What happens?"
        ),
        choices=(
            Choice(
                "It works: each date is masked by its own row.",
                "Broadcasting lines up axes from the right, so the mask's 8 meets the 27 queries, not the 8 dates.",
            ),
            Choice(
                "An error, because the shapes do not fit each other.",
                (
                    "The axes are lined up from the right: 8 against 27 does not fit. With 27 against 27 it fits by "
                    "accident: query i of every date gets the mask of date i. The axis of size 1 in (8, 1, 27) "
                    "prevents both."
                ),
                right=True,
            ),
            Choice(
                "The padded queries are masked instead of the padded keys.",
                (
                    "That takes the shape (8, 27, 1). In (8, 27) the last axis is that of the keys, and the 8 is taken "
                    "for the queries."
                ),
            ),
        ),
    ),
    Question(
        id="04.left_padding",
        text=(
            "Texts are padded in front, with a sign that has a key and a value of its own, not zeros. A causal mask is "
            "used, but the padding mask is forgotten. Which outputs come out different from those with both masks?"
        ),
        choices=(
            Choice(
                "None: the causal mask hides the padding.",
                "A causal mask hides what comes later. Padding in front comes earlier, so everybody sees it.",
            ),
            Choice(
                "Only those of the padded positions.",
                (
                    "That is so when the padding stands at the end, in the future of every real position. In front it "
                    "is in everybody's past."
                ),
            ),
            Choice(
                "Only those of the real positions.",
                (
                    "These do change: they give weight to the padding. But so do the padded ones, which with both "
                    "masks see nothing and give 0."
                ),
            ),
            Choice(
                "All of them, padded and real alike.",
                (
                    "The padding lies in the past of all. Real positions lose weight to it; padded ones average it, "
                    "instead of giving 0."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="04.two_conventions",
        text=(
            "You have `mask`, boolean, `True` = may attend, as in this course. How do you hand it to "
            "`torch.nn.MultiheadAttention`?"
        ),
        choices=(
            Choice(
                "`attn_mask=~mask`",
                (
                    "In this layer `True` means blocked, so the mask has to be turned around. To "
                    "`torch.nn.functional.scaled_dot_product_attention` you hand it over as it is."
                ),
                right=True,
            ),
            Choice(
                "`attn_mask=mask`",
                (
                    "That is right for `torch.nn.functional.scaled_dot_product_attention`. In the layer, `True` means "
                    "blocked: each position would attend to exactly what it must not see."
                ),
            ),
            Choice(
                "`attn_mask=mask.float()`",
                (
                    "A mask of floating-point numbers is added to the scores: what is allowed gets 1 more, and nothing "
                    "is blocked."
                ),
            ),
            Choice(
                "`attn_mask=mask.T`",
                (
                    "Transposing swaps queries and keys. A causal mask would then show the future; a padding mask "
                    "would no longer fit."
                ),
            ),
        ),
    ),
)
