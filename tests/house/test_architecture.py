"""docs/architecture.md names what exists, all packages' rooms among it, and its picture is what the script draws."""

from __future__ import annotations

import re
from pathlib import Path

from docs.make_architecture import PICTURE, picture

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PATH = re.compile(r"`((?:edge|trainer|calibration|export|bench|docs|tests)(?:/[\w./]*)?)`")


def test_every_path_exists() -> None:
    named = PATH.findall(TEXT)
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_room_has_its_purpose() -> None:
    rooms = {
        str(folder.relative_to(ROOT))
        for package in ("edge", "trainer")
        for folder in (ROOT / package).iterdir()
        if (folder / "__init__.py").exists()
    }
    assert rooms - set(PATH.findall(TEXT)) == set()


def test_the_picture_is_the_scripts_own() -> None:
    assert PICTURE.read_text("utf-8") == picture()
