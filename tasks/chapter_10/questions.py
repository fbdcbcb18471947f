"""The questions of chapter 10."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="10.like_lengths",
        text=(
            "A batch is padded to its longest text, the padding is masked, and the loss skips it. Why does the course "
            "still put texts of like length into one batch?"
        ),
        choices=(
            Choice(
                "Long texts would otherwise push the short ones out of the softmax.",
                "The softmax of one text never sees another text of its batch. Texts share a batch, nothing else.",
            ),
            Choice(
                "So that real tokens do not attend to padding.",
                "The mask sees to that, however much padding there is.",
            ),
            Choice(
                "Padding is computed like everything else, and then thrown away.",
                (
                    "The mask hides the padding from the others, but its position goes through every layer all the "
                    "same. Less of it, less work for the same answer."
                ),
                right=True,
            ),
            Choice(
                "A rectangle needs rows that are equally long.",
                "Padding makes them so. A batch of very different lengths runs as well, only for longer.",
            ),
        ),
    ),
    Question(
        id="10.floor_of_the_loss",
        text=(
            "Trained with smoothing 0.1 on 13 tokens, the loss has come down to 0.55 and stays there. All held-out "
            "texts are written right. What is wrong?"
        ),
        choices=(
            Choice(
                "The learning rate is too small to get the rest of the way to 0.",
                (
                    "No rate gets it to 0. The label is to have about 0.91, and -log of the other shares costs "
                    "something however good the model is."
                ),
            ),
            Choice(
                "Nothing: smoothed targets have an entropy, and no model gets below it.",
                (
                    "The loss is least where the model says exactly the smoothed targets. Then it is their entropy: "
                    "here -0.908 log 0.908 - 12 (0.0077 log 0.0077) = 0.54."
                ),
                right=True,
            ),
            Choice(
                "About half of the tokens are wrong, and decoding hides it.",
                (
                    "A text that is written right has every token right. The loss measures probability, not the share "
                    "of mistakes."
                ),
            ),
            Choice(
                "The padding is counted in the loss.",
                "It might be, but nothing here says so: 0.54 is the least that these targets allow without padding.",
            ),
        ),
    ),
    Question(
        id="10.forced_and_free",
        text=(
            "Given the right beginning at every position, a model gets 97 % of the texts right from the first token to "
            "END. How many does it write right when it is left alone, by greedy choice?"
        ),
        choices=(
            Choice(
                "Fewer: its mistakes add up from token to token.",
                (
                    "They do, but only in a text with a first mistake, and that text is lost in both counts. In it, "
                    "more tokens may go wrong: the gap shows in tokens, not in whole texts."
                ),
            ),
            Choice(
                "More: it is not disturbed by inputs that it would not have written.",
                (
                    "As long as it is right, it would have written just those inputs. Where it first is not, the text "
                    "is counted wrong both ways."
                ),
            ),
            Choice(
                "97 %, the same texts.",
                (
                    "Up to its first mistake, what it wrote is what it would have been given. So the first mistake "
                    "comes at the same place, or nowhere. The gap lies behind it: in the single tokens."
                ),
                right=True,
            ),
            Choice(
                "That cannot be known without trying.",
                (
                    "For the share of right tokens, true. For whole texts it follows: up to the first mistake both "
                    "give the model the same inputs."
                ),
            ),
        ),
    ),
    Question(
        id="10.days_apart",
        text=(
            "The dates are split by day: of a held-out day, no text in any language is in the training set. Someone "
            "splits the written texts at random instead. What is the trouble with their 100 %?"
        ),
        choices=(
            Choice(
                "None: no text of the one part is in the other.",
                (
                    "No text, but its answer: the day has been seen in other languages, so the score could not tell "
                    "reading from recognizing."
                ),
            ),
            Choice(
                "The same day, under other texts, has been trained on.",
                (
                    "`12 mai 2024` is new, but 2024-05-12 has been the answer to `May 12, 2024`. How well it reads "
                    "days that it never wrote stays unknown."
                ),
                right=True,
            ),
            Choice(
                "A random split leaves out whole languages.",
                "Tens of thousands of texts at random leave every language in both parts.",
            ),
            Choice(
                "The held-out texts are easier than those trained on.",
                "Drawn at random, they are as easy or hard as the others. Look at which days they show.",
            ),
        ),
    ),
    Question(
        id="10.to_go_on",
        text=(
            "Training is stopped after step 600 and goes on the next day, and the result should be that of a run "
            "without the stop. Beside the plan and the data, what has to be in the file?"
        ),
        choices=(
            Choice(
                "The weights, the optimizer's state and the number of steps done.",
                (
                    "AdamW moves by running averages of the gradients, so they go on from where they were. The number "
                    "of the step gives the learning rate, the batch and the seed of the dropout."
                ),
                right=True,
            ),
            Choice(
                "The weights alone: all that was learned is in them.",
                (
                    "What was learned, yes. But warm-up would start again, AdamW's averages would start from zero, "
                    "and the first batches would come a second time."
                ),
            ),
            Choice(
                "The weights and the gradient of step 600.",
                "That gradient has done its work and is thrown away before the next. Its trace is in AdamW's averages.",
            ),
            Choice(
                "The weights and the batches of all the steps taken so far.",
                "Here the batch depends on the number of the step alone, so the number is enough to draw the next.",
            ),
        ),
    ),
)
