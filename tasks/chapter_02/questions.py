"""The questions of chapter 02."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="02.why_the_root",
        text=(
            "The components of queries and keys are independent with mean 0 and variance 1. "
            "Why divide by the square root of d_k and not by d_k?"
        ),
        choices=(
            Choice(
                "Because the root is the smaller number, and small scores make softmax unstable.",
                (
                    "Small scores are no danger to softmax. They make its weights "
                    "uniform: that is what dividing by d_k does."
                ),
            ),
            Choice(
                "Because the scores then have variance 1, whatever d_k is.",
                (
                    "The dot product adds d_k terms of variance 1, so its variance is d_k "
                    "and its standard deviation the root of d_k."
                ),
                right=True,
            ),
            Choice(
                "Because a root keeps the scores positive.",
                "d_k and its root are both positive, and scores may well be negative: softmax takes them as they come.",
            ),
            Choice(
                "It makes no difference: softmax ignores a constant factor.",
                "Softmax ignores a constant that is added. A factor makes it sharper or flatter.",
            ),
        ),
    ),
    Question(
        id="02.dead_gradient",
        text="A model was built without scaling, d_k = 1024. Most of its queries do not learn. Which change helps?",
        choices=(
            Choice(
                "A learning rate that is a thousand times larger.",
                (
                    "It multiplies a gradient that is nearly zero, while the few queries that sit on a tie "
                    "are thrown about. The lesson's table tried it: no rate helped."
                ),
            ),
            Choice(
                "More training steps at the same rate.",
                (
                    "A query whose weights are 1 and 0 to sixteen digits receives a gradient "
                    "of zero, and a thousand steps of zero are zero."
                ),
            ),
            Choice(
                "Longer vectors, so that the scores carry more information.",
                "The variance of the scores is d_k: longer vectors make it worse.",
            ),
            Choice(
                "Dividing the scores by 32 before the softmax.",
                (
                    "32 is the root of 1024. The scores get variance 1, the softmax leaves "
                    "its flat end, and p (1 - p) is no longer zero."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="02.one_eighth",
        text=(
            "d_model = 512 and 8 heads. You feed random unit-variance queries and keys to somebody's code "
            "and measure the variance of one head's scores: 0.125. What does the code do?"
        ),
        choices=(
            Choice(
                "It divides by the root of 512 instead of the root of 64.",
                (
                    "A head adds 64 terms, so the products have variance 64, and 64 / 512 = 1/8: "
                    "one over the number of heads."
                ),
                right=True,
            ),
            Choice(
                "It divides by 64 instead of its root.",
                "Then the variance would be 64 / 64² = 1/64, or 0.016.",
            ),
            Choice(
                "It forgets to scale.",
                "Then the variance would be 64, not less than 1.",
            ),
            Choice(
                "Nothing wrong: 0.125 is near enough to 1, and training will adapt.",
                (
                    "Chance does not explain a factor of 8, and the weights start flatter "
                    "than they should. Right code measures 1."
                ),
            ),
        ),
    ),
    Question(
        id="02.scaled_twice",
        text=(
            "A colleague writes `scaled_dot_product_attention(query / math.sqrt(d_k), "
            "key, value)` with PyTorch's function. What happens?"
        ),
        choices=(
            Choice(
                "It is right: the function multiplies query and key, and the caller scales.",
                "The function scales by itself, unless `scale=` says otherwise. Its name says so.",
            ),
            Choice(
                "The query is scaled and the key is not, so their product is off by the root of d_k.",
                (
                    "Scaling the query alone does scale every score: (Q / c) Kᵀ = (Q Kᵀ) / c. "
                    "What matters is how often it is done."
                ),
            ),
            Choice(
                "The scores are divided by d_k in total, and the weights are nearly uniform.",
                (
                    "Once by the caller and once inside, root times root. The shapes are "
                    "right, so only a measurement shows it."
                ),
                right=True,
            ),
        ),
    ),
)
