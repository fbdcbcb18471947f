"""Handwritten digits by convolution and by attention: accuracy against the number of pictures to learn from.

Networks of one skeleton and of equal size, in which only the layer differs; beside them logistic regression on the
pixels. The learning rate of each kind of layer is the one of five that reads most pictures right that are left over
when 200 are drawn to learn from (stored as `digits_rates`). The test pictures take no part in that.
"""

import math
from functools import partial

import torch
from torch import nn

from course_lib.data.digits import TRAIN_SIZE, draw_digits, load_digits
from course_lib.relatives.convolution import QuadraticAttention2d, RelativeAttention2d, kernel_offsets
from experiments.record import grid, run_experiment, stored_rows

CHANNELS, STEPS, BATCH = 16, 1000, 32
BASELINE = "logistic regression"


class Convolution(nn.Module):
    """A 3 by 3 convolution in a ring of zeros, with the channels last."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.filter = nn.Conv2d(d_in, d_out, kernel_size=3, padding=1)

    def forward(self, image):
        """Return (..., height, width, d_out) for an image (..., height, width, d_in)."""
        return self.filter(image.movedim(-1, -3)).movedim(-3, -1)


def aimed_attention(d_in, d_out, side, *, aimed=True, alpha=5.0):
    """Return quadratic attention that starts as the heads of a 3 by 3 kernel, fairly sharp, and may then learn."""
    layer = QuadraticAttention2d(d_in, d_out, num_heads=9)
    with torch.no_grad():
        if aimed:
            layer.centers.copy_(torch.from_numpy(kernel_offsets(3)))
        layer.log_alpha.fill_(math.log(alpha))
    return layer


LAYERS = {
    "convolution": lambda d_in, d_out, side: Convolution(d_in, d_out),
    "quadratic attention": lambda d_in, d_out, side: QuadraticAttention2d(d_in, d_out, num_heads=9),
    "full attention": lambda d_in, d_out, side: RelativeAttention2d(d_in, d_out, 4, d_k=8, height=side, width=side),
    "aimed attention": aimed_attention,
}
CONTROLS = {  # what the four leave open; learned with the rate of the layer that they differ from
    "aimed, not sharp": partial(aimed_attention, alpha=1.0),
    "sharp, not aimed": partial(aimed_attention, aimed=False),
    "nine heads": lambda d_in, d_out, side: RelativeAttention2d(d_in, d_out, 9, d_k=8, height=side, width=side),
}
TUNED_AS = {
    **dict.fromkeys(("aimed attention", "aimed, not sharp", "sharp, not aimed"), "quadratic attention"),
    "nine heads": "full attention",  # with twice as many parameters
}


class Reader(nn.Module):
    """One layer on 8 by 8 pixels, two residual ones on 4 by 4, and the mean over all places: which digit is it?"""

    def __init__(self, kind):
        super().__init__()
        layer = (LAYERS | CONTROLS)[kind]
        self.first = layer(1, CHANNELS, 8)
        self.others = nn.ModuleList(layer(CHANNELS, CHANNELS, 4) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(CHANNELS) for _ in range(3))
        self.answer = nn.Linear(CHANNELS, 10)

    def forward(self, images):
        """Return scores (batch, 10) for images (batch, 8, 8, 1)."""
        x = self.first(images).relu()
        x = x.unflatten(2, (4, 2)).unflatten(1, (4, 2)).mean(dim=(2, 4))  # (batch, 4, 4, channels)
        for norm, layer in zip(self.norms, self.others, strict=False):
            x = x + layer(norm(x)).relu()
        return self.answer(self.norms[-1](x).mean(dim=(1, 2)))


def train(kind, digits, rate, seed, each_step=lambda model: None):
    """Return a reader after `STEPS` steps of Adam, the learning rate falling to 0 in a straight line."""
    torch.manual_seed(seed)
    model = Reader(kind)
    images, labels = torch.from_numpy(digits.images), torch.from_numpy(digits.labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / STEPS)
    for _ in range(STEPS):
        batch = torch.randint(len(labels), (BATCH,))
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        each_step(model)
    return model


@torch.no_grad()
def accuracy(model, digits):
    """Return the share of the digits that a reader gets right."""
    found = model(torch.from_numpy(digits.images)).argmax(dim=-1)
    return (found == torch.from_numpy(digits.labels)).float().mean().item()


def try_rate(model, rate, seed):
    """Train on 200 pictures, judge by the training pictures that are left."""
    digits, left = draw_digits(load_digits()[0], 200, seed)
    return {"accuracy": round(accuracy(train(model, digits, rate, seed), left), 4)}


def best_rate(model):
    """Return the rate with the highest mean accuracy in the stored trials, of the layer itself or of its original."""
    trials = stored_rows("digits_rates", model=TUNED_AS.get(model, model))
    rates = {trial["rate"] for trial in trials}
    return max(rates, key=lambda rate: sum(trial["accuracy"] for trial in trials if trial["rate"] == rate))


def run(model, train_size, seed):
    """Train on so many pictures, judge by the 500 of the test."""
    training, test = load_digits()
    digits, _ = draw_digits(training, train_size, seed)
    if model == BASELINE:
        return read_by_pixels(digits, test)
    reader = train(model, digits, best_rate(model), seed)
    result = {
        "accuracy": round(accuracy(reader, test), 4),
        "parameters": sum(p.numel() for p in reader.parameters()),
    }
    if hasattr(reader.first, "centers"):  # where the heads of the first layer look at last, and how sharply
        result["centers"] = [[round(x, 2) for x in center] for center in reader.first.centers.tolist()]
        result["alpha"] = [round(x, 2) for x in reader.first.alpha.tolist()]
    return result


def read_by_pixels(digits, test):
    """Fit scikit-learn's logistic regression, as it comes, to the 64 pixels."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=1000).fit(digits.images.reshape(-1, 64), digits.labels)
    right = fitted.score(test.images.reshape(-1, 64), test.labels)
    return {"accuracy": round(float(right), 4), "parameters": fitted.coef_.size + fitted.intercept_.size}


TRIALS = grid(
    model=["convolution", "quadratic attention", "full attention"],
    rate=[0.0003, 0.001, 0.003, 0.01, 0.03],
    seed=[100, 101],
)
SETTINGS = [
    *grid(model=[BASELINE, *LAYERS], train_size=[50, 150, 400, TRAIN_SIZE], seed=[0, 1, 2, 3, 4]),
    *grid(model=["nine heads"], train_size=[50, TRAIN_SIZE], seed=[0, 1, 2, 3, 4]),
]
STARTS = grid(  # one layer from four starts: neither aimed nor sharp, one of the two, both
    model=["quadratic attention", "aimed, not sharp", "sharp, not aimed", "aimed attention"],
    train_size=[50, TRAIN_SIZE],
    seed=list(range(10)),
)

if __name__ == "__main__":
    run_experiment("digits_rates", try_rate, TRIALS)
    run_experiment("digits", run, SETTINGS)
    run_experiment("digits_starts", run, STARTS)
