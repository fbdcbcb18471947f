"""The questions of chapter 14."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="14.padding_in_the_mean",
        text=(
            "A bidirectional LSTM has read a batch of names, and its states at padded positions were set to 0. Someone "
            "pools with `states.mean(axis=1)`. What comes out for a name?"
        ),
        choices=(
            Choice(
                "The right mean: zeros add nothing.",
                "They add nothing to the sum. But the sum is divided by n, and the zeros are counted there.",
            ),
            Choice(
                "Its mean times length / n, so that it depends on the longest name of the batch.",
                (
                    "The sum is right and divided by n in place of the length. The same name gets a shorter vector "
                    "next to a long one than next to a short one, and training and use see different numbers."
                ),
                right=True,
            ),
            Choice(
                "Its mean plus a constant, the same for all names of the batch.",
                "Nothing is added: zeros change no sum. What changes is the divisor, so the mean is scaled.",
            ),
            Choice(
                "NaN for every name that has padding.",
                "That takes a division by 0, which is what an empty name does to a masked mean. Here n divides.",
            ),
        ),
    ),
    Question(
        id="14.anagrams",
        text=(
            "You leave out the LSTM: the states are the embeddings of the letters themselves, without positions, and "
            "five hops pool them. Which two names can the classifier not tell apart, whatever it learns?"
        ),
        choices=(
            Choice(
                "'mali' and 'mal', as one is the beginning of the other.",
                (
                    "The i takes part in every hop of 'mali' and in none of 'mal', so the sums may differ. A "
                    "beginning in common does not make them equal."
                ),
            ),
            Choice(
                "'oman' and 'osman', as they share most of their letters.",
                "The s is in one of them alone. Its embedding has a score, takes weight and moves the sum.",
            ),
            Choice(
                "'mali' and 'lima', as they have the same letters.",
                (
                    "A letter's score depends on its embedding alone, and a weighted sum does not know in which order "
                    "it was added. Only the LSTM's states know what stood before and behind a letter."
                ),
                right=True,
            ),
            Choice(
                "None: five hops can look at five places.",
                (
                    "Hops look at states, not at places. What a hop finds in one order of the letters, it finds "
                    "with the same weights in any other."
                ),
            ),
        ),
    ),
    Question(
        id="14.no_query",
        text=(
            "Additive attention of chapter 01 has the scores v^T tanh(W_q q + W_k k). A hop has the scores "
            "w^T tanh(W_s1 h), with w a row of W_s2. What has become of the query?"
        ),
        choices=(
            Choice(
                "It is gone. What a hop looks for is learned, w and W_s1, and the same for every name.",
                (
                    "The hop is additive attention with W_q q = 0: h is the key, w is v. Nobody asks from "
                    "outside, so there is one question per hop, fixed after training."
                ),
                right=True,
            ),
            Choice(
                "It is W_s1: each of its rows asks every state.",
                (
                    "W_s1 stands where W_k does: it maps what is asked. All hops share it, and they still look "
                    "at different letters."
                ),
            ),
            Choice(
                "It is the last state, which has read the whole name.",
                "No state has a special part in the formula: all go through the same tanh, one by one.",
            ),
            Choice(
                "Every state is a query, as in self-attention.",
                (
                    "Then there would be n rows of weights, one for each position. Here there are as many as hops, "
                    "however long the name is."
                ),
            ),
        ),
    ),
    Question(
        id="14.short_name",
        text=("Five hops read 'may', a name of three letters. How small can its penalty ||A A^T - I||_F^2 get?"),
        choices=(
            Choice(
                "To 0: each hop takes other weights.",
                (
                    "0 would take five hops without anything in common, each at one letter. The diagonal of 1 asks for "
                    "all the weight on one letter, and there are three letters only."
                ),
            ),
            Choice(
                "To 20 at best: all hops have to be alike.",
                (
                    "20 is what five hops on one and the same letter have: 1 for each of the places off the diagonal. "
                    "With three letters they need not all agree."
                ),
            ),
            Choice(
                "It does not depend on the name: the penalty is one of W_s2.",
                (
                    "The rows of W_s2 may be as different as they like: A is made of the states as well, one A for "
                    "each name, and its overlap is what is measured."
                ),
            ),
            Choice(
                "Never to 0: five hops on three letters must share some.",
                (
                    "0 would take a letter for each hop. With one letter for two hops, another for two, and the third "
                    "for the last, two pairs agree and count twice each: 4. Where hops spread their weights a little, "
                    "it gets down to about 2.4."
                ),
                right=True,
            ),
        ),
    ),
)
