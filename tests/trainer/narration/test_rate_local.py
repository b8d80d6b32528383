"""`egoact rate` with models on this machine: the embedded rater and its training, language models of transformers."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from edge.cli import main
from tests.trainer.narration.clip_tables import read_rows, write_clips
from tests.trainer.narration.tiny_language_models import write_causal
from trainer.narration.hashed_text import HashedText
from trainer.narration.minilm import MiniLm
from trainer.narration.rating.agreement import Agreement, load_agreement
from trainer.narration.rating.embedded_rater import EmbeddedRater
from trainer.narration.rating.prompt import PAPER_PROMPT, Prompt
from trainer.narration.rating.rater import Pair
from trainer.narration.rating.train_agreement import auc, calibrate, folds, shuffled
from trainer.narration.rating.transformers_rater import TransformersRater

ACTIONS = {
    "cuts the onion": ("A knife chops", "Something is chopped on a board"),
    "washes the plate": ("Water runs", "A tap is running"),
    "pours the milk": ("A liquid is poured", "Milk gurgles"),
    "opens the drawer": ("A drawer slides", "Something slides and bumps"),
}


def write_pairs(path: Path, groups: int = 10, each: int = 24, lie: float = 0.0) -> Path:
    """Pairs of four actions and their sounds, by many wearers; a share `lie` of the sounds is drawn at random."""
    rng = np.random.default_rng(0)
    sounds = [text for texts in ACTIONS.values() for text in texts]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("video", "narration", "audio_narration", "sure"))
        for group in range(groups):
            for _ in range(each):
                action = str(rng.choice(list(ACTIONS)))
                text = rng.choice(sounds) if rng.random() < lie else rng.choice(ACTIONS[action])
                writer.writerow((f"P{group:02d}_01.mp4", f"#C C {action} {rng.integers(3)}", text, 0.5))
    return path


def train(pairs: Path, model: Path, *more: object, steps: int = 60) -> None:
    given = ("--encoder", "hashed", "--group-prefix", 3, "--threads", 1, "--steps", steps)
    assert main(["rate-train", str(pairs), "--out", str(model), *map(str, (*given, *more))]) == 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 240 pairs of 10 wearers."""
    folder = tmp_path_factory.mktemp("trained")
    train(write_pairs(folder / "pairs.csv"), folder / "rater.safetensors", "--weight-column", "sure")
    return folder / "rater.safetensors"


def rate(clips: Path, out: Path, *more: object) -> int:
    return main(["rate", str(clips), "--out", str(out), *map(str, more), "--threads", "1", "--device", "cpu"])


def test_the_embedded_rater_learns_what_belongs_together(trained: Path, tmp_path: Path) -> None:
    _, description = load_agreement(trained)
    assert (description.pairs, description.encoder) == (240, "hashed-text-512")
    assert 0.8 < description.auc < 0.92, "a quarter of the shuffled pairs match by chance"
    clips = write_clips(
        tmp_path / "clips.csv",
        0,
        more=[("#C C cuts the onion 1", "A knife chops"), ("#C C cuts the onion 1", "A tap is running"), ("#C C", "")],
    )
    out = tmp_path / "rated.csv"
    given = ("--rater", "embedded", "--model", trained, "--encoder", "hashed")
    assert rate(clips, out, *given, "--missing", "keep") == 0
    good, bad, empty = (row["consistency"] for row in read_rows(out))
    assert float(good) > 0.6
    assert float(bad) < 0.25
    assert empty == ""
    first = (tmp_path / "ratings.jsonl").read_bytes()
    assert rate(clips, out, *given) == 0
    assert (tmp_path / "ratings.jsonl").read_bytes() == first


def test_ratings_are_calibrated(tmp_path: Path) -> None:
    """Of pairs rated about p, about p are matched, when as many shuffled ones are among them."""
    model = tmp_path / "rater.safetensors"
    train(write_pairs(tmp_path / "pairs.csv", groups=20, each=40, lie=0.4), model, steps=100)
    with write_pairs(tmp_path / "fresh.csv", groups=20, each=40, lie=0.4).open() as file:
        rows = list(csv.DictReader(file))
    pairs = [Pair("She" + row["narration"][4:], row["audio_narration"]) for row in rows]
    order = shuffled(np.arange(len(pairs)), np.random.default_rng(1))
    mixed = [*pairs, *(Pair(pair.visual, pairs[j].audio) for pair, j in zip(pairs, order, strict=True))]
    rater = EmbeddedRater(model, HashedText())
    chance = np.array([r.percent for r in rater.rate(mixed)], float) / 100
    matched = np.arange(len(mixed)) < len(pairs)
    for low, high in ((0.0, 0.4), (0.6, 1.0)):
        within = (chance >= low) & (chance < high)
        assert within.sum() > 100
        assert matched[within].mean() == pytest.approx(chance[within].mean(), abs=0.08)


