from __future__ import annotations

from pathlib import Path

from bench.clip import write_clip
from bench.extract import compare, markdown


def test_both_ways_do_the_same_work(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 2.5, (160, 120))  # 75 frames: three rows and one that is padded back
    result = compare(clip, "small", "torch", "cpu", threads=1, repeats=1)
    assert result.rows == 4
    assert result.lowest_cosine > 0.999
    assert result.ratio == result.ours / result.plain
    table = markdown([result], "clip", 1)
    assert f"| small | torch | 4 | {result.ours:.2f} | {result.plain:.2f} | **{result.ratio:.2f}** |" in table
