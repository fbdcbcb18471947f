"""The questions of chapter 01."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="01.longer_key",
        text="One key is made three times as long, its direction stays. Which dot-product scores change?",
        choices=(
            Choice(
                "None: the direction is what counts.",
                "That holds for the cosine. The dot product is length times length times cosine, so a longer key "
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
