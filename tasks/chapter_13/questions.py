"""The questions of chapter 13."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="13.which_brackets",
        text=(
            "16,384 positions, one head, d_k = d_v = 32, no mask. (phi(Q) phi(K)^T) V and phi(Q) (phi(K)^T V) give the "
            "same numbers. How large is the array that each makes on its way?"
        ),
        choices=(
            Choice(
                "Both make one of 16,384 x 16,384: the weights have to be somewhere.",
                (
                    "The first does. With the brackets on the right, keys meet values before any query comes, and no "
                    "number that belongs to one query and one key ever arises."
                ),
            ),
            Choice(
                "The first makes one of 16,384 x 16,384, the second one of 32 x 32.",
                (
                    "268 million numbers against 1,024. A matrix product sums over what both sides share: d_k on the "
                    "left, the positions on the right. Twice as many positions make the first four times as large, "
                    "the second not at all."
                ),
                right=True,
            ),
            Choice(
                "The first makes one of 16,384 x 16,384, the second one of 16,384 x 32.",
                (
                    "That is the size of what goes in and what comes out, and both have it. In between, phi(K)^T V "
                    "sums over all positions: what is left has d_k rows and d_v columns."
                ),
            ),
            Choice(
                "Both make one of 32 x 32: the product is the same.",
                (
                    "The result is the same, the way there is not. With the brackets on the left every query meets "
                    "every key first, and that is one number for each pair."
                ),
            ),
        ),
    ),
    Question(
        id="13.why_no_softmax",
        text=(
            "With weights that are products of features, (phi(Q) phi(K)^T) V = phi(Q) (phi(K)^T V): the brackets may "
            "be moved. Why can they not be moved in softmax attention?"
        ),
        choices=(
            Choice(
                "Because its weights have to sum to 1.",
                (
                    "So do those of linear attention: each query's sum is divided by phi(q)^T z. A number for each "
                    "query can be divided by at the end."
                ),
            ),
            Choice(
                "Because its scores are divided by the root of d_k.",
                "That is a number, the same for all. It could be multiplied into the queries beforehand.",
            ),
            Choice(
                "Because e^(q^T k) does not come apart into d_k numbers of the query and d_k numbers of the key.",
                (
                    "phi(q)^T phi(k) does, and so phi(K) can meet V first. e^(q^T k) comes apart only into infinitely "
                    "many numbers. So linear attention is not softmax attention, computed faster: its weights are "
                    "others."
                ),
                right=True,
            ),
            Choice(
                "Because matrix products may not be bracketed as one likes.",
                (
                    "They may: (A B) C = A (B C). But the exponential stands between Q K^T and V, and so it is not a "
                    "product of three matrices."
                ),
            ),
        ),
    ),
    Question(
        id="13.what_generating_keeps",
        text=(
            "A model writes its 10,001st token. One head has d_k = d_v = 64. What does it keep of the 10,000 tokens "
            "before with softmax attention, and what with linear attention?"
        ),
        choices=(
            Choice(
                "1,280,000 numbers with softmax, and 4,160 with linear attention.",
                (
                    "10,000 keys and as many values of 64 numbers each, and one more of both with every token; "
                    "against S, 64 x 64, and z, 64, whatever comes. That is why its tokens do not get slower."
                ),
                right=True,
            ),
            Choice(
                "1,280,000 numbers with softmax, and 640,000 with linear attention: the keys are not needed any more.",
                (
                    "Neither keys nor values are needed any more. Each went into a sum when it came, S and z, and the "
                    "sums are all that later queries ask."
                ),
            ),
            Choice(
                "1,280,000 numbers with either; linear attention reads them faster.",
                (
                    "If it kept them all, it would have to read them all. It keeps sums: S, 64 x 64, and z, 64. What "
                    "cannot be told apart in the sums is lost."
                ),
            ),
            Choice(
                "100,000,000 numbers with softmax, one for each pair, and 4,160 with linear attention.",
                (
                    "The weights of earlier tokens are done with. Only the new token asks, so softmax attention needs "
                    "all keys and values, 2 x 10,000 x 64, and computes one row of weights."
                ),
            ),
        ),
    ),
    Question(
        id="13.what_is_lost",
        text=(
            "A head with d_k = 4 reads 20 pairs of a key and a value, all drawn at random, each key once. Then it is "
            "asked for the values of these keys. What can be said of linear attention, and of the delta rule with all "
            "beta = 1?"
        ),
        choices=(
            Choice(
                "The delta rule gives all 20 back exactly, because it takes the old value away first.",
                (
                    "Right after it was written, a value reads back exactly if its key has length 1. But each later "
                    "correction moves what S holds for every key that is not at right angles to its own."
                ),
            ),
            Choice(
                "Both give all 20 back exactly: S holds a sum, and nothing is ever removed from a sum.",
                (
                    "A sum loses nothing, but it does not say what it was made of. From four rows that hold 20 pairs, "
                    "one cannot tell which part came from which key, unless the keys stand at right angles."
                ),
            ),
            Choice(
                "Both give back the last four pairs exactly, and have forgotten the others.",
                (
                    "No pair has a row of its own in S. Every key is spread over all four rows, and pairs fade into "
                    "one another rather than fall out one by one."
                ),
            ),
            Choice(
                "Neither gives all 20 back exactly: S has only four rows, and 20 keys of four numbers overlap.",
                (
                    "At most four vectors of four numbers stand at right angles to each other, so that 20 share "
                    "directions: reading one reads some of the others, and correcting one changes them. What the "
                    "delta rule is sure to mend is a key that is written again. Softmax attention stores every pair "
                    "by itself, and pays with a cache that grows."
                ),
                right=True,
            ),
        ),
    ),
)
