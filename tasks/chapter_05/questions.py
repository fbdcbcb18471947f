"""The questions of chapter 05."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="05.square_weight",
        text=(
            "`layer = nn.Linear(64, 64, bias=False)`. You have a matrix `W_q` for which queries are `x @ W_q`, and "
            "copy it into `layer.weight` as it is. What happens?"
        ),
        choices=(
            Choice(
                "The layer gives the same queries: nn.Linear multiplies by its weight.",
                "It multiplies by the transposed weight: `x @ weight.T`. So the matrix has to go in transposed.",
            ),
            Choice(
                "PyTorch raises an error, because the matrix is the wrong way round.",
                "It would if the two sizes differed. A square matrix fits both ways, and nobody notices.",
            ),
            Choice(
                "No error, and the queries are wrong.",
                "The layer computes `x @ W_q.T`. Both shapes are (64, 64), so only the numbers tell.",
                right=True,
            ),
            Choice(
                "No error, and only the order of the queries changes.",
                "A transposed matrix is another map. Its results are other numbers, not the same ones reordered.",
            ),
        ),
    ),
    Question(
        id="05.unknowns",
        text="Which of these does training change in a self-attention layer?",
        choices=(
            Choice(
                "The maps W_q, W_k, W_v and W_o, and nothing else.",
                (
                    "They are stored in the layer, and every input meets the same ones. All the rest is computed anew "
                    "from them and the input."
                ),
                right=True,
            ),
            Choice(
                "The attention weights: that is why they are called weights.",
                (
                    "The name is unlucky. They are computed from each input and never stored. What is stored are the "
                    "maps, which PyTorch calls weights as well."
                ),
            ),
            Choice(
                "Queries, keys and values of the words.",
                "They differ for every input, and are computed from it by the maps. The maps are what is learned.",
            ),
            Choice(
                "The maps, and the scores between the positions.",
                "Scores are computed from queries and keys. A stored score could serve one sentence only.",
            ),
        ),
    ),
    Question(
        id="05.longer_text",
        text="A layer was trained on texts of 100 tokens. You give it one of 200. What about its parameters?",
        choices=(
            Choice(
                "It needs twice as many: one set for each position.",
                "Every position goes through the same four maps. None of them knows how many there are.",
            ),
            Choice(
                "It needs four times as many, as many as there are scores.",
                "The scores do become four times as many. But they are computed, not stored.",
            ),
            Choice(
                "It cannot take the text: its matrices have the wrong size.",
                "The maps act on one token's vector at a time, and that has kept its size, d_model.",
            ),
            Choice(
                "They stay as they are; only the scores become four times as many.",
                "The maps depend on d_model and d_k. The length appears in Q, K, V and the scores alone.",
                right=True,
            ),
        ),
    ),
    Question(
        id="05.why_residual",
        text="Suppose W_o is 0 throughout. What does a layer with the residual give, and what one without?",
        choices=(
            Choice(
                "Both give 0: without W_o, nothing gets through.",
                "Nothing gets through the layer. But with the residual the input passes beside it.",
            ),
            Choice(
                "With it, the input; without it, 0.",
                (
                    "x + 0 = x: a layer that has nothing to say does no harm, and gradients pass. Without the sum, "
                    "all that came before is lost."
                ),
                right=True,
            ),
            Choice(
                "With it, the average of the values; without it, 0.",
                "The residual adds the input itself. The values come out multiplied by W_o, so they are 0.",
            ),
        ),
    ),
)
