"""The questions of chapter 02, and what later lessons ask about lesson 02 to warm up."""

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
                "Small scores do softmax no harm. They make its weights uniform: that is what dividing by d_k does.",
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
                    "are thrown about. The lesson tried it (in Deeper): no rate helped."
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
                "Wider vectors, so that the scores carry more information.",
                "The variance of the scores is d_k: wider vectors make it worse.",
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

WARM_UPS = (
    Question(
        id="02.which_divisor",
        text="A model has d_model = 768 and 12 heads. By what are the scores of one head divided?",
        choices=(
            Choice(
                "By 27.7, the root of 768",
                (
                    "That is the root of the model's size. A head adds 768 / 12 = 64 products, and the variance of "
                    "their sum is 64."
                ),
            ),
            Choice(
                "By 64, the size of a head",
                (
                    "64 is the variance of the scores. Dividing a number by 8 divides its variance by 64; dividing by "
                    "64 overshoots."
                ),
            ),
            Choice(
                "By 8, the root of 64",
                "A head adds 768 / 12 = 64 products, so the scores have variance 64 and a typical size of 8.",
                right=True,
            ),
            Choice(
                "By 3.5, the root of 12",
                "12 says how many heads there are. What counts is how many products one score adds up, and that is 64.",
            ),
        ),
    ),
    Question(
        id="02.flatter",
        text="You want flatter weights, the best key still first. What do you do with the scores before the softmax?",
        choices=(
            Choice(
                "Subtract 5 from each.",
                "All powers of e shrink by the same factor, and so does their sum: the weights stay as they were.",
            ),
            Choice(
                "Divide each by 2.",
                (
                    "The differences shrink, and the ratio of two weights is e to the power of their difference. The "
                    "order stays."
                ),
                right=True,
            ),
            Choice(
                "Multiply each by 2.",
                "The differences grow, and the weights get sharper: in the lesson .83 became .98.",
            ),
            Choice(
                "Take the root of each.",
                (
                    "A negative score has no root. And a root squeezes large scores more than small ones, where one "
                    "factor treats all alike."
                ),
            ),
        ),
    ),
    Question(
        id="02.all_alike",
        text=(
            "At the start of training, the weights of every query over 300 keys are all close to 1/300. What "
            "do you suspect?"
        ),
        choices=(
            Choice(
                "The scores are not scaled at all.",
                "Then they would be too large, and a typical query would give nearly everything to one key.",
            ),
            Choice(
                "The vectors are too wide for the root.",
                (
                    "The root keeps the variance at 1 for every width. Without it, wider vectors would make sharper "
                    "weights, not flatter ones."
                ),
            ),
            Choice(
                "The learning rate is too high.",
                "At the start no step has been taken yet: the learning rate cannot have done anything.",
            ),
            Choice(
                "The scores are divided twice.",
                (
                    "Root times root is d_k, and divided by d_k all scores are near 0. By hand and again in the "
                    "library's function: that is how it happens."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="02.ratio_of_weights",
        text="A query gives one key 7 times the weight of another. All scores are doubled. What is the ratio then?",
        choices=(
            Choice(
                "7 to the power of 2: 49",
                "The ratio is e to the power of the difference of two scores. Twice the difference squares it.",
                right=True,
            ),
            Choice(
                "2 times 7: 14",
                "The scores stand in the exponent of e. Twice an exponent squares the power; it does not double it.",
            ),
            Choice(
                "7, as it was before",
                "That holds if the same number is added to all scores. A factor changes their differences.",
            ),
            Choice(
                "The root of 7: 2.6",
                (
                    "That is what halving all scores gives. Larger scores make the first weight more of a winner, not "
                    "less."
                ),
            ),
        ),
    ),
    Question(
        id="02.sum_of_400",
        text=(
            "A score adds up 400 independent products, each with mean 0 and variance 1. How far from 0 is it typically?"
        ),
        choices=(
            Choice(
                "0, because plus and minus cancel",
                (
                    "That is the mean of many scores. A single one hardly ever cancels fully, and its distance from 0 "
                    "is what counts here."
                ),
            ),
            Choice(
                "1, because each product has variance 1",
                "That is one product. Four hundred of them swing farther, and nothing has divided their sum yet.",
            ),
            Choice(
                "400, because there are 400 products",
                "They would all have to have the same sign for it. 400 is the variance, the mean of the squares.",
            ),
            Choice(
                "20, because their variances add up",
                "400 variances of 1 make 400, and the typical distance from 0 is the root of it.",
                right=True,
            ),
        ),
    ),
    Question(
        id="02.same_vector",
        text=(
            "A word's query and key are one and the same random vector: 64 numbers with mean 0 and variance 1. "
            "What is its score with itself, about?"
        ),
        choices=(
            Choice(
                "0: plus and minus cancel",
                (
                    "They would, if query and key were independent. Here every product is a square, and no square is "
                    "negative."
                ),
            ),
            Choice(
                "8: the root of 64",
                (
                    "That is the typical size for two independent vectors, where plus and minus mostly cancel. Here "
                    "nothing cancels."
                ),
            ),
            Choice(
                "64: one for each number",
                (
                    "Every product is a square with mean 1, and 64 of them add up. The derivation needs query and key "
                    "to be independent."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="02.sharp_and_wrong",
        text=(
            "A query's weights are 1, 0, 0, 0 to sixteen digits, and the 1 stands at the wrong key. What will "
            "training do?"
        ),
        choices=(
            Choice(
                "Next to nothing: the slope there is 0.",
                (
                    "The slope is p (1 - p), and that is 0 at 1 as it is at 0. What does not answer to the scores "
                    "cannot be corrected through them."
                ),
                right=True,
            ),
            Choice(
                "Correct it fast: the error is as large as can be.",
                (
                    "The error is large, but on its way to the scores it is multiplied by the slope of the softmax, "
                    "and that is 0."
                ),
            ),
            Choice(
                "Raise the zeros first, then lower the 1.",
                "The slope is p (1 - p), and with p = 0 that is 0, too. All four weights are stuck.",
            ),
            Choice(
                "Correct it, given a high learning rate.",
                (
                    "A rate multiplies the gradient. The lesson tried rates up to 1000 (in Deeper), and at none "
                    "of them did more than a few queries find their key."
                ),
            ),
        ),
    ),
    Question(
        id="02.after_training",
        text=(
            "A model divides by the root of d_k. After training, its scores have variance 20. What does that tell you?"
        ),
        choices=(
            Choice(
                "Its code must be dividing by a wrong number.",
                (
                    "Look at the scores of random input for that. In training the queries turn toward their keys, and "
                    "then the scores grow with the right divisor, too."
                ),
            ),
            Choice(
                "Nothing is wrong: it may have learned sharp weights.",
                (
                    "The division sets the size at the start, so that every query can still move. How sharp the "
                    "weights become is for training to decide."
                ),
                right=True,
            ),
            Choice(
                "It will learn no further, as its softmax is saturated.",
                (
                    "With a standard deviation of 4.5 some queries are sharp and others are not. And those that are "
                    "sharp at the right key need not move."
                ),
            ),
            Choice(
                "In training its vectors have grown to 20 times their norm.",
                (
                    "They need not grow at all. When queries turn toward their keys, the two are no longer "
                    "independent, and their products stop canceling."
                ),
            ),
        ),
    ),
)
