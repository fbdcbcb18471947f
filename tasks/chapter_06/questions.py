"""The questions of chapter 06."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="06.one_average",
        text=(
            "In the lesson, one head could not answer with both marked cards. Which change to the layer with one head "
            "could bring its error below 14/32?"
        ),
        choices=(
            Choice(
                "Training for a hundred times as many steps.",
                (
                    "Training chooses the weights. The bound holds for every choice of them: the average of the cards "
                    "has 18 components, and the answer needs 32."
                ),
            ),
            Choice(
                "Wider maps: W_q, W_k, W_v and W_o with 512 components inside.",
                (
                    "A linear map of 18 numbers fills 18 dimensions, however large the space it lands in. What the "
                    "average has lost comes back in no width."
                ),
            ),
            Choice(
                "A sharper softmax, so that the head looks at one card alone.",
                "Then that card is answered without error, and nothing is known of the other: half of it is lost.",
            ),
            Choice(
                "None of these.",
                (
                    "All of them keep one average of inputs that use 18 components, followed by a linear map. A "
                    "second head brings a second average."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="06.what_grows",
        text="A layer with d_model = 512 gets 16 heads instead of 8. What is doubled?",
        choices=(
            Choice(
                "The parameters: each head brings its own W_q, W_k and W_v.",
                (
                    "Each head has its own, but half as wide: d_k falls from 64 to 32. Laid side by side they are "
                    "512 x 512 as before."
                ),
            ),
            Choice(
                "The number of attention weights: every head has its own map.",
                (
                    "Each head makes one weight for each pair of positions, whatever its size. Parameters and "
                    "matrix operations stay the same."
                ),
                right=True,
            ),
            Choice(
                "The multiplications for the scores: twice as many products Q K^T.",
                "Twice as many products, each of half as many terms: 16 x 32 = 8 x 64.",
            ),
            Choice(
                "The divisor of the scores: the root of the number of heads grows.",
                (
                    "The divisor is the root of d_k = d_model / num_heads. It falls from 8 to 5.66, and it would not "
                    "double in any case."
                ),
            ),
        ),
    ),
    Question(
        id="06.by_luck",
        text=(
            "Scores have shape (batch, num_heads, length, length), and a mask of shape (batch, length, length) is "
            "applied as it is. The tests pass. Then one batch of another size raises an error. Why did the tests pass?"
        ),
        choices=(
            Choice(
                "Their batch had as many sentences as heads, and they looked at the shape only.",
                (
                    "The batch axis of the mask was lined up with the heads: head 0 of every sentence got the "
                    "mask of sentence 0. Shapes were right, weights were not."
                ),
                right=True,
            ),
            Choice(
                "PyTorch recognizes the batch axis by its size.",
                "It knows sizes, not meanings. Axes are lined up from the right, whatever they stand for.",
            ),
            Choice(
                "With few sentences the mask is copied for each head, which is what we want.",
                (
                    "Broadcasting copies along axes of size 1 or missing in front. The missing one in front is the "
                    "batch: the mask was used for every sentence, not for every head."
                ),
            ),
        ),
    ),
    Question(
        id="06.reshape_alone",
        text=(
            "Someone splits by one reshape without a swap, and merges by one reshape without a swap. A test sets all "
            "attention weights to the identity (each position takes itself alone). What does the layer return?"
        ),
        choices=(
            Choice(
                "An error, because the shapes do not fit.",
                "Both reshapes have as many numbers before as after, so both succeed.",
            ),
            Choice(
                "The words in another order.",
                "A reshape moves no number in memory. The one that merges reads them back as they were.",
            ),
            Choice(
                "The right result: the second reshape undoes the first.",
                (
                    "That is why this bug hides so well: a test with trivial weights passes. With real "
                    "weights, the head mixes pieces of a few words."
                ),
                right=True,
            ),
        ),
    ),
)
