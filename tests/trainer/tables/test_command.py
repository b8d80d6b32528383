from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cli import main
from tests.argo1m_files import write_argo1m
from tests.trainer.tables.toy import write_own
from trainer.loop.settings import FitSettings
from trainer.methods.paper_tables import SPLITS, TABLE_2
from trainer.narration.encode import encode_narrations
from trainer.narration.hashed_text import HashedText
from trainer.tables import command
from trainer.tables.own_source import OwnSource
from trainer.tables.settings import TrainingSettings

ROOT = Path(__file__).parents[3]
TOY_HEAD = TrainingSettings(
    hidden=16,
    out=16,
    order="fc-relu-bn",
    fit=FitSettings(epochs=14, lr=1e-2, milestones=(10, 12), keep="last"),
    resumable=False,
)
"""Learns the toys' few clips in 28 steps."""


@pytest.fixture
def toy_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SMALL", TOY_HEAD)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Own clips on which nothing is always right; appearance shifts, and r knows nothing of the sound."""
    return write_own(tmp_path_factory.mktemp("noisy"), {"appearance"}, noise=1.5)


def tables(capsys: pytest.CaptureFixture[str], table: str, data: tuple[Path, Path], out: Path, *options: str) -> list:  # type: ignore[type-arg]
    arguments = [
        "tables",
        table,
        str(data[0]),
        "--features",
        str(data[1]),
        "--out",
        str(out),
        "--json",
        "--workers",
        "1",
    ]
    capsys.readouterr()
    assert main([*arguments, *options]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("toy_head")
def test_the_modality_that_shifts_has_the_larger_drop(
    noisy: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (table,) = tables(capsys, "1", noisy, tmp_path, "--seeds", "1")
    (question,) = table["hypotheses"]
    assert question["answer"] == "Yes, in everything measured."
    drops = {row["title"]: row for row in table["panels"][3]["rows"]}
    assert drops["appearance"]["low"] > 20
    for other in ("motion", "audio"):
        assert drops[other]["difference"]["high"] < 0
        assert drops[other]["p_splits_holm"] < 0.02
        assert drops[other]["mean"] < 15
    within = {row["title"]: row["mean"] for row in table["panels"][0]["rows"]}
    assert all(30 < accuracy < 100 for accuracy in within.values()), "a saturated toy proves nothing"


@pytest.mark.usefixtures("toy_head")
def test_a_useless_method_is_not_significant(
    noisy: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """r is drawn without regard to the sound: weighting by it cannot help."""
    (table,) = tables(capsys, "4", noisy, tmp_path, "--seeds", "1")
    rows = {row["title"]: row for row in table["panels"][0]["rows"]}
    weighted = rows["baseline, audio weighted by r"]
    assert weighted["difference"]["mean"] != 0
    assert weighted["p_splits_holm"] > 0.05
    low, high = weighted["difference"]["low"], weighted["difference"]["high"]
    assert low < 0 < high
    (question,) = table["hypotheses"]
    alignment = question["findings"][1]
    assert alignment["what"].startswith("Chance that audio lies closer")
    assert alignment["verdict"] == "contradicted", "the toy's visual narrations name the action, the others any sound"


def test_a_second_command_trains_nothing_and_other_tables_take_what_is_there(
    own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--seeds", "1", "--splits", "Sport/Tokyo,cooking/bristol", "--epochs", "2")
    first = tables(capsys, "3", own, tmp_path, *options)
    written = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    assert len(written) == 4 * 2
    assert tables(capsys, "3", own, tmp_path, *options) == first
    both = tables(capsys, "3,4", own, tmp_path, *options)
    assert both[0] == first[0]
    again = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    assert len(again) == 4 * 2 + 4 * 2, "the baseline of table 4 is that of table 3"
    assert {name: again[name] for name in written} == written
    assert {path.name for path in tmp_path.iterdir()} == {
        "runs",
        *(f"table-{n}{end}" for n in (3, 4) for end in (".md", ".csv", "-runs.csv", ".svg")),
    }


def test_a_killed_command_goes_on_and_ends_with_the_same_files(
    own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--seeds", "2", "--splits", "Sport/Tokyo,Cooking/Bristol", "--epochs", "25")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    arguments = [sys.executable, "-m", "edge.cli", "tables", "2", str(own[0]), "--features", str(own[1])]
    process = subprocess.Popen(
        [*arguments, "--out", str(killed), "--workers", "2", *options], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    finished = _wait_for_results(killed / "runs", 2, process)
    workers = _children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, "it was finished before it could be killed"
    _wait_until_gone(workers)
    before = {path: path.stat().st_mtime_ns for path in finished}

    expected = tables(capsys, "2", own, whole, *options)
    assert tables(capsys, "2", own, killed, *options) == expected
    assert {path: path.stat().st_mtime_ns for path in finished} == before
    names = sorted(path.name for path in whole.rglob("*.*"))
    assert names == sorted(path.name for path in killed.rglob("*.*") if path.suffix != ".part")
    for path in whole.rglob("*.*"):
        assert (killed / path.relative_to(whole)).read_bytes() == path.read_bytes()


def _wait_for_results(folder: Path, count: int, process: subprocess.Popen[bytes]) -> list[Path]:
    while process.poll() is None:
        found = list(folder.glob("*.json"))
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"the command ended with {process.returncode} before {count} results were in {folder}")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_until_gone(pids: list[int]) -> None:
    assert len(pids) >= 2, "two workers were expected"
    """A worker ends with the run it is at; the test's time limit finds one that lives on."""
    while any(_runs(pid) for pid in pids):
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """A dead process whose parent has not asked for it (a zombie) does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_world_answers_every_question(
    world: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--seeds", "1", "--epochs", "1", "--splits", "Co-Tok,Sp-Cat")
    one, four = tables(capsys, "1,4", world, tmp_path, *options)
    questions = [hypothesis["question"] for table in (one, four) for hypothesis in table["hypotheses"]]
    assert [re.split(r"[ ']", question)[1] for question in questions] == ["appearance", "weighting", "audio"]
    assert [panel["splits"] for panel in four["panels"]] == [["Co-Tok", "Sp-Cat"]]
    assert four["panels"][0]["rows"][0]["paper_by_split"] == {}
    assert "table-4.svg" in (tmp_path / "table-4.md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("5",), "table 5: the paper has tables 1 to 4"),
        (("two",), "table 'two': give 1, 2, 3 or 4"),
        (("2", "--seeds", "0"), "--seeds 0: must be at least 1"),
        (("2", "--epochs", "0"), "--epochs 0: must be at least 1"),
        (("2", "--splits", "Mars"), "split 'Mars': there is none"),
        (("2", "--methods", "magic"), "method 'magic': there is none"),
        (("2", "--device", "gpu9"), "--device gpu9: there is no such device"),
    ],
)
def test_wrong_use_is_one_line(
    own: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    table, *others = options
    arguments = ["tables", table, str(own[0]), "--features", str(own[1]), "--out", str(tmp_path / "out"), *others]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_argo1m_has_the_papers_cells_beside_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trainings can go on after a kill: what they keep for that is gone when they are finished."""
    monkeypatch.setattr(command, "PAPER", replace(TOY_HEAD, resumable=True))
    files = write_argo1m(tmp_path / "argo1m", clips_per_domain=8)
    data, out = (files.csv_folder, files.pt_folder), tmp_path / "out"
    (table,) = tables(capsys, "2", data, out, "--seeds", "2", "--epochs", "1", "--manifest", str(files.manifest))
    (row, *_) = table["panels"][0]["rows"]
    assert row["paper_by_split"] == {files.split.title: TABLE_2["erm"][SPLITS.index(files.split.title)]}
    assert row["low"] is None
    assert "only clips whose video has sound" in table["notes"][0]
    assert not (out / "unfinished").exists()

    arguments = [
        "tables",
        "1",
        str(files.csv_folder),
        "--out",
        str(tmp_path / "more"),
        "--seeds",
        "1",
        "--workers",
        "1",
    ]
    assert main([*arguments, "--features", str(files.pt_folder)]) == 1
    assert "put them into one feature store (egoact data pack)" in capsys.readouterr().err
    packed = tmp_path / "packed"
    assert main(["data", "pack", str(files.csv_folder), "--features", str(files.pt_folder), "--out", str(packed)]) == 0
    assert main([*arguments, "--features", str(packed)]) == 0
    assert "(" in capsys.readouterr().out.split("## Notes")[0]


def test_narrations_of_another_encoder_are_other_trainings(
    own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--seeds", "1", "--epochs", "1", "--splits", "Sport/Tokyo")
    (table,) = tables(capsys, "2", own, tmp_path, *options)
    assert any("hashed-text-512." in note for note in table["notes"])
    texts = OwnSource(*own).load("Sport/Tokyo").train.facts.texts
    encode_narrations(texts, HashedText(), tmp_path / "texts", subjects=("He",))
    (table,) = tables(capsys, "2", own, tmp_path, *options, "--narrations", str(tmp_path / "texts"))
    assert any("hashed-text-512 (He)." in note for note in table["notes"])
    assert len(list((tmp_path / "runs").iterdir())) == 2 * 3
