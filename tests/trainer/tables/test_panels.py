from __future__ import annotations

import numpy as np
import pytest

from edge.errors import UsageError
from tests.trainer.tables.made_up import scores
from trainer.methods.paper_tables import SPLITS, TABLE_1_PRINTED_MEAN_DROP, TABLE_4
from trainer.tables.layout import TABLE_NUMBERS, layout
from trainer.tables.panels import Grid, needed_runs, panels
from trainer.tables.run_score import PartScore, RunScore
from trainer.tables.runs import in_domain
from trainer.tables.statistics import compare, holm
from trainer.tables.summary import as_json, summarise

GRID = Grid(("Me SAU", "Co JPN", "Ar ITA"), (0, 1))


@pytest.mark.parametrize("number", TABLE_NUMBERS)
def test_every_run_that_is_needed_is_read_and_no_other(number: int) -> None:
    table = layout(number)
    read = set()

    class Watched(dict[object, RunScore]):
        def __getitem__(self, key: object) -> RunScore:
            read.add(key)
            return super().__getitem__(key)

    runs = list(needed_runs(table, GRID))
    assert len(runs) == len(set(runs)) == len(table.rows) * 3 * 2 * (3 if number == 1 else 1)
    panels(table, GRID, Watched(scores(runs, lambda run, part: 50)))  # type: ignore[arg-type]
    assert read == set(runs)


def test_tables_share_their_runs() -> None:
    runs = {number: set(needed_runs(layout(number), GRID)) for number in TABLE_NUMBERS}
    baseline = {run for run in runs[2] if run.method == "erm"}
    assert all(baseline <= runs[number] for number in TABLE_NUMBERS)
    assert len(set().union(*runs.values())) == (12 + 2 + 2 + 3) * 6


def test_values_stand_where_their_split_and_seed_are() -> None:
    table = layout(4)
    place = {(split, seed): 10.0 * i + seed for i, split in enumerate(GRID.splits, 1) for seed in GRID.seeds}
    found = scores(needed_runs(table, GRID), lambda run, part: place[run.split, run.seed])
    (panel,) = panels(table, GRID, found)
    assert panel.rows[0].values.tolist() == [[10, 11], [20, 21], [30, 31]]
    assert panel.rows[0].paper == dict(zip(SPLITS, TABLE_4["erm"], strict=False))


def test_accuracy_within_the_domain_pools_the_clips_of_the_folds() -> None:
    table = layout(1)
    found = dict(scores(needed_runs(table, GRID), lambda run, part: 25))
    for row in table.rows:
        for split in GRID.splits:
            for seed in GRID.seeds:
                first, second = in_domain(row.method, row.modalities, split, seed)
                found[first] = RunScore({"test": PartScore(100, 90, 0.9)}, {})
                found[second] = RunScore({"test": PartScore(300, 110, 0.4)}, {})
    within, outside, of_outside, of_within, *_ = panels(table, GRID, found)
    assert (within.rows[0].values == 50).all()
    assert (outside.rows[0].values == 25).all()
    assert (of_outside.rows[0].values == 100).all()
    assert (of_within.rows[0].values == 50).all()
    drops = summarise(of_outside)
    means = {row.title: row.paper_mean for row in summarise(panels(table, Grid(SPLITS[:5], (0,)), _all(table))[2]).rows}
    assert means["motion"] == pytest.approx(TABLE_1_PRINTED_MEAN_DROP["mo"], abs=0.05)
    assert means["audio"] == pytest.approx(31.9, abs=0.05)
    assert drops.reference == "appearance"


def _all(table: object) -> dict:  # type: ignore[type-arg]
    return scores(needed_runs(table, Grid(SPLITS[:5], (0,))), lambda run, part: 50)  # type: ignore[arg-type]


def test_no_right_answer_at_all_is_no_drop_and_no_crash() -> None:
    table = layout(1)
    found = scores(needed_runs(table, GRID), lambda run, part: 0 if run.fold is None else 50)
    summary = as_json(summarise(panels(table, GRID, found)[2]))
    assert {(row["mean"], row["p_splits"]) for row in summary["rows"]} == {(None, 1.0), (None, None)}


def test_a_summary_tests_every_row_against_the_reference() -> None:
    table = layout(2)
    rng = np.random.default_rng(0)
    found = scores(needed_runs(table, GRID), lambda run, part: 40 + 5 * (run.method == "cir") + rng.normal())
    (panel,) = panels(table, GRID, found)
    summary = {row.title: row for row in summarise(panel).rows}
    assert summary["baseline"].comparison is None
    expected = [compare(row.values, panel.rows[0].values) for row in panel.rows[1:]]
    assert [summary[row.title].comparison for row in panel.rows[1:]] == expected
    assert [summary[row.title].p_runs for row in panel.rows[1:]] == holm([c.p_runs for c in expected])
    assert summary["CIR"].by_split == tuple(panel.rows[1].values.mean(axis=1))


def test_the_papers_mean_is_over_the_splits_shown_or_all_of_its_own() -> None:
    table = layout(2)
    for splits, expected in ((("Me SAU", "Co JPN"), (34.7 + 30.7) / 2), (("Co-Tok",), 33.11)):
        grid = Grid(splits, (0,))
        row = summarise(panels(table, grid, scores(needed_runs(table, grid), lambda run, part: 50))[0]).rows[0]
        assert row.paper_mean == pytest.approx(expected, abs=0.005)
        assert set(row.paper) == {split for split in splits if split in SPLITS}


def test_more_methods_are_rows_without_the_papers_figures() -> None:
    table = layout(2, ["rna", "cir", "rna"])
    assert [row.method for row in table.rows] == ["erm", "cir", "narration_aligned", "rna"]
    assert table.rows[-1].paper == {}
    with pytest.raises(UsageError, match="method 'magic'"):
        layout(2, ["magic"])
    with pytest.raises(UsageError, match="tables 1 to 4"):
        layout(5)
