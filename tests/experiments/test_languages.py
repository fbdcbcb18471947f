"""The table of chapter 14: whole, fair, and repeated in its smallest row."""

import pytest
import torch

from course_lib.data.names import read_names
from experiments.languages import (
    BASELINE,
    FOLDS,
    PARAMETERS,
    RATE,
    RATES,
    SETTINGS,
    STRENGTH,
    STRENGTHS,
    TRIED,
    WAYS,
    Task,
    count_parameters,
    hops_apart,
    letters_read,
    new_reader,
    overlap,
    run,
)
from experiments.record import stored_rows


def test_every_row_is_stored():
    stored = stored_rows("languages")
    assert len(stored) == len(SETTINGS)
    for setting, row in zip(SETTINGS, stored, strict=True):
        assert setting.items() <= row.items()


def test_the_smallest_row_comes_out_again():
    setting = {"way": "4 hops", "fold": 0, "part": "test", "rate": RATE, "steps": 100}
    [stored] = stored_rows("languages", **setting)
    again = run(**setting)
    assert again["parameters"] == stored["parameters"]
    for column, tolerance in (
        ("accuracy", 0.05),
        ("training_accuracy", 0.05),
        ("overlap", 0.08),
        ("letters_read", 1.0),
    ):
        assert again[column] == pytest.approx(stored[column], abs=tolerance), column


def test_ways_have_equal_numbers_of_parameters():
    task = Task(0)
    counts = {way: count_parameters(new_reader(way, task)) for way in WAYS}
    assert max(counts.values()) <= 1.05 * min(counts.values())
    assert all(abs(count / PARAMETERS - 1) < 0.025 for count in counts.values())
    for row in stored_rows("languages", part="test"):
        assert row["way"] == BASELINE or row["parameters"] == counts[row["way"]]


@pytest.mark.parametrize("part", ["test", "validation"])
def test_what_is_asked_for_was_not_learned_in_any_language(part):
    names, asked = set(read_names()), []
    for fold in range(FOLDS):
        task = Task(fold, part)
        assert {name.meaning for name in task.held_out}.isdisjoint(name.meaning for name in task.training)
        asked += task.held_out
        if part == "validation":  # what will be asked for at the end plays no part in choosing a learning rate
            assert set(Task(fold).held_out).isdisjoint({*task.training, *task.held_out})
    assert part == "validation" or sorted(asked) == sorted(names)


def test_the_rate_is_the_best_of_those_tried():
    for way in TRIED:
        found = {row["rate"]: row["accuracy"] for row in stored_rows("languages", part="validation", way=way)}
        assert set(found) == set(RATES)
        assert found[RATE] == max(found.values())
    found = {row["C"]: row["accuracy"] for row in stored_rows("languages", part="validation", way=BASELINE)}
    assert set(found) == set(STRENGTHS)
    assert found[STRENGTH] == max(found.values())


def test_a_reader_reads_a_name_alone_as_beside_a_longer_one():
    torch.manual_seed(0)
    task = Task(0)
    names = sorted(task.held_out[:9], key=lambda name: len(name.text))
    tokens, lengths, languages = task.batch(names)
    for way in WAYS:
        model = new_reader(way, task).eval()
        with torch.no_grad():
            together, alone = model(tokens, lengths)[0], model(*task.batch(names[:1])[:2])[0]
        torch.testing.assert_close(together[:1], alone)
    assert tokens.shape == (9, lengths.max())
    assert languages.shape == (9,)


def test_overlap_and_letters_read_by_hand():
    alike = torch.tensor([[[0.5, 0.5, 0, 0]] * 3])
    apart = torch.tensor([[[1.0, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1]]])
    half = torch.tensor([[[0.5, 0.5, 0], [0, 0.5, 0.5]]])  # cosine 1/4 over 1/2
    assert overlap(alike).tolist() == pytest.approx([1])
    assert overlap(apart).tolist() == pytest.approx([0])
    assert overlap(half).tolist() == pytest.approx([0.5])
    assert letters_read(apart).tolist() == [[1, 2, 1]]
    assert hops_apart(half).tolist() == pytest.approx([2 * 0.25**2])
    assert hops_apart(apart).tolist() == [0]
