"""The questions of chapter 11."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="11.why_logarithms",
        text="Log-mel frames hold the logarithm of the power in each band. What would be worse with the power itself?",
        choices=(
            Choice(
                "Power can be negative, and a network's inputs should not be.",
                "Power is a square and never negative. It is the logarithm that goes below 0, and no network minds.",
            ),
            Choice(
                "A few loud vowels would drown everything else.",
                (
                    "Between a loud vowel and a soft consonant lie factors of thousands. The logarithm makes steps of "
                    "equal size of equal factors, much as the ear does, so that both can be seen."
                ),
                right=True,
            ),
            Choice(
                "The noise of the room would stay in; the logarithm takes it out.",
                (
                    "It takes out nothing. It even makes soft noise easier to see, which is one reason why the floor "
                    "stands inside."
                ),
            ),
            Choice(
                "The frames would not add up to 1, as weights have to.",
                "Frames are inputs, not weights, and their logarithms do not add up to 1 either.",
            ),
        ),
    ),
    Question(
        id="11.padding_in_the_memory",
        text=(
            "In the encoder the padding is masked, in cross-attention it is not. Someone says: that is enough, for the "
            "encoder's mask keeps the padding out of the memory. What is wrong with that?"
        ),
        choices=(
            Choice(
                "Nothing: the padding was zeros, so the memory is 0 there, and a value of 0 changes no average.",
                (
                    "By the last block those positions hold vectors like any others: positions, biases and residual "
                    "sums saw to that. And an average with zeros in it is another average."
                ),
            ),
            Choice(
                "Nothing: padded positions may attend to nothing, so nothing becomes of them.",
                (
                    "The mask hides keys, not queries. A padded position attends to the real ones, and a vector comes "
                    "of it."
                ),
            ),
            Choice(
                "The mask keeps it out of the real positions. The padded positions are still there to be attended to.",
                (
                    "The memory has a vector for each position, padded ones included. Unmasked, the decoder reads them "
                    "too, and what it writes depends on how long the longest utterance of the batch is."
                ),
                right=True,
            ),
            Choice(
                "It is the wrong one of the two: with a mask in cross-attention, the encoder would need none.",
                (
                    "Then the padding flows into the real positions inside the encoder, where no later mask gets it "
                    "out again."
                ),
            ),
        ),
    ),
    Question(
        id="11.three_for_one",
        text="Someone said 三. The model writes 三三三. What is the character error rate?",
        choices=(
            Choice(
                "0 %: what was said is there.",
                "Two characters have to go before it is right, and a deletion is an edit.",
            ),
            Choice(
                "67 %: two of three characters are wrong.",
                "That divides by what was written. Then writing more would make the figure better.",
            ),
            Choice(
                "100 %: worse than all wrong it cannot be.",
                "It can: nothing limits what a model writes. Silence would have had 100 % here.",
            ),
            Choice(
                "200 %.",
                "Two deletions, divided by one character of the target. The rate is no share, so it may exceed 100 %.",
                right=True,
            ),
        ),
    ),
    Question(
        id="11.test_takes_in_training",
        text=(
            "By mistake the utterances for training are strung together from all 50 takes of each digit, the five of "
            "the test split included. On the test utterances the model is then nearly perfect. Does the figure count?"
        ),
        choices=(
            Choice(
                "No: the model has heard these very recordings before.",
                (
                    "It may know them by heart. What the figure should tell, how it does on recordings that it has "
                    "never heard, it no longer tells, and nothing in it warns you."
                ),
                right=True,
            ),
            Choice(
                "Yes: digits and pauses are drawn anew, so it has met none of the test utterances.",
                (
                    "The strings are new, their pieces are not: each digit in them is a recording from training, "
                    "sample by sample."
                ),
            ),
            Choice(
                "Nearly: only 5 takes in 50 were added, so the figure is off by a tenth at most.",
                (
                    "A tenth of the training recordings, but every recording of the test. It is the test's share that "
                    "counts, and that is all of it."
                ),
            ),
            Choice(
                "Yes, if validation figures were just as good.",
                "Those are of no help if their takes were trained on as well. Only unheard recordings tell.",
            ),
        ),
    ),
    Question(
        id="11.when_to_stop",
        text="Nobody tells the decoder how many digits an utterance holds. How does it know when to stop?",
        choices=(
            Choice(
                "It writes one character for each position of the source, and the padding mask tells how many.",
                (
                    "A digit takes a dozen positions or so, one time more, one time fewer. The lengths of source and "
                    "text need not match: cross-attention bridges them."
                ),
            ),
            Choice(
                "It stops at max_len.",
                "That is the emergency brake. A text that gets there was cut off, and it shows.",
            ),
            Choice(
                "It has learned when END is the most probable token.",
                (
                    "END is a token like any other, asked for at the end of each text in training. Once the attention "
                    "has come to the last digit, and none follows, END gets the probability."
                ),
                right=True,
            ),
            Choice(
                "Decoding stops when the attention has reached the last real position.",
                (
                    "No rule of that kind is built in: greedy decoding never looks at the weights. They may well stand "
                    "there when END comes, but that was learned."
                ),
            ),
        ),
    ),
)
