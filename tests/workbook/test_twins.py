"""One's own Transformer beside the library's and PyTorch's, in a lesson in their place, and where it looks."""

import pytest
import torch
from torch import nn

from course_lib.decoding import greedy, greedy_without_cache
from course_lib.transformer import Sizes
from course_lib.transformer import Transformer as Library
from solutions.my_transformer import Transformer
from workbook.reading import where_it_looks
from workbook.twins import in_the_library, own_transformer, with_the_same_weights

TEXTS = (
    torch.tensor([[3, 1, 4, 1, 5, 8], [2, 7, 1, 8, 0, 0]]),
    torch.tensor([[1, 3, 5, 2], [1, 6, 4, 2]]),
    torch.tensor([6, 4]),
)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Transformer(9, 7, d_model=8, num_heads=2, d_ff=12, num_layers=2).eval()


def test_three_machines_with_the_same_weights_agree(model):
    logits = with_the_same_weights(model, *TEXTS)
    assert set(logits) == {"yours", "the library's", "PyTorch's"}
    for theirs in logits.values():
        assert theirs.shape == (2, 4, 7)
        torch.testing.assert_close(theirs, logits["yours"], rtol=1e-5, atol=1e-5)


def test_a_machine_that_is_not_as_asked_disagrees(model):
    model.positions = nn.Identity()
    logits = with_the_same_weights(model, *TEXTS)
    assert not torch.allclose(logits["PyTorch's"], logits["the library's"], atol=1e-2)


def test_norms_have_other_names_in_the_library():
    assert in_the_library("encoder.blocks.0.norm_feed_forward.bias") == (
        "encoder.blocks.0.around_feed_forward.norm.bias"
    )
    assert in_the_library("decoder.norm.weight") == "decoder.norm.weight"


@pytest.fixture
def twin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no file of one's own here: that of the exercises
    torch.manual_seed(0)
    return own_transformer(Sizes(8, 2, 12, 2), nn.Linear(3, 8), 7)


def test_in_a_lesson_it_counts_and_learns_as_the_librarys(twin):
    library = Library(Sizes(8, 2, 12, 2), nn.Linear(3, 8), 7)
    assert sum(p.numel() for p in twin.parameters()) == sum(p.numel() for p in library.parameters())
    frames, target, lengths = torch.randn(2, 6, 3), TEXTS[1], TEXTS[2]
    twin(frames, target, lengths).sum().backward()
    assert all(parameter.grad is not None for parameter in twin.parameters())
    assert twin.own.encoder.blocks[0].attention.W_q.weight is twin.encoder.blocks[0].attention.W_q.weight


def test_in_a_lesson_the_learners_code_runs_and_the_librarys_decodes_the_same(twin):
    twin.eval()
    assert not twin.own.training
    frames = torch.randn(2, 6, 3)
    torch.testing.assert_close(twin(frames, TEXTS[1]), Library.forward(twin, frames, TEXTS[1]), rtol=1e-5, atol=1e-5)
    limits = {"begin": 1, "end": 2, "max_len": 5}
    assert greedy(twin, frames, TEXTS[2], **limits) == greedy_without_cache(twin, frames, TEXTS[2], **limits)


def test_it_moves_to_another_device_with_all_its_weights(twin):
    twin.to("meta")
    assert {parameter.device.type for parameter in (*twin.parameters(), *twin.own.parameters())} == {"meta"}


def test_where_it_looks_are_the_weights_of_the_last_block(model):
    found = where_it_looks(model, *TEXTS)
    assert found.shape == (2, 4, 6)
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 4))
    assert (found[1, :, 4:] == 0).all()
    block = model.decoder.blocks[-1].cross_attention
    with torch.no_grad():
        block.W_q.weight.zero_()
        block.W_q.bias.zero_()
    even = where_it_looks(model, *TEXTS)
    torch.testing.assert_close(even[0], torch.full((4, 6), 1 / 6))
    torch.testing.assert_close(even[1, :, :4], torch.full((4, 4), 1 / 4))
