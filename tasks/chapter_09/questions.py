"""The questions of chapter 09."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="09.low_loss",
        text=(
            "After 50 steps of training the loss is 0.02, lower than anyone expected. Decoding from BEGIN writes "
            "`eeeeeeee`. What is the most likely cause?"
        ),
        choices=(
            Choice(
                "It has learned the training texts by heart. More data would help.",
                (
                    "50 steps are few for that. And a network that knows its training texts by heart writes them out; "
                    "it does not babble."
                ),
            ),
            Choice(
                "In training, the network can see the token it is asked for.",
                (
                    "Then copying is all there is to learn, and while decoding there is nothing to copy. Look at the "
                    "shift and at the causal mask."
                ),
                right=True,
            ),
            Choice(
                "Greedy choice is stuck in a loop. Beam search would write the right text.",
                (
                    "A loop can trap greedy choice, but the low loss so early needs a reason too. A network that only "
                    "copies gives beam search nothing to find."
                ),
            ),
        ),
    ),
    Question(
        id="09.causal_bridge",
        text=(
            "By mistake a causal mask is laid over cross-attention: output i may look at source positions up to i. "
            "What does that do to translating `twenty-seven` into `siebenundzwanzig`?"
        ),
        choices=(
            Choice(
                "Nothing: the decoder may not look ahead anyway.",
                "It may not look ahead in what it writes. The source is known in full from the start.",
            ),
            Choice(
                "The loss gets suspiciously low, for something leaks.",
                "A mask that hides more can leak nothing. Leaks come from masks that hide too little.",
            ),
            Choice(
                "It raises an error, as the weights are not square.",
                (
                    "A rectangle can have its lower triangle as well: torch.tril takes any matrix. The shapes fit, and "
                    "nobody is warned."
                ),
            ),
            Choice(
                "The `s` has to be written before `seven` can be seen.",
                (
                    "The first output sees the first source character only, `t`. The unit stands at the end of the "
                    "source, and at the front of the German word."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="09.why_a_cache",
        text="Why may the decoder keep the keys and values of earlier positions from one step to the next?",
        choices=(
            Choice(
                "Earlier positions do not see later ones, so nothing about them changes.",
                (
                    "Causal self-attention, cross-attention to a fixed memory, feed-forward position by position: none "
                    "of them lets a new token change an old position. Without the causal mask the cache would be wrong."
                ),
                right=True,
            ),
            Choice(
                "They change a little with each new token, but too little to matter.",
                "They do not change at all: cached and uncached decoding write the same, and the lesson asserts it.",
            ),
            Choice(
                "Keys and values hold no weights that are trained.",
                "W_k and W_v are trained. While decoding, they stand still, but so do those of the encoder.",
            ),
        ),
    ),
    Question(
        id="09.better_beam",
        text=(
            "For one source, greedy writes the right text with log probability -3.0, and beam search finds a wrong one "
            "with -2.1. What does that say?"
        ),
        choices=(
            Choice(
                "Beam search has a bug: a search that looks further cannot end up worse.",
                (
                    "It did not, by its own measure: -2.1 is higher than -3.0. Probable under the network and right "
                    "are two things."
                ),
            ),
            Choice(
                "The network takes the wrong text for more probable. It needs training, not searching.",
                (
                    "The search did its job and found a text of higher probability. That the network holds it more "
                    "probable than the right one is the network's error."
                ),
                right=True,
            ),
            Choice(
                "-3.0 is more probable than -2.1, so greedy has found the more probable text.",
                "The logarithm grows with the probability: exp(-2.1) is .12 and exp(-3.0) is .05.",
            ),
        ),
    ),
    Question(
        id="09.mask_while_decoding",
        text=(
            "Someone applies the causal mask only while training: when decoding, there is no future to hide. The "
            "decoder has two blocks and runs over all the tokens so far at every step. What happens?"
        ),
        choices=(
            Choice(
                "Nothing. The last position may see all the tokens so far in any case.",
                (
                    "True of the last position in the first block. But the earlier positions now see later ones, and "
                    "the second block reads what has become of them."
                ),
            ),
            Choice(
                "The network copies the token it is asked for.",
                (
                    "While decoding, that token is not among the inputs yet, so there is nothing to copy. What changes "
                    "is how the tokens so far are read."
                ),
            ),
            Choice(
                "The last position reads, in the second block, vectors that training never made.",
                (
                    "Without the mask the earlier positions take in later ones, so the second block gets other vectors "
                    "than it was trained on. With one block alone nobody would notice."
                ),
                right=True,
            ),
            Choice(
                "Decoding stops with an error about shapes at the second step.",
                "All the shapes are as before. That is why this mistake can live long.",
            ),
        ),
    ),
)
