"""The questions of chapter 01, and what later lessons ask about lessons 00 and 01 to warm up."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="01.longer_key",
        text="One key is made three times as long, its direction stays. Which dot-product scores change?",
        choices=(
            Choice(
                "None: the direction is what counts.",
                "That holds for the cosine. The dot product is norm times norm times cosine, so a longer key "
                "changes it.",
            ),
            Choice(
                "One row: the scores of the word that the key belongs to.",
                "A row belongs to a query. The word's query has not changed, only its key, and a key answers in a "
                "column.",
            ),
            Choice(
                "One column: what every query gives to this key, times three.",
                "Key j takes part in column j and nowhere else, and there as a factor. Its positive scores grow, its "
                "negative ones fall, those of 0 stay.",
                right=True,
            ),
            Choice(
                "All of them: the scores of a row share a fixed sum.",
                "Weights share a sum, after the softmax of chapter 03. A score is made of one query and one key, and "
                "no other key enters it.",
            ),
        ),
    ),
    Question(
        id="01.symmetric",
        text=(
            "A sentence scores itself. When is the score matrix its own mirror image, so that i scores j as j scores i?"
        ),
        choices=(
            Choice(
                "When every word's query equals its key.",
                "Then entry [i, j] is the dot product of vectors i and j, whichever comes first. With two different "
                "vectors per word, asking and answering differ: "
                '"it" finds "cat", and "cat" does not look for "it".',
                right=True,
            ),
            Choice(
                "Always: a dot product does not depend on the order of its two vectors.",
                "q · k is k · q, true. But entry [i, j] takes query i and key j, entry [j, i] takes query j and key "
                "i: four different vectors.",
            ),
            Choice(
                "Always when the matrix is square.",
                "Square it must be, but that is not enough: the toy sentence has 6 x 6 scores, 4 at [it, cat] and 0 "
                "at [cat, it].",
            ),
        ),
    ),
    Question(
        id="01.transpose",
        text="The keys have shape (8, 5, 3): eight sentences, five keys, three entries. What shape has key.T in NumPy?",
        choices=(
            Choice(
                "(8, 3, 5), ready for the product.",
                "That is what the product needs, and what key.swapaxes(-2, -1) and key.mT give. NumPy's .T turns all "
                "axes over.",
            ),
            Choice(
                "(3, 5, 8), all axes in reverse order.",
                "And so sentence, key and entry are mixed up. The product wants the last two axes swapped and the "
                "batch left in front: key.swapaxes(-2, -1).",
                right=True,
            ),
            Choice(
                "(5, 8, 3), the first two axes swapped.",
                "That would be key.swapaxes(0, 1), and it mixes the sentences up as well. .T reverses all axes.",
            ),
            Choice(
                "None: .T works for matrices only and raises an error.",
                "PyTorch warns in this case, but NumPy's .T takes any number of axes and reverses them without a "
                "word. That is what makes it dangerous.",
            ),
        ),
    ),
    Question(
        id="01.additive_memory",
        text=(
            "q_len = k_len = 1000 and d_k = d_hidden = 64. Why do additive scores need so much more memory than the "
            "dot product?"
        ),
        choices=(
            Choice(
                "Because of their parameters W_q, W_k and v, of which the dot product has none.",
                "They are 2 · 64 · 64 + 64 = 8256 numbers, against a million scores. They are not the reason.",
            ),
            Choice(
                "Because their score matrix is larger: it holds a vector for each pair, no number.",
                "The scores have the same shape in both: (1000, 1000). The difference lies in what is computed on the"
                " way.",
            ),
            Choice(
                "Because tanh has to keep more decimals, so that large sums do not all become 1.",
                "tanh keeps shape and dtype of what it is given. What it is given here is large.",
            ),
            Choice(
                "Because each query is added to each key before the tanh, and all sums are kept.",
                "A matrix product adds its terms up as it goes and keeps one number per pair. The tanh stands between"
                " the sum and v, so all 64 hidden units "
                "of every pair have to exist first: 1000 · 1000 · 64 numbers.",
                right=True,
            ),
        ),
    ),
)

WARM_UPS = (
    Question(
        id="01.inner_sizes",
        text=(
            "A has shape (5, 2) and B has shape (7, 2): five queries and seven keys. Which product gives all "
            "their scores?"
        ),
        choices=(
            Choice(
                "`A @ B`",
                (
                    "The inner sizes are 2 and 7: an error. Each row of A has to meet a column, and the keys are the "
                    "rows of B."
                ),
            ),
            Choice(
                "`A.T @ B`",
                (
                    "(2, 5) times (7, 2): the inner sizes are 5 and 7, an error. The 2 entries are what has to vanish, "
                    "so they belong inside."
                ),
            ),
            Choice(
                "`A @ B.T`",
                (
                    "(5, 2) times (2, 7): the 2 entries are multiplied pair by pair and summed, and (5, 7) is left, a "
                    "row for each query."
                ),
                right=True,
            ),
            Choice(
                "`A * B`",
                (
                    "Entry by entry, 5 rows against 7: an error. And with as many keys as queries it would run, and "
                    "query i would meet key i alone."
                ),
            ),
        ),
    ),
    Question(
        id="01.no_complaint",
        text="`scores` has shape (6, 6). What does `scores / scores.sum(axis=-1)` divide by what?",
        choices=(
            Choice(
                "Nothing: (6, 6) and (6,) do not fit.",
                "They do: lined up from the right, 6 meets 6. With (6, 4) you would have been told.",
            ),
            Choice(
                "Column j by the sum of row j.",
                (
                    "Without `keepdims=True` the six sums lie flat, one above each column. Nothing complains, and the "
                    "rows do not sum to 1."
                ),
                right=True,
            ),
            Choice(
                "Row i by the sum of row i.",
                "That is what was meant. The sums must stand upright for it, with shape (6, 1): `keepdims=True`.",
            ),
            Choice(
                "All numbers by the sum of them all.",
                "That would be `scores.sum()`. With `axis=-1` there are six sums, one for each row.",
            ),
        ),
    ),
    Question(
        id="01.who_answers_best",
        text="In `scores`, entry [i, j] is what query i gives to key j. What names each query's best key?",
        choices=(
            Choice(
                "`scores.argmax(axis=-1)`",
                "It runs along each row, over the keys, and returns the place of the largest: a key for every query.",
                right=True,
            ),
            Choice(
                "`scores.argmax(axis=0)`",
                (
                    "It runs down each column, over the queries: for every key, who asks for it most. That is another "
                    "question."
                ),
            ),
            Choice(
                "`scores.max(axis=-1)`",
                (
                    "It runs along the right axis and returns how high the best score is. Which key has it, it does "
                    "not tell."
                ),
            ),
            Choice(
                "`scores.argmax()`",
                (
                    "Without an axis there is one answer for the whole matrix, the place of its largest number if all "
                    "rows stood in one line."
                ),
            ),
        ),
    ),
    Question(
        id="01.the_right_average",
        text=(
            "A batch has shape (8, 10, 64): sentences, words, numbers. You want the average word of each "
            "sentence. Which mean is that?"
        ),
        choices=(
            Choice(
                "`batch.mean(axis=0)`",
                "The sentences vanish, and (10, 64) is left: at each of the 10 places, the average over all sentences.",
            ),
            Choice(
                "`batch.mean(axis=-1)`",
                "The 64 numbers vanish, and (8, 10) is left: every word has become a single number.",
            ),
            Choice(
                "`batch.mean(axis=(0, 1))`",
                "Sentences and words vanish, and (64,) is left: the average word of the whole batch.",
            ),
            Choice(
                "`batch.mean(axis=-2)`",
                "The axis that you name vanishes. Without the words, (8, 64) is left: 64 numbers for each sentence.",
                right=True,
            ),
        ),
    ),
    Question(
        id="01.query_three_times",
        text="One word's query becomes three times as long, in the same direction. What changes?",
        choices=(
            Choice(
                "Its column of scores: three times as high.",
                "A column belongs to a key. This word's key is as it was; it only asks more loudly.",
            ),
            Choice(
                "Its best key: long keys come first now.",
                "Every key gains the same factor from the longer query, so the order of the keys stays as it was.",
            ),
            Choice(
                "Its row of scores: three times as high.",
                (
                    "The norm of a query is a factor of its whole row. Who is first, second, last in that row stays "
                    "the same."
                ),
                right=True,
            ),
            Choice(
                "Nothing: a score compares directions.",
                (
                    "The cosine does. The dot product is norm times norm times cosine, so the row is three times "
                    "as high."
                ),
            ),
        ),
    ),
    Question(
        id="01.score_of_zero",
        text="A query and a key, neither of them zero, have the dot product 0. What do you know about them?",
        choices=(
            Choice(
                "They point in opposite directions.",
                "Then the cosine is -1 and the score is negative: the key has what the query refuses.",
            ),
            Choice(
                "The angle between them is 90 degrees.",
                (
                    "Neither norm is 0, so the cosine is. Either they share no entry, or what speaks for the key and "
                    "what speaks against it cancel."
                ),
                right=True,
            ),
            Choice(
                "They are short, so little adds up.",
                (
                    "Norms cannot do it. If any score were left, ten times as long a key would have ten times as "
                    "much; of 0 that is still 0."
                ),
            ),
            Choice(
                "They share no entry that is not 0.",
                (
                    "That is one way to get 0. The other: (2, -2) and (2, 2) share both entries, and 4 - 4 = 0. So "
                    '"it" did not find itself.'
                ),
            ),
        ),
    ),
    Question(
        id="01.shuffled_words",
        text="You shuffle the words of a sentence; each keeps its query and its key. What happens to the score matrix?",
        choices=(
            Choice(
                "Its rows and columns are shuffled, no number changes.",
                (
                    "A score sees two vectors and not where they stand. The same pairs have the same scores, at other "
                    "places of the matrix."
                ),
                right=True,
            ),
            Choice(
                "Its numbers change, for all words have new neighbors.",
                "A score is made of one query and one key. No neighbor enters it, and no position either.",
            ),
            Choice(
                "Nothing: it is the same matrix, number by number.",
                (
                    "The set of numbers is the same. But row i belongs to word i, so the rows move with the words, and "
                    "the columns too."
                ),
            ),
            Choice(
                "Its rows are shuffled, its columns stay.",
                (
                    "That would be so if only the queries were shuffled. Each word brings its key along, and keys are "
                    "the columns."
                ),
            ),
        ),
    ),
    Question(
        id="01.tanh_deleted",
        text=(
            "Additive scores are v · tanh(W_q q + W_k k). Somebody deletes the tanh. Which key does each query "
            "find best?"
        ),
        choices=(
            Choice(
                "The same as before: tanh never changes an order.",
                (
                    "It keeps the order of single numbers. Here several of them are bent first and then added up with "
                    "v, and that can change who wins."
                ),
            ),
            Choice(
                "The longest key, which nothing holds back now.",
                (
                    "Loud keys do get louder. But v · W_k k also asks for a direction, and a long key that points the "
                    "wrong way comes last."
                ),
            ),
            Choice(
                "The same one as every other query does.",
                (
                    "Query and key now stand in two separate terms. The query's is one constant for its whole row, and "
                    "the key's does not know who asks."
                ),
                right=True,
            ),
            Choice(
                "The one with the highest dot product.",
                (
                    "A dot product multiplies query and key. In the sum that is left, no entry of one ever meets an "
                    "entry of the other."
                ),
            ),
        ),
    ),
)
