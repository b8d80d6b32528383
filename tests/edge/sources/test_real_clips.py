"""Real recordings, where there are any: the folder in EGOACT_CLIPS, or `../shared/clips` beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.edge.sources.playing import play

_BESIDE = Path(__file__).resolve().parents[3].parent / "shared" / "clips"
FOLDER = Path(os.environ.get("EGOACT_CLIPS", _BESIDE))
CLIPS = sorted(path for path in FOLDER.rglob("*") if path.suffix in {".mp4", ".mkv"}) if FOLDER.is_dir() else []


@pytest.mark.skipif(not CLIPS, reason="no folder of real clips (set EGOACT_CLIPS)")
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.name)
def test_real_clip_plays_to_its_end(path: Path) -> None:
    played = play(path)
    assert played.video_end.ticks >= 30
    assert all(frame.image.shape == (64, 64, 3) for frame in played.frames)
    assert bool(played.blocks) == ("no audio track" not in played.notes)
    assert not [note for note in played.notes if "broken" in note or "damaged" in note]
