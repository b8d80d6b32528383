from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.cli import main
from tests.argo1m_files import FAULTS, write_argo1m
from tests.trainer.tables.toy import WIDTH, write_own, write_world
from trainer import train_command
from trainer.checkpoint import load_checkpoint
from trainer.data.world.actions import LABELS
from trainer.features.store import FeatureStore

ROOT = Path(__file__).parents[2]
SMALL = ("--hidden", 16, "--width", 8, "--lr", 3e-3, "--threads", 1, "--device", "cpu")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An own-clips CSV and its feature store."""
    return write_own(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def run(own: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with a held-out domain."""
    csv, store = own
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert train(csv, store, folder, "--split", "Cooking/Tokyo", "--epochs", 8) == 0
    return folder


def train(source: Path, features: Path | None, out: Path, *options: object) -> int:
    given = [] if features is None else ["--features", features]
    return main(["train", *map(str, (source, *given, "--out", out, *SMALL, *options))])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("egoact ")]
    assert len(errors) == 1, lines
    return errors[0]


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert main(["evaluate", *map(str, arguments), "--device", "cpu", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("there", [True, False])
def test_it_says_how_to_have_tensorboard(
    there: bool,
    own: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train_command, "has_tensorboard", lambda: there)
    assert train(*own, tmp_path / "run", "--epochs", 1) == 0
    said = f"figures go to {tmp_path / 'run' / 'metrics.jsonl'}; for TensorBoard: pip install 'egoact[tensorboard]'"
    assert (said in capsys.readouterr().err) == (not there)


def test_own_clips_with_a_held_out_domain(
    run: Path, own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv, store = own
    method, config = load_checkpoint(run)
    assert (config.method, config.split, config.background) == ("narration_aligned", "Cooking/Tokyo", "idle")
    assert config.labels == (*sorted(LABELS[:4]), "idle")
    assert config.feature_spec == {"made": "up"}
    assert len(config.data_sha256) == 64
    assert config.metrics["test"]["all"]["top1"] > 0.6
    assert not method.training
    assert not (run / "state.pt").exists()

    capsys.readouterr()
    found = evaluated(capsys, run, csv, "--features", store, "--confusion", tmp_path / "confusion.csv")
    assert found["part"] == "test"
    assert set(found["domains"]) == {"Cooking/Tokyo"}
    assert set(found["modes"]) == {"all", "video", "audio"}
    for mode, figures in config.metrics["test"].items():
        assert found["modes"][mode]["top1"] == pytest.approx(figures["top1"], abs=1e-4)
    counts = np.array(found["confusion"])
    assert counts.sum() == found["modes"]["all"]["clips"]
    assert counts.trace() / counts.sum() == pytest.approx(found["modes"]["all"]["top1"])
    rows = [line.split(",") for line in (tmp_path / "confusion.csv").read_text().splitlines()]
    assert rows[0] == ["true", *found["labels"]]
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == counts.tolist()

    last = evaluated(capsys, run, csv, "--features", store, "--weights", "last", "--part", "everything")
    assert len(last["domains"]) == 9
    assert sum(domain["all"]["clips"] for domain in last["domains"].values()) == last["modes"]["all"]["clips"]


def test_the_table_is_for_people(run: Path, own: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    csv, store = own
    assert main(["evaluate", str(run), str(csv), "--features", str(store), "--part", "everything"]) == 0
    out = capsys.readouterr().out
    assert "| all clips | clips | top-1 | mean class | calibration error |" in out
    assert "| without audio |" in out
    assert "| Sport/Bristol |" in out


def test_the_world_and_a_head_with_one_modality(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world, store = write_world(tmp_path / "world")
    options = ("--split", "co-tok", "--method", "erm", "--modalities", "ap", "--epochs", 1, "--actions-only", "--json")
    assert train(world, store, tmp_path / "run", *options) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["test"]) == {"all", "video"}, "nothing is seen without video"
    _, config = load_checkpoint(tmp_path / "run")
    assert config.labels == LABELS
    assert config.background is None
    assert set(evaluated(capsys, tmp_path / "run", world, "--features", store)["domains"]) == {"Cooking/Tokyo"}


@pytest.mark.parametrize("kind", ["csv", "beton"])
def test_argo1m(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = write_argo1m(tmp_path / "argo1m")
    source, features = (files.csv_folder, files.pt_folder) if kind == "csv" else (files.beton_folder, None)
    options = ("--split", "Ar_ITA", "--epochs", 1, "--method", "cir", "--hyper", "key_dim=7", "--hyper", "support=OS")
    assert train(source, features, tmp_path / "run", *options) == 0
    _, config = load_checkpoint(tmp_path / "run")
    assert config.hyper == {"key_dim": 7, "support": "OS"}
    assert len(config.labels) == 60
    assert (config.head.appearance_dim, config.head.motion_dim, config.head.audio_dim) == (6144, 768, 768)
    assert config.metrics["test"]["all"]["clips"] == len(files.parts["test"])


@pytest.mark.parametrize("fault", ["no column", "label 60", "location 13"])
def test_faults_of_argo1m_are_one_line(fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = write_argo1m(tmp_path / "argo1m", clips_per_domain=1)
    FAULTS[fault][1](files)
    assert train(files.csv_folder, files.pt_folder, tmp_path / "run", "--split", "Ar_ITA") == 1
    assert "Ar_ITA_" in said(capsys)
    assert not (tmp_path / "run").exists()


def test_nan_in_features_is_refused_at_the_start(
    own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv, store = write_own(tmp_path / "own")
    values = np.memmap(store / "audio.f32", "<f4", "r+").reshape(-1, WIDTH)
    values[len(values) // 2] = np.nan
    values.flush()
    assert train(csv, store, tmp_path / "run") == 1
    assert "audio holds NaN or infinity; extract it again" in said(capsys)


@pytest.mark.parametrize(
    ("options", "code", "line"),
    [
        (("--method", "alchemy"), 2, "method 'alchemy': there is none; take one of erm,"),
        (("--hyper", "gold=1"), 2, "has no hyper-parameter 'gold'; it has: weight,"),
        (("--hyper", "gold"), 2, "--hyper gold: write NAME=VALUE"),
        (("--split", "Nowhere"), 2, "write what is held out as SCENARIO/LOCATION"),
        (("--split", "Cooking/Mars"), 1, "no location 'Mars'; there are"),
        (("--epochs", "0"), 2, "--epochs 0: must be above 0"),
        (("--drop-video", "0.7", "--drop-audio", "0.7"), 2, "together at most 1"),
        (("--milestones", "ten"), 2, "--milestones ten: write epochs"),
        (("--device", "abacus"), 2, "there is no such device here"),
        (("--narrations", "nowhere"), 1, "no embedded narrations here"),
    ],
)
def test_wrong_use_is_one_line(
    options: tuple[str, ...],
    code: int,
    line: str,
    own: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    csv, store = own
    assert train(csv, store, tmp_path / "run", *options) == code
    assert line in said(capsys)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_a_run_is_not_overwritten(
    run: Path, own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv, store = own
    assert train(csv, store, run) == 1
    assert "holds a finished run" in said(capsys)
    (run / "state.pt").write_bytes(b"left by a kill just before the end")
    assert train(csv, store, run, "--resume") == 0
    assert "finished already" in capsys.readouterr().err
    assert not (run / "state.pt").exists()
    (tmp_path / "state.pt").write_bytes(b"half a run")
    assert train(csv, store, tmp_path) == 1
    assert "go on with --resume" in said(capsys)
    assert train(csv, store, tmp_path, "--resume") == 1
    assert "cannot be read" in said(capsys)


def test_clips_that_do_not_fit_the_head_are_refused(
    run: Path, own: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv, store = own
    other, other_store = write_own(tmp_path / "other", labels=("fly", "swim"))
    assert main(["evaluate", str(run), str(other), "--features", str(other_store), "--split", "Sport/Tokyo"]) == 1
    assert "is none of the 5 classes" in said(capsys)

    wide, source = FeatureStore.create(tmp_path / "wide", {"appearance": 5, "motion": 5, "audio": 5}, {}), store
    for name in FeatureStore.open(source).videos:
        rows = FeatureStore.open(source).video(name)
        cut = {kind: getattr(rows, kind)[:, :5] for kind in ("appearance", "motion", "audio")}
        wide.append(name, type(rows)(**{**vars(rows), **cut}))
    assert main(["evaluate", str(run), str(csv), "--features", str(tmp_path / "wide")]) == 1
    assert "features of 15, 15, 5 values (appearance, motion, audio), but the head was trained on 36, 36, 12" in said(
        capsys
    )


def test_killed_for_real_and_resumed(own: tuple[Path, Path], tmp_path: Path) -> None:
    """SIGKILL at some step: the weights of the run that goes on are those of an undisturbed one, bit for bit."""
    csv, store = own
    options = ("--epochs", 60, "--save-every", 0, "--order", "fc-bn-relu-dropout", "--drop-audio", 0.2)
    assert train(csv, store, tmp_path / "undisturbed", *options[:2], "--save-every", 60, *options[4:]) == 0
    command = [
        sys.executable,
        "-m",
        "edge.cli",
        "train",
        csv,
        "--features",
        store,
        "--out",
        tmp_path / "killed",
        *SMALL,
    ]
    process = subprocess.Popen([*map(str, [*command, *options])], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while not (tmp_path / "killed" / "state.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(np.random.default_rng(os.getpid()).random() * 0.3)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was finished before it could be killed"
    assert not (tmp_path / "killed" / "config.json").exists()

    assert train(csv, store, tmp_path / "killed", *options, "--resume") == 0
    for weights in ("model.safetensors", "last.safetensors"):
        resumed, expected = (
            load_checkpoint(tmp_path / name, weights)[0].state_dict() for name in ("killed", "undisturbed")
        )
        assert all(torch.equal(value, resumed[name]) for name, value in expected.items())


@pytest.mark.slow
def test_torchrun_trains_with_two_processes(own: tuple[Path, Path], tmp_path: Path) -> None:
    csv, store = own
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "edge.cli"]
    options = ("--split", "Cooking/Tokyo", "--epochs", 8)
    command = [*launch, "train", csv, "--features", store, "--out", tmp_path / "run", *SMALL, *options]
    subprocess.run([*map(str, command)], cwd=ROOT, check=True, timeout=280)
    _, config = load_checkpoint(tmp_path / "run")
    assert config.metrics["test"]["all"]["top1"] > 0.6
