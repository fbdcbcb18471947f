"""The questions of chapter 07."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="07.shuffled",
        text=(
            "A layer of self-attention without positions and without a mask reads a sentence, and then the same "
            "sentence with its words shuffled. What happens to the outputs?"
        ),
        choices=(
            Choice(
                "They are shuffled in the same way; each word has the same output as before.",
                (
                    "Each word meets the same keys and values, only in another order, and a sum does not depend on "
                    "the order. That is permutation equivariance."
                ),
                right=True,
            ),
            Choice(
                "They stay where they are: output 1 is the same vector as before.",
                (
                    "That would be invariance. Output 1 belongs to the word that now stands first, so it moves along. "
                    "Only an average over the outputs stays the same."
                ),
            ),
            Choice(
                "They change, because each word has other neighbors now.",
                (
                    "Attention knows no neighbors. Without positions all other words are equally near, before and "
                    "after shuffling."
                ),
            ),
            Choice(
                "They change a little, because softmax depends on the order of the scores.",
                "Softmax divides each exponential by the sum of all. Shuffled scores have the same weights, shuffled.",
            ),
        ),
    ),
    Question(
        id="07.trained_long",
        text=(
            "A model with learned positions has a table for 512 positions and was trained on texts of at most 128 "
            "tokens. What does it do with a text of 200 tokens?"
        ),
        choices=(
            Choice(
                "It fails with an error: the table ends.",
                "The table has 512 rows, so rows 128 to 199 exist. Past 512 there would be an error.",
            ),
            Choice(
                "It works as well as at 128: the vectors of later positions continue the pattern.",
                (
                    "A learned table has no pattern that could continue: rows are independent numbers, and training "
                    "only changed those it met."
                ),
            ),
            Choice(
                "It runs, but positions from 128 on have the vectors they were initialized with.",
                (
                    "No text ever reached these rows, so no gradient did. In the lesson this dropped from perfect to "
                    "chance, without a warning."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="07.rotary_offset",
        text=(
            "Rotary positions: a query stands at position 7, a key at position 4. Both are moved, to 1007 and 1004. "
            "The score"
        ),
        choices=(
            Choice(
                "becomes smaller, because the positions are larger.",
                "A rotation never changes a length, however far it turns. And the angle between the two stays.",
            ),
            Choice(
                "stays the same, up to rounding.",
                (
                    "Each pair of components of both is turned by the same further angle, and a product depends on "
                    "the angle between them alone."
                ),
                right=True,
            ),
            Choice(
                "changes, unless 1000 is a multiple of the wavelength of every pair.",
                (
                    "That would be so if only one of the two moved. Both turn by the same angle, so it need not be a "
                    "full turn."
                ),
            ),
        ),
    ),
    Question(
        id="07.relative_memory",
        text=(
            "Relative scores in the naive form hold a tensor (batch, heads, n, n, d_k). The efficient form makes n "
            "products of (batch * heads, d_k) with (d_k, n). Why is that allowed?"
        ),
        choices=(
            Choice(
                "Because far distances are clipped, so most of the tensor is zero.",
                (
                    "Clipped pairs share a vector, and it is not zero. The naive tensor is as large with or without "
                    "clipping."
                ),
            ),
            Choice(
                "Because it leaves out the pairs of words that are far apart.",
                "It computes every pair: n products with n columns each, for all batches and heads.",
            ),
            Choice(
                "Because the vector of a pair is the same for all batches and heads.",
                (
                    "The copies along batch and heads are all the same. Queries at one position are stacked and "
                    "multiplied by the n vectors of its pairs at once."
                ),
                right=True,
            ),
            Choice(
                "Because rounding makes the two forms nearly equal.",
                "They are equal on paper, term by term. Only the order of the sums differs.",
            ),
        ),
    ),
)
