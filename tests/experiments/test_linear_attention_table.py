"""The benchmark runs, what it finds is stored, and the stored table holds what chapter 13 says of it."""

import pytest

from experiments import linear_attention, record

LENGTHS = [128, 256, 512, 1024, 2048, 4096, 8192, 16384]
LINEAR, FUSED, FORMULA, GRU = "linear attention", "softmax, fused kernel", "softmax, by formula", "GRU"
SIZES = {LINEAR: lambda position: 4 * (32 * 32 + 32), FUSED: lambda position: 2 * 4 * 32 * position}


def test_a_small_table_is_measured_and_stored(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(record, "STORED", tmp_path)
    small = ["--lengths", "1", "70", "--positions", "2", "5", "--seconds", "0.01", "--threads", "1"]
    monkeypatch.setattr("sys.argv", ["experiment", *small, "--without-memory"])
    linear_attention.main()
    rows = record.stored_rows("linear_attention", table="lengths")
    methods = [(method, length) for length in (1, 70) for method in (LINEAR, FUSED, FORMULA, GRU)]
    assert sorted((row["method"], row["length"]) for row in rows) == sorted(methods)
    for row in rows:
        assert min(row["forward_seconds"], row["backward_seconds"]) > 0
        assert row["method"] != FUSED or row["forward_ratio"] == row["backward_ratio"] == 1
        assert row["extrapolated"] is False
        assert row["peak_mb"] is None
    generated = record.stored_rows("linear_attention", table="generation")
    assert sorted((row["method"], row["position"]) for row in generated) == sorted(
        (method, position) for method in (LINEAR, FUSED, GRU) for position in (2, 5)
    )
    for row in generated:
        assert row["tokens_per_second"] > 0
        assert row["kept_numbers"] == SIZES.get(row["method"], lambda position: 128)(row["position"])
    assert "tokens a second at position 5 to those at 2" in capfd.readouterr().out


def test_the_stored_table_is_whole():
    rows = record.stored_rows("linear_attention", table="lengths")
    for method in (LINEAR, FUSED, FORMULA, GRU):
        assert [row["length"] for row in rows if row["method"] == method] == LENGTHS
    for row in rows:
        assert row["extrapolated"] is (row["method"] == FORMULA and row["length"] > 4096)
        assert min(row["forward_seconds"], row["backward_seconds"], row["peak_mb"]) > 0
    positions = [(row["method"], row["position"]) for row in record.stored_rows("linear_attention", table="generation")]
    assert sorted(positions) == sorted((m, p) for m in (LINEAR, FUSED, GRU) for p in (100, 1000, 10_000))


def test_what_is_extrapolated_is_four_times_for_each_doubling():
    known, *beyond = record.stored_rows("linear_attention", table="lengths", method=FORMULA)[-3:]
    assert known["length"] == 4096
    for row, factor in zip(beyond, (4, 16), strict=True):
        for column in ("forward_seconds", "backward_seconds", "peak_mb"):
            assert row[column] == pytest.approx(factor * known[column])


def test_the_stored_table_meets_its_bars():
    linear = record.stored_rows("linear_attention", table="lengths", method=LINEAR)
    for row in linear:
        if row["length"] >= 4096:
            assert max(row["forward_ratio"], row["backward_ratio"]) < 1
    peaks = {row["length"]: row["peak_mb"] for row in linear}
    assert all(1.8 < peaks[2 * length] / peaks[length] < 2.2 for length in (1024, 2048, 4096, 8192))
    generated = {
        row["position"]: row for row in record.stored_rows("linear_attention", table="generation", method=LINEAR)
    }
    assert abs(generated[10_000]["ratio"] - 1) < 0.1
    assert generated[100]["kept_numbers"] == generated[10_000]["kept_numbers"]
