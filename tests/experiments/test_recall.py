"""The smallest rows of the recall table come out again, and the tasks and the models are what the table says."""

import pytest
import torch

from experiments import recall
from experiments.record import stored_rows

ROWS = stored_rows("recall")


def test_the_stored_table_is_whole():
    set_columns = list(recall.SETTINGS[0])
    assert [{column: row[column] for column in set_columns} for row in ROWS] == recall.SETTINGS


def test_the_learning_rates_are_the_best_of_those_tried():
    for model, rate in recall.RATES.items():
        tried = stored_rows("recall", model=model, seed=recall.TUNING)
        assert [row["rate"] for row in tried] == list(recall.RATES_TRIED)
        best = max(row["accuracy"] for row in tried)
        assert rate == min(row["rate"] for row in tried if row["accuracy"] == best)


def test_the_models_have_equal_numbers_of_parameters():
    counts = {row["parameters"] for row in ROWS}
    assert max(counts) < 1.01 * min(counts)


@pytest.mark.parametrize("model", ["linear", "delta rule"])
def test_the_smallest_row_comes_out_again(model):
    [stored] = stored_rows("recall", model=model, task="again", pairs=4, seed=0, rate=recall.RATES[model])
    again = recall.run(model, "again", 4, 0, recall.RATES[model])
    assert again["parameters"] == stored["parameters"]
    assert again["accuracy"] == pytest.approx(stored["accuracy"], abs=0.05)


@pytest.mark.parametrize("task", ["once", "again"])
def test_what_is_asked_for_is_the_newest_value_of_the_key(task):
    keys, values, asked, right = recall.draw(task, 5, 3, torch.Generator().manual_seed(1))
    positions = {"once": 5, "again": 10}[task]
    assert keys.shape == values.shape == (3, positions)
    assert asked.shape == right.shape == (3, recall.QUESTIONS)
    for row in range(3):
        assert len(set(keys[row].tolist())) == 5
        newest = dict(zip(keys[row].tolist(), values[row].tolist(), strict=True))
        assert [newest[key] for key in asked[row].tolist()] == right[row].tolist()


@pytest.mark.parametrize("model", recall.RATES)
def test_questions_read_and_do_not_write(model):
    keys, values, asked, _ = recall.draw("again", 5, 3, torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    network = recall.Recall(model)
    torch.testing.assert_close(network(keys, values, asked)[:, 7:8], network(keys, values, asked[:, 7:8]))


@pytest.mark.parametrize("model", ["softmax", "linear", "added"])
def test_without_looking_the_order_of_writing_is_not_seen_and_with_it_it_is(model):
    keys, values, asked, _ = recall.draw("again", 5, 3, torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    network = recall.Recall(model)
    turned = network(keys.flip(1), values.flip(1), asked)
    torch.testing.assert_close(network(keys, values, asked), turned, rtol=1e-4, atol=1e-5)
    delta = recall.Recall("delta rule")
    assert not torch.allclose(delta(keys, values, asked), delta(keys.flip(1), values.flip(1), asked), atol=1e-3)
