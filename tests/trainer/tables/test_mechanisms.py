from __future__ import annotations

from tests.trainer.tables.made_up import scores
from trainer.tables.hypotheses import Hypothesis, as_json, as_markdown
from trainer.tables.layout import layout
from trainer.tables.mechanisms import mechanisms
from trainer.tables.panels import Grid, Scores, needed_runs
from trainer.tables.run_score import RunScore
from trainer.tables.runs import Run

GRID = Grid(tuple("abcdefghij"), (0, 1))


def jitter(run: Run) -> float:
    """A little noise that is the same for all methods, so that pairs differ by what is planted."""
    return (sum(map(ord, run.split)) * 7 + run.seed * 3) % 5


def table_1(drops: dict[str, float], grid: Grid = GRID) -> Scores:
    runs = needed_runs(layout(1), grid)

    def accuracy(run: Run, part: str) -> float:
        lost = drops.get(run.modalities, 5) if run.fold is None and part == "test" else 0
        return 60 + jitter(run) - lost

    return scores(runs, accuracy)


def table_4(gain: dict[tuple[str, str], float], auc: dict[str, float]) -> dict[Run, RunScore]:
    runs = list(needed_runs(layout(4), GRID))
    found = scores(runs, lambda run, part: 50 + jitter(run) + gain.get((run.method, part), 0))
    return {run: RunScore(score.parts, {"audio": auc.get(run.method, 0.5)}) for run, score in found.items()}


def verdicts(found: Hypothesis) -> list[str]:
    return [finding.verdict for finding in found.findings]


def test_a_larger_drop_of_appearance_is_found() -> None:
    (found,) = mechanisms(1, GRID, table_1({"ap": 30, "mo": 5, "au": 8}))
    assert verdicts(found) == ["supported"] * 8
    assert found.answer() == "Yes, in everything measured."
    assert (
        found.findings[0].sentence().startswith("Appearance's drop less motion's: +25.00 points (95 % interval +25.00")
    )
    assert "30.0 points lost" in found.beside[0]


def test_a_smaller_one_is_said_as_plainly() -> None:
    (found,) = mechanisms(1, GRID, table_1({"ap": 3, "mo": 5, "au": 20}))
    assert verdicts(found) == ["contradicted"] * 8
    assert found.answer() == "No: everything measured says the opposite."


def test_equal_drops_stay_undecided() -> None:
    (found,) = mechanisms(1, GRID, table_1({}))
    assert verdicts(found) == ["undecided"] * 8
    assert found.answer() == "Not decided by these runs."


def test_mixed_findings_are_counted() -> None:
    (found,) = mechanisms(1, GRID, table_1({"ap": 10, "mo": 5, "au": 20}))
    assert found.answer() == "Not as a whole: of 8 differences, 4 supported, 4 contradicted."


def test_few_splits_decide_nothing_and_say_so() -> None:
    grid = Grid(("a", "b", "c"), (0, 1))
    (found,) = mechanisms(1, grid, table_1({"ap": 30}, grid))
    assert verdicts(found) == ["undecided"] * 8
    assert "with 3 splits no p can fall below 0.25; take more splits" in found.answer()


def test_weighting_by_r_must_help_off_screen_and_more_than_on_screen() -> None:
    everywhere = {(m, part): 4.0 for m in ("erm_r", "narration_aligned") for part in ("onscreen", "offscreen")}
    weighting, _ = mechanisms(4, GRID, table_4(everywhere, {}))
    assert verdicts(weighting) == ["supported", "undecided"] * 2
    off_only = {key: gain for key, gain in everywhere.items() if key[1] == "offscreen"}
    weighting, _ = mechanisms(4, GRID, table_4(off_only, {}))
    assert verdicts(weighting) == ["supported"] * 4
    assert any("without and with r" in line for line in weighting.beside)


def test_audio_narrations_are_compared_by_accuracy_and_by_alignment() -> None:
    _, narrations = mechanisms(4, GRID, table_4({}, {"align_audio": 0.8, "align_visual": 0.6}))
    assert verdicts(narrations) == ["undecided", "supported"]
    assert narrations.findings[1].comparison.difference.mean == 20
    assert "80.0 % for audio and 60.0 % for visual" in narrations.beside[1]


def test_without_knowing_what_is_heard_the_question_is_not_asked() -> None:
    found = {
        run: RunScore({"test": score.parts["test"], "source": score.parts["source"]}, {})
        for run, score in table_4({}, {}).items()
    }
    (narrations,) = mechanisms(4, GRID, found)
    assert narrations.question.startswith("Do audio narrations")
    assert len(narrations.findings) == 1
    assert mechanisms(2, GRID, {}) == mechanisms(3, GRID, {}) == ()


def test_markdown_and_json_say_the_same() -> None:
    (found,) = mechanisms(1, GRID, table_1({"ap": 30}))
    lines, values = as_markdown(found), as_json(found)
    assert lines[0] == f"### {values['question']}"
    assert values["answer"] in lines[2]
    assert [f"- {finding.sentence()}" for finding in found.findings] == lines[4:12]
    assert [finding["verdict"] for finding in values["findings"]] == verdicts(found)
