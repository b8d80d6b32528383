"""The soak's account of the sound, and the soak itself (slow); growth is judged in tests/edge/bench."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.soak import judge_run

ROOT = Path(__file__).parents[2]
ACCOUNT = "microphone egomic: 48000 samples delivered, {} lost, 0 corrupt, opened again 0 times"


def closing(lost: int, captured: int = 100) -> dict[str, object]:
    frames = {"captured": captured, "used": 90, "dropped": 10}
    notes = ["camera cam: 100 frames delivered, 7 lost, 0 corrupt, opened again 0 times", ACCOUNT.format(lost)]
    return {"type": "run", "frames": frames, "predictions": 3, "label_age_ms": None, "notes": notes}


def test_lost_sound_and_lost_frames_are_problems() -> None:
    verdict, sound = judge_run({}, closing(lost=0), replaced=False)
    assert (verdict.problems, sound) == ((), "none lost")
    verdict, sound = judge_run({}, closing(lost=480, captured=101), replaced=False)
    assert (verdict.problems, sound) == (
        ("captured is not used + dropped", "sound: 480 samples lost"),
        "480 samples lost",
    )
    assert judge_run({}, {**closing(0), "notes": []}, replaced=False)[1] == "not accounted for"


def test_a_run_that_did_not_close_its_file_is_told() -> None:
    with pytest.raises(SystemExit, match="did not close"):
        judge_run({}, {"type": "prediction"}, replaced=False)


@pytest.mark.slow
@pytest.mark.timeout(4500)
def test_sixty_minutes() -> None:
    """Real processes, the shim's camera and a sound server's microphone."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", "--minutes", "60"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