def test_a_model_belongs_to_its_encoder_and_is_checked(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "rater.safetensors"
    model.write_bytes(trained.read_bytes())
    clips = write_clips(tmp_path / "clips.csv", 2)
    for spoil, word in (
        (lambda: model.write_bytes(model.read_bytes().replace(b"hashed-text-512", b"another-encoder")), "not hashed-"),
        (lambda: model.write_bytes(model.read_bytes()[:1000]), "is no model of the embedded rater"),
        (lambda: model.unlink(), "train one: egoact rate-train PAIRS.csv --out"),
    ):
        spoil()
        assert rate(clips, tmp_path / "r.csv", "--rater", "embedded", "--model", model, "--encoder", "hashed") == 1
        [line] = capsys.readouterr().err.splitlines()
        assert word in line


def test_training_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = write_pairs(tmp_path / "few.csv", groups=3)
    for options, word in (
        ((), "3 groups of pairs, at least 5 are needed"),
        (("--weight-column", "video"), "is not a number from 0 to 1"),
        (("--group-column", "wearer"), "no column 'wearer'"),
    ):
        assert main(["rate-train", str(few), "--out", str(tmp_path / "m"), "--encoder", "hashed", *options]) == 1
        assert word in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "m").exists()


def test_auc_counts_ties_half() -> None:
    assert auc(np.array([3.0, 2.0]), np.array([1.0, 0.0])) == 1
    assert auc(np.array([1.0]), np.array([1.0])) == 0.5
    assert auc(np.array([0.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx((0 + 0 + 1 + 0.5) / 4)


def test_shuffled_pairs_and_folds() -> None:
    drawn = shuffled(np.arange(50), np.random.default_rng(0))
    assert sorted(drawn) == list(range(50))
    assert (drawn != np.arange(50)).all()
    group = np.repeat(np.arange(12), np.arange(1, 13))
    parts = folds(group, 4)
    assert sorted(np.concatenate(parts)) == list(range(len(group)))
    seen = [set(group[part]) for part in parts]
    assert sum(map(len, seen)) == 12, "no group is in two folds"
    assert max(map(len, parts)) - min(map(len, parts)) <= 6


def test_calibration_finds_the_sigmoid_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(0, 2, 40_000)
    label = rng.random(40_000) < 1 / (1 + np.exp(-(1.5 * score - 0.5)))
    count = min(label.sum(), (~label).sum())
    matched, others = score[label][:count], score[~label][:count]
    slope, intercept = calibrate(matched, others, np.ones(count, np.float32))
    assert slope == pytest.approx(1.5, abs=0.05)
    # As many of both were kept: the prior of the labels moves into the intercept.
    assert intercept == pytest.approx(-0.5 - np.log(label.sum() / (~label).sum()), abs=0.05)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 1000.0])
def test_calibration_holds_at_any_scale_of_scores(scale: float) -> None:
    rng = np.random.default_rng(0)
    matched, others = rng.normal(1, 1, 5000), rng.normal(-1, 1, 5000)  # the logit of a pair is twice its score
    slope, intercept = calibrate(matched * scale, others * scale, np.full(5000, 0.5, np.float32))
    assert slope * scale == pytest.approx(2.0, abs=0.1)
    assert intercept == pytest.approx(0, abs=0.1)


def test_the_score_is_one_product(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Agreement(8, 6, 4).eval()
    u, v = torch.randn(5, 8), torch.randn(7, 8)
    matrix = net.scores(u, v)
    assert matrix.shape == (5, 7)
    torch.testing.assert_close(net(u, v[:5]), matrix.diagonal())


def test_minilm_is_the_mean_of_its_tokens_whatever_is_in_the_batch(tmp_path: Path) -> None:
    folder = write_minilm(tmp_path / "minilm")
    encoder = MiniLm(folder)
    texts = ["cut", "a longer sentence about cutting", "cut"]
    vectors = encoder.encode(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[0], encoder.encode(["cut"])[0], atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)
    states = encoder._model(**encoder._tokenizer("cut", return_tensors="pt")).last_hidden_state[0].mean(dim=0)
    np.testing.assert_allclose(vectors[0], torch.nn.functional.normalize(states, dim=0).numpy(), atol=1e-6)


def write_minilm(folder: Path) -> Path:
    from tests.trainer.narration.tiny_language_models import byte_tokenizer
    from trainer.models.transformers_package import import_transformers

    library = import_transformers()
    tokenizer = byte_tokenizer(library, None)
    torch.manual_seed(0)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = library.BertModel(library.BertConfig(vocab_size=len(tokenizer), hidden_dropout_prob=0.5, **small))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(("says", "percent"), [("85", 85.0), ("7%", 7.0), ("150", None)])
def test_a_language_model_on_this_machine(tmp_path: Path, says: str, percent: float | None) -> None:
    rater = TransformersRater(write_causal(tmp_path / "m", says=says), PAPER_PROMPT, device="cpu", asks=2, max_tokens=5)
    pairs = [Pair("She cuts", "A knife"), Pair("She washes the very large plate", "Water")]
    ratings = rater.rate(pairs)
    assert [r.percent for r in ratings] == [percent] * 2
    assert [r.reply for r in ratings] == [says] * 2
    assert [r.calls for r in ratings] == [1 if percent is not None else 2] * 2


def test_replies_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    """Random weights: whatever is said, padding and the other conversations must not change it."""
    rater = TransformersRater(write_causal(tmp_path / "m"), Prompt("{visual} {audio}"), device="cpu", max_tokens=6)
    pairs = [Pair("She cuts", "A knife"), Pair("She washes the very large plate", "Water runs"), Pair("x", "y")]
    assert [r.reply for r in rater.rate(pairs)] == [rater.rate([pair])[0].reply for pair in pairs]


def test_a_reply_that_is_cut_off_is_none(tmp_path: Path) -> None:
    folder = write_causal(tmp_path / "m", says="85 %")
    assert TransformersRater(folder, PAPER_PROMPT, device="cpu", max_tokens=1).rate([Pair("a", "b")])[0].percent is None
    assert TransformersRater(folder, PAPER_PROMPT, device="cpu", max_tokens=9).rate([Pair("a", "b")])[0].percent == 85


def test_the_command_with_a_language_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_causal(tmp_path / "model", says="40%", chat_template=None)
    clips = write_clips(tmp_path / "clips.csv", 5)
    given = ("--rater", "transformers", "--model", model, "--batch", 2, "--max-tokens", 6)
    assert rate(clips, tmp_path / "r.csv", *given, "--limit", 3, "--json") in (0, 1)
    told = json.loads(capsys.readouterr().out)
    assert (told["pairs"], told["not_asked"]) == (5, 2)
    assert read_rows(tmp_path / "r.csv")[4]["consistency"] == ""
    assert rate(clips, tmp_path / "r.csv", "--rater", "transformers", "--model", tmp_path) == 1
    assert "no config.json here" in capsys.readouterr().err


def test_the_same_pairs_and_seed_give_the_same_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = write_pairs(tmp_path / "pairs.csv")
    for name in ("one", "two"):
        train(pairs, tmp_path / name, "--json", steps=4)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    told = json.loads(capsys.readouterr().out.splitlines()[0])
    net, description = load_agreement(tmp_path / "one")
    assert description.auc == pytest.approx(told["auc"], abs=1e-4)
    assert not net.training


@pytest.mark.parametrize("needs", ["--rater transformers", "MiniLM"])
def test_without_transformers_the_message_names_who_needs_it(
    tmp_path: Path, needs: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").touch()
    monkeypatch.setitem(sys.modules, "transformers.models.clip.modeling_clip", None)
    given = ("transformers", "--model", tmp_path) if needs.startswith("--") else ("embedded", "--encoder", tmp_path)
    more = () if needs.startswith("--") else ("--model", "m")
    assert rate(write_clips(tmp_path / "c.csv", 1), tmp_path / "r.csv", "--rater", *given, *more) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert f"{needs} needs the package transformers (" in line
    assert "CLIP" not in line
