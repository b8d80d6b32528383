"""The starter bundle: published classifiers as labels, by a head that weighs what is seen against what is heard."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.bundle import load_bundle
from edge.cli import main
from edge.contract import HEAD_MASK
from edge.engines.load import load_engines
from export.starter_head import LEAST, NO_SOUND, StarterHead
from tests.trainer.weights.checkpoints import TINY_BEATS, write_beats, write_slowfast
from trainer.models.beats import Beats
from trainer.models.slowfast import SlowFast
from trainer.models.slowfast_checkpoint import load_slowfast

ACTIONS, SOUNDS = ("cutting onions", "washing dishes", "whistling"), ("Speech", "Frying (food)", "Whistling", "Silence")
IDS = ("/m/1", "/m/2", "/m/3", "/m/4")
ORDER = (2, 0, 3, 1)
"""BEATs' own numbering of AudioSet's rows."""


def starter_files(folder: Path) -> dict[str, Path]:
    video = write_slowfast(folder / "SLOWFAST_8x8_R50.pyth", len(ACTIONS), res4_blocks=6)
    audio = write_beats(folder / "beats.pt", len(SOUNDS))
    content = torch.load(audio, weights_only=True)
    torch.save({**content, "label_dict": {number: IDS[row] for number, row in enumerate(ORDER)}}, audio)
    actions = folder / "names.json"
    actions.write_text(json.dumps({f'"{name}"': index for index, name in enumerate(ACTIONS)}))
    sounds = folder / "names.csv"
    with sounds.open("w", newline="") as file:
        csv.writer(file).writerows([("index", "mid", "display_name"), *zip(range(4), IDS, SOUNDS, strict=True)])
    return {"--video": video, "--audio": audio, "--action-names": actions, "--sound-names": sounds}


def starter(files: dict[str, Path], out: Path) -> int:
    options = [str(part) for pair in files.items() for part in pair]
    return main(["export", "--starter", *options, "--out", str(out), "--threads", "1"])


def heads(scale: float = 1.0) -> tuple[SlowFast, Beats, StarterHead]:
    torch.manual_seed(0)
    slowfast = SlowFast((1, 1, 1, 1), width=8, beta_inv=4, num_classes=5)
    beats = Beats(**TINY_BEATS, num_classes=7)
    with torch.no_grad():
        beats.predictor.bias.fill_(scale)  # type: ignore[union-attr]
    return slowfast.eval(), beats.eval(), StarterHead(slowfast, beats, 3).eval()


def clip() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.rand(1, 3 * 256), torch.rand(1, 3 * 64), torch.randn(1, 16)


@pytest.mark.parametrize("loudness", [-4.0, 1.0])
def test_rows_are_what_the_classifiers_say(loudness: float) -> None:
    slowfast, beats, head = heads(loudness)
    appearance, motion, audio = clip()
    with torch.inference_mode():
        probabilities = torch.softmax(head(appearance, motion, audio, torch.from_numpy(HEAD_MASK)), dim=1).numpy()
        mean = (part.reshape(3, -1).mean(dim=0, keepdim=True) for part in (appearance, motion))
        action = slowfast.classify(*mean).softmax(dim=1)[0]
        score = beats.classify(audio).sigmoid()[0].numpy()
    sound = score if score.sum() < 1 else score / score.sum()
    rest = 1 - sound.sum()
    everything, video, ear = probabilities
    close = {"atol": 20 * LEAST}
    np.testing.assert_allclose(video, [*action, *np.zeros(8)], **close)
    np.testing.assert_allclose(ear, [*np.zeros(5), *sound, rest], **close)
    np.testing.assert_allclose(everything, [*0.75 * action, *0.25 * sound, 0.25 * rest], **close)
    assert (rest > 0.5) == (loudness < 0), "in a quiet room the rest speaks"


def test_a_certain_sound_never_outranks_an_action_above_a_third() -> None:
    _, _, head = heads()
    with torch.no_grad():
        head.sounds.bias.copy_(torch.tensor([30.0] + [-30.0] * 6))  # type: ignore[union-attr]
        head.actions.proj.weight.zero_()  # type: ignore[union-attr]
        head.actions.proj.bias.copy_(torch.tensor([0.36, 0.16, 0.16, 0.16, 0.16]).log())  # type: ignore[union-attr]
        row = head(*clip(), torch.from_numpy(HEAD_MASK[:1]))[0]
    assert int(row.argmax()) == 0


def test_a_starter_bundle_from_published_files(tmp_path: Path) -> None:
    files = starter_files(tmp_path)
    assert starter(files, tmp_path / "bundle") == 0
    bundle = load_bundle(tmp_path / "bundle")
    heard = tuple(f"sound: {SOUNDS[row]}" for row in ORDER)
    assert bundle.labels == (*ACTIONS, *heard, NO_SOUND), "in the order of the checkpoint's label_dict"
    assert bundle.background_label == NO_SOUND
    assert bundle.thresholds.on == pytest.approx(0.375)
    engines = load_engines(bundle, threads=1)
    try:
        frames = np.random.default_rng(0).integers(0, 256, (1, 32, 256, 256, 3), dtype=np.uint8)
        row = {name: value.copy() for name, value in engines.video.infer({"frames": frames}).items()}
        audio = np.zeros((1, 16), np.float32)
        inputs = {name: np.tile(row[name], 3) for name in ("appearance", "motion")}
        logits = engines.head.infer({**inputs, "audio": audio, "mask": HEAD_MASK})["logits"]
    finally:
        engines.close()
    net = load_slowfast(files["--video"]).eval()
    with torch.inference_mode():
        expected = net.classify(*(torch.from_numpy(row[name]) for name in ("appearance", "motion"))).softmax(1)
    np.testing.assert_allclose(np.exp(logits[1, :3]), expected[0], atol=1e-4)


def test_what_does_not_fit_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = starter_files(tmp_path)

    def refused(**changed: Path) -> str:
        assert (
            starter(
                {**files, **{f"--{name.replace('_', '-')}": path for name, path in changed.items()}}, tmp_path / "b"
            )
            == 1
        )
        assert not (tmp_path / "b").exists()
        return capsys.readouterr().err.splitlines()[-1]

    headless = write_slowfast(tmp_path / "headless.pyth", None, res4_blocks=6)
    assert "brings no classifier" in refused(video=headless)
    assert "brings no classifier" in refused(audio=write_beats(tmp_path / "pretrained.pt"))
    assert "has no entry 'label_dict'" in refused(audio=write_beats(tmp_path / "undocumented.pt", 4))
    wider = torch.load(files["--video"], weights_only=True)
    wider["model_state"]["blocks.6.proj.weight"] = torch.zeros(3, 999)
    torch.save(wider, tmp_path / "wider.pyth")
    assert "has another shape of weight 'blocks.6.proj.weight'" in refused(video=tmp_path / "wider.pyth")
    del wider["model_state"]["blocks.6.proj.bias"]
    torch.save(wider, tmp_path / "less.pyth")
    assert "lacks weight 'blocks.6.proj.bias'" in refused(video=tmp_path / "less.pyth")
    (tmp_path / "two.json").write_text('{"a": 0, "b": 1}')
    assert "2 names, but the classifier has 3 classes" in refused(action_names=tmp_path / "two.json")
    (tmp_path / "short.csv").write_text("index,mid,display_name\n0,/m/1,Speech\n")
    assert "has no name for" in refused(sound_names=tmp_path / "short.csv")
    (tmp_path / "alike.csv").write_text(
        "index,mid,display_name\n" + "".join(f"{i},{mid},Hum\n" for i, mid in enumerate(IDS))
    )
    assert "two labels are called 'sound: Hum'" in refused(sound_names=tmp_path / "alike.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert "is no file of AudioSet's names" in refused(sound_names=tmp_path / "other.csv")


def test_missing_names_are_told_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EGOACT_WEIGHTS", str(tmp_path / "weights"))
    files = starter_files(tmp_path)
    del files["--action-names"]
    assert starter(files, tmp_path / "bundle") == 1
    assert "egoact weights fetch kinetics400_names" in capsys.readouterr().err


def test_small_backbones_have_no_classifier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**starter_files(tmp_path), "--video": Path("small")}
    assert starter(files, tmp_path / "bundle") == 1
    assert "brings no classifier" in capsys.readouterr().err
