"""The questions of chapter 12."""

from grader.task import Choice, Question

QUESTIONS = (
    Question(
        id="12.how_many_heads",
        text=(
            "A convolution has 5 x 5 kernels, 3 channels in and 64 out. How many heads does the construction need to "
            "compute it?"
        ),
        choices=(
            Choice(
                "64: one for each channel that comes out.",
                (
                    "A head's map W_h has the shape (3, 64), so each head writes into all 64 channels. What a head "
                    "cannot do is look at two places."
                ),
            ),
            Choice(
                "75: one for each place and each channel that comes in.",
                (
                    "A head gathers whole pixels, all 3 channels at once, and its map W_h mixes them. The places are "
                    "what needs heads."
                ),
            ),
            Choice(
                "25: one for each place of the kernel.",
                (
                    "A head looks at one offset, so 25 places take 25 heads. Channels are no matter of heads: W_h, of "
                    "shape (3, 64), takes all that come in to all that go out."
                ),
                right=True,
            ),
            Choice(
                "4,800: one for each weight.",
                "That is the number of weights, 25 · 3 · 64. One head holds a whole matrix of them, 3 · 64.",
            ),
        ),
    ),
    Question(
        id="12.between_two_pixels",
        text=(
            "A head has learned the center (0, 0.4), not quite halfway to the right neighbor, and alpha = 1,000. What "
            "does it give a query in the middle of the image?"
        ),
        choices=(
            Choice(
                "0.6 of the query's own pixel and 0.4 of the one on its right.",
                (
                    "That is how one reads an image between its pixels, but softmax does not share by distance: the "
                    "scores are -160 and -360, and the exponential of the difference is 0 in any float."
                ),
            ),
            Choice(
                "The query's own pixel alone.",
                (
                    "It is 0.4 away, the neighbor 0.6: scores of -160 and -360. With alpha = 1,000 the nearer one "
                    "takes everything. At alpha = 2 the same head would mix the two, 0.6 to 0.4, and others with them."
                ),
                right=True,
            ),
            Choice(
                "Half of the query's own pixel and half of the one on its right.",
                "That takes the center (0, 0.5), equally far from both. Here one is nearer, and alpha is large.",
            ),
            Choice(
                "Nearly nothing: no pixel is at the center, and all scores are -160 or less.",
                (
                    "Softmax knows differences only, and its weights always sum to 1. The best score gets the most, "
                    "however low it is."
                ),
            ),
        ),
    ),
    Question(
        id="12.no_sharpness",
        text="All centers stay where they are, and alpha is set to 0. What does the layer make of an image?",
        choices=(
            Choice(
                "What conv2d makes of it with the average of its kernel at every place.",
                (
                    "That would average K x K pixels around each query. At alpha 0 a head knows no distance: it "
                    "averages all pixels that there are, near and far."
                ),
            ),
            Choice(
                "The same vector at every pixel.",
                (
                    "All scores are 0, so each head gives every query the plain average of all keys. The heads' maps "
                    "differ, but none depends on the query: the picture is flat."
                ),
                right=True,
            ),
            Choice(
                "Zeros: every score is 0, so nothing is passed on.",
                "A score of 0 is no weight of 0. Equal scores have equal weights, 1 over the number of keys.",
            ),
            Choice(
                "The image, each pixel gone through the sum of all W_h.",
                (
                    "For that, every head would have to look at the query's own pixel: center (0, 0) and a large "
                    "alpha. At alpha 0 centers have no effect."
                ),
            ),
        ),
    ),
    Question(
        id="12.at_the_border",
        text=(
            "An image is 1 everywhere, a 3 x 3 kernel is 1/9 everywhere, and alpha is 40. This time there is no ring: "
            "only real pixels are keys. What comes out in a corner, where conv2d with padding 1 gives 4/9?"
        ),
        choices=(
            Choice(
                "4/9: five of the nine heads find nothing there.",
                (
                    "That needs a ring of zeros, which those five heads look at. Without it their weights still sum to "
                    "1, over the pixels that there are."
                ),
            ),
            Choice(
                "NaN: for five heads there is no key at their center.",
                (
                    "The score of every real pixel is finite, so the softmax has something to share out. It goes to "
                    "the nearest one."
                ),
            ),
            Choice(
                "9/4: the four heads that find a pixel take over the weight of the others.",
                ("Each head has a softmax of its own, and none takes over from another. All nine give 1, times 1/9."),
            ),
            Choice(
                "1: all nine heads find a pixel.",
                (
                    "Attention renormalizes: a head whose center lies outside takes the nearest real pixels, with "
                    "weights that sum to 1. So each of the nine gives 1, times 1/9."
                ),
                right=True,
            ),
        ),
    ),
)
