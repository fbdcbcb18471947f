"""The questions of chapter 03."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="03.same_weights",
        text="Which scores have the same softmax as 0, 2, 1?",
        choices=(
            Choice(
                "0, 4, 2",
                (
                    "Twice the scores are twice the differences: every ratio of weights is squared. That is a "
                    "temperature of one half."
                ),
            ),
            Choice(
                "0, 2/3, 1/3",
                (
                    "That is the row divided by its sum. The differences have shrunk to a third, and the weights are "
                    "more even: a temperature of 3."
                ),
            ),
            Choice(
                "-5, -3, -4",
                (
                    "5 less for each, so all the differences are the same, and with them all the ratios of weights. "
                    "Negative scores are as good as any."
                ),
                right=True,
            ),
            Choice(
                "None: every row of scores has weights of its own.",
                (
                    "Softmax forgets one thing about its scores: a constant added to all of them. It cancels in the "
                    "fraction."
                ),
            ),
        ),
    ),
    Question(
        id="03.by_pencil",
        text="Two keys have the scores ln 4 and 0, and the values 10 and 0. What is the output?",
        choices=(
            Choice(
                "10",
                (
                    "That would be a lookup: the best key takes all, as it does when the temperature goes to 0. At "
                    "temperature 1 the other key keeps its share."
                ),
            ),
            Choice(
                "8",
                "The exponential of ln 4 is 4, that of 0 is 1. The weights are 4/5 and 1/5, and 4/5 of 10 is 8.",
                right=True,
            ),
            Choice(
                "5",
                (
                    "That is the plain mean, which equal scores would give. Here one score is higher: the weights are "
                    "in the ratio 4 : 1."
                ),
            ),
            Choice(
                "40",
                (
                    "That is 4 times 10: the exponentials have not been divided by their sum, 5. An average of 10 and "
                    "0 cannot be 40."
                ),
            ),
        ),
    ),
    Question(
        id="03.beyond_the_values",
        text="The values have the animal features 2, 1 and 0. Which change can give a query an output of 2.4 there?",
        choices=(
            Choice(
                "A much higher score for the key whose value is 2.",
                (
                    "That brings its weight closer to 1, and the output closer to 2. It can come arbitrarily close, "
                    "and never beyond."
                ),
            ),
            Choice(
                "A temperature close to 0, so that the best key wins.",
                "Cold softmax selects the key with the highest score: the output is then one of the values, 2 at most.",
            ),
            Choice(
                "A very negative score for the key whose value is 0.",
                (
                    "A negative score makes a small weight, never a negative one. With that weight at 0, the output "
                    "lies between 1 and 2."
                ),
            ),
            Choice(
                "None of these: the output lies between 0 and 2.",
                (
                    "Positive weights that sum to one make an average, a convex combination of the values. To get out "
                    "of their hull takes other values, or another layer after this one."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="03.nothing_fits",
        text="A query is orthogonal to every key: all its scores are 0. What does it get?",
        choices=(
            Choice(
                "Zero: weights of 0 for all, since nothing fits.",
                (
                    "A score of 0 is no weight of 0: its exponential is 1. And the weights of a row sum to one, "
                    "whatever the scores are."
                ),
            ),
            Choice(
                "The mean of all the values: equal scores have equal weights.",
                (
                    "With n keys each weight is 1/n. Softmax cannot say that nothing fits: it hands out the whole "
                    "attention in any case."
                ),
                right=True,
            ),
            Choice(
                "NaN: the scores sum to 0, and nothing can be divided by 0.",
                (
                    "What is divided by is the sum of the exponentials, here 1 for each key. It is never 0 in the "
                    "stable form."
                ),
            ),
            Choice(
                "The value of the first key, as argmax would choose it.",
                "Softmax breaks no ties. Equal scores have equal weights at any temperature.",
            ),
        ),
    ),
)
