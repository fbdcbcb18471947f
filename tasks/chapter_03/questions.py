"""The questions of chapter 03, and what later lessons ask about lesson 03 to warm up."""

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
                    "Positive weights that sum to one make an average, and that never leaves the values. To get beyond "
                    "them takes other values, or another layer after this one."
                ),
                right=True,
            ),
        ),
    ),
    Question(
        id="03.nothing_fits",
        text="A query stands at 90 degrees to every key: all its scores are 0. What does it get?",
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

WARM_UPS = (
    Question(
        id="03.three_points_ahead",
        text="In one row, a key's score is 3 points above another's. What do you know about their weights?",
        choices=(
            Choice(
                "Their ratio is 3 to 1.",
                "The scores stand in the exponent of e. Three points make e · e · e, and that is about 20.",
            ),
            Choice(
                "Their ratio is about 20 to 1.",
                "The sum below both is the same and cancels. What is left is e to the power of the difference.",
                right=True,
            ),
            Choice(
                "Their difference is 3.",
                "Weights are shares of 1, so no two of them differ by more than 1.",
            ),
            Choice(
                "Nothing, without the other scores.",
                "You can't tell how large each of them is. But their ratio depends on these two scores alone.",
            ),
        ),
    ),
    Question(
        id="03.inf_by_inf",
        text=(
            "In float16, the scores 20, 19, and 3 have the exponentials inf, inf, and 20, and softmax gives NaN. What "
            "leads to the right weights?"
        ),
        choices=(
            Choice(
                "Divide each score by 20.",
                "No NaN is left, but the differences have shrunk to a twentieth: the weights come out nearly even.",
            ),
            Choice(
                "Add a tiny number to the sum.",
                "That helps against dividing by 0. Here inf is divided by inf, and that stays NaN.",
            ),
            Choice(
                "Subtract 20 from each score.",
                "The same shift for the whole row moves no weight, and now no exponent is above 0.",
                right=True,
            ),
            Choice(
                "Replace inf by a large number.",
                "Then 20 and 19 get the same weight. One point apart, the first should have 2.7 times as much.",
            ),
        ),
    ),
    Question(
        id="03.sums_of_columns",
        text="The rows of a weight matrix sum to 1, its columns to 0.4, 1.9, and 0.7. What is wrong?",
        choices=(
            Choice(
                "Nothing: a key may be read by many.",
                "Each query shares out exactly 1. How much a key collects is another matter: useful words get more.",
                right=True,
            ),
            Choice(
                "Softmax ran over the wrong axis.",
                "Then the columns would sum to 1, and the rows to something else.",
            ),
            Choice(
                "Somebody forgot `keepdims=True`.",
                "Then each row would be divided by the sums of all the rows, and would not sum to 1.",
            ),
        ),
    ),
    Question(
        id="03.cold_tie",
        text="Two of three keys share the highest score. The temperature goes to 0. What becomes of the weights?",
        choices=(
            Choice(
                "1, 0, 0: the first one wins.",
                "Softmax doesn't look at places. Equal scores have equal weights at any temperature.",
            ),
            Choice(
                "½, ½, 0: they share all of it.",
                "Their ratio is e to the power of 0, so 1, however cold it gets. The third is left with nothing.",
                right=True,
            ),
            Choice(
                "1, 1, 0: both are the best.",
                "The weights of a row sum to one. Two of them can't both be 1.",
            ),
            Choice(
                "⅓, ⅓, ⅓: all become even.",
                "That is what heat does. Cold stretches the differences, and the third key falls behind.",
            ),
        ),
    ),
    Question(
        id="03.two_words_swap",
        text="Two words swap places; all keep their queries, keys, and values. What becomes of a third word's output?",
        choices=(
            Choice(
                "It changes: its neighbors are others.",
                "A score is made of one query and one key. Where the key stands doesn't enter it.",
            ),
            Choice(
                "It changes if it reads from one of the two.",
                "It reads the same value with the same weight as before, only at another place of the sum.",
            ),
            Choice(
                "It stays: the same terms are summed.",
                "Each value keeps the weight of its own key, and a sum doesn't depend on the order of its terms.",
                right=True,
            ),
            Choice(
                "It becomes the mean of old and new.",
                "Nothing is averaged over orders. There are just as many terms as before, and the same ones.",
            ),
        ),
    ),
    Question(
        id="03.shape_of_the_output",
        text="Queries (3, 8), keys (5, 8), values (5, 2). What shape has the output of attention?",
        choices=(
            Choice(
                "(3, 2)",
                "A row for each of the 3 queries, and in it an average of values, which have 2 numbers each.",
                right=True,
            ),
            Choice(
                "(3, 5)",
                "That is the shape of the weights: 3 queries, 5 keys. They are still to be multiplied by the values.",
            ),
            Choice(
                "(5, 2)",
                "That is the shape of the values. There is one output for each query, not for each key.",
            ),
            Choice(
                "(3, 8)",
                "The 8 is used up in the dot products of queries and keys. What is mixed are the values.",
            ),
        ),
    ),
    Question(
        id="03.which_fits_better",
        text="One key gets the weight .6 from query A and .3 from query B. Which query does it fit better?",
        choices=(
            Choice(
                "Query A, since .6 is more.",
                "A's other keys may fit even worse than this one. Then it gets .6 with a low score.",
            ),
            Choice(
                "Query B, since it shares more evenly.",
                "How evenly B shares says how its keys compare with each other, not how well any of them fits.",
            ),
            Choice(
                "Both alike: it is the same key.",
                "The key is the same, the queries are not, and a score is made of both.",
            ),
            Choice(
                "The weights alone can't tell.",
                "A weight is a share among the keys of one row. Add 5 to all scores of A, and it stays .6.",
                right=True,
            ),
        ),
    ),
    Question(
        id="03.parked_weight",
        text='A language model gives half its weight to the first word of every text, even to "The". A likely reason?',
        choices=(
            Choice(
                "The first word says what the text is about.",
                '"The" says nothing about it. The model does this whatever the first word is.',
            ),
            Choice(
                "Softmax overflows at the first score.",
                "An overflow gives NaN, not one half. Libraries subtract each row's maximum, so there is none.",
            ),
            Choice(
                "Weight that nobody needs must go somewhere.",
                "Each row sums to one, so softmax can never say that nothing fits. Training found a place for that.",
                right=True,
            ),
            Choice(
                "Its scores were never scaled.",
                "Then the weights would be sharp, on one word or another. Always the same place is another matter.",
            ),
        ),
    ),
)
