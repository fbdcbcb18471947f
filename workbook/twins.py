"""The learner's Transformer beside the library's and PyTorch's: the same weights in all three, the same logits; and in
the place of the library's in the lessons.
"""

import dataclasses
import importlib.util
import re
import sys
from pathlib import Path

import torch

from course_lib.transformer import Sizes
from course_lib.transformer import Transformer as Library
from tasks import CATALOGUE
from tasks.torch_blocks import by_torchs_transformer

EXERCISES = Path(__file__).parents[1] / "exercises"


def with_the_same_weights(model, source, target, source_lengths):
    """Return the logits of three machines with the weights of one's own model: {name: (batch, length, target_size)}.

    Args:
        model: a Transformer as the learner's, pre-norm, in evaluation mode.
        source: (batch, k_len) tokens.
        target: (batch, length) tokens.
        source_lengths: (batch,)
    """
    with torch.no_grad():
        return {
            "yours": model(source, target, source_lengths),
            "the library's": _library_of(model)(source, target, source_lengths),
            "PyTorch's": by_torchs_transformer(model, source, target, source_lengths),
        }


def own_transformer(sizes, source, target_size):
    """Return the learner's own Transformer where a lesson makes the library's; arguments as `course_lib.transformer`'s.

    What runs while it trains is the learner's code. Decoding step by step, and looking at its attention, the library
    does, with the same weights.
    """
    made = _own_module().Transformer(1, target_size, *dataclasses.astuple(sizes))
    made.source = source
    return Twin(sizes, made)


class Twin(Library):
    """The library's Transformer around a learner's: the weights are the learner's, and so is what `forward` runs."""

    def __init__(self, sizes, own):
        super().__init__(sizes, own.source, own.W_vocabulary.out_features)
        share_weights(self, own)
        object.__setattr__(self, "own", own)  # beside it, not inside: every weight counts once

    def forward(self, source, target, source_lengths=None, target_lengths=None):
        """Return the learner's logits; arguments as those of the library's Transformer."""
        if source_lengths is None:
            source_lengths = torch.full((len(source),), source.shape[1], device=source.device)
        return self.own(source, target, source_lengths)

    def train(self, mode=True):
        self.own.train(mode)
        return super().train(mode)

    def _apply(self, function, recurse=True):
        self.own._apply(function, recurse)
        return super()._apply(function, recurse)


def share_weights(library, own):
    """Put the learner's parameters, the very same, into a Transformer of the library."""
    for name, parameter in own.named_parameters():
        if name.startswith("source."):
            continue  # the same module stands in both
        owner, _, last = in_the_library(name).rpartition(".")
        setattr(library.get_submodule(owner), last, parameter)


def in_the_library(name):
    """Return how the library calls a parameter of the learner's: there, norms stand in what is around a part."""
    return re.sub(r"\.norm_(\w+)\.", r".around_\1.norm.", name)


def _library_of(model):
    attention = model.encoder.blocks[0].attention
    hidden = model.encoder.blocks[0].feed_forward.W_1.out_features
    sizes = Sizes(model.W_vocabulary.in_features, attention.num_heads, hidden, len(model.encoder.blocks))
    library = Library(sizes, model.source, model.W_vocabulary.out_features).to(model.W_vocabulary.weight.device)
    share_weights(library, model)
    return library.eval()


def _own_module():
    """Return the learner's file as a module, from the folder of the notebook or else from the exercises."""
    name = CATALOGUE.parts.module
    path = next(folder / f"{name}.py" for folder in (Path(), EXERCISES) if (folder / f"{name}.py").exists())
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
