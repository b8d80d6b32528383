"""ARGO1M as facts: its classes, scenarios, locations, splits and file names.

Plizzari et al., "What can a cook in Italy teach a mechanic in India? Action Recognition Generalisation Over Scenarios
and Locations" (ICCV 2023): 1,050,371 clips of Ego4D; the lists follow data/index_{verb,scenario,location}.txt there.
A split holds one (scenario, location) pair out: training shares neither with the test clips.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from trainer.data.errors import DatasetError

APPEARANCE_DIM, MOTION_DIM, AUDIO_DIM = 2048, 256, 768
"""Widths of a row: slow and fast pathway of SlowFast 8x8 R101 (Ego4D's features, in that order), BEATs."""
CLIP_ROWS = 3
"""Rows of a clip (CIR's n_action_subsample)."""
HOP_FRAMES, ROW_FRAMES, FRAME_RATE_HZ = 16, 32, 30
"""Ego4D's row i covers the frames [16 i, 16 i + 32) at 30 fps."""

VERBS: tuple[str, ...] = (
    *("dip", "hold", "paint", "read", "lift", "touch", "pat", "take", "put", "wash", "open", "close", "turn-on"),
    *("cut", "pour", "mix", "remove", "throw", "shake", "scoop", "squeeze", "peel", "press", "flip", "turn-off"),
    *("turn", "scrape", "fold", "scrubs", "break", "pull", "eat", "wrap", "unroll", "hang", "sprinkle", "rip"),
    *("stretch", "divide", "rub", "brush", "drop", "drink", "gather", "attach", "wear", "lower", "screw", "carry"),
    *("bring", "bend", "spread", "give", "drag", "draw", "drill", "loosen", "unwrap", "roll", "clear"),
)
"""The 60 classes by number ("scrubs" is spelled so in the source)."""

SCENARIOS: tuple[str, ...] = (
    *("Sport", "Arts and craft", "Playing", "Cooking", "Gardening", "Mechanic", "Cleaning", "Building"),
    *("Shopping", "Knitting"),
)
LOCATIONS: tuple[str, ...] = (
    *("Pittsburgh", "India", "Bristol", "Singapore", "Catania", "Georgia", "Africa", "Saudi Arabia", "Facebook"),
    *("Indiana", "Tokyo", "Minnesota", "Colombia"),
)

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
_PART_NAMES: dict[Part, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("val", "validation"),
    "test": ("test",),
}


class Split(NamedTuple):
    """One of the ten held-out splits and its two names."""

    code: str
    """The papers' code, as file names write it: 'Ar_ITA'."""
    stem: str
    """Start of the published file names: 'Arts_and_craft_ITA'."""
    scenario: str
    """Held-out scenario."""
    location: str
    """Held-out location."""

    @property
    def title(self) -> str:
        """As the papers' tables print it: 'Ar ITA'."""
        return self.code.replace("_", " ")


SPLITS: tuple[Split, ...] = (
    Split("Ga_US-PNA", "Gardening_US-PNA", "Gardening", "Pittsburgh"),
    Split("Cl_US-MN", "Cleaning_US-MN", "Cleaning", "Minnesota"),
    Split("Kn_IND", "Knitting_IND", "Knitting", "India"),
    Split("Sh_IND", "Shopping_IND", "Shopping", "India"),
    Split("Bu_US-PNA", "Building_US-PNA", "Building", "Pittsburgh"),
    Split("Me_SAU", "Mechanic_SAU", "Mechanic", "Saudi Arabia"),
    Split("Sp_COL", "Sport_COL", "Sport", "Colombia"),
    Split("Co_JPN", "Cooking_JPN", "Cooking", "Tokyo"),
    Split("Ar_ITA", "Arts_and_craft_ITA", "Arts and craft", "Catania"),
    Split("Pl_US-IN", "Playing_US-IN", "Playing", "Indiana"),
)


def split_named(name: str) -> Split:
    """The split of a name in either style, upper or lower case: 'Ar_ITA', 'Ar ITA', 'Arts_and_craft_ITA'.

    Raises:
        DatasetError: there is no such split.
    """
    wanted = name.strip().replace(" ", "_").lower()
    for split in SPLITS:
        if wanted in (split.code.lower(), split.stem.lower()):
            return split
    raise DatasetError(f"split '{name}': there is none; take one of {', '.join(split.code for split in SPLITS)}")


def split_of_file(path: Path) -> tuple[Split, Part] | None:
    """Split and part that a file name tells ('Ar_ITA_val.csv', 'Cooking_JPN_train.beton'); None for other names."""
    head, _, tail = path.stem.rpartition("_")
    for part, names in _PART_NAMES.items():
        if tail.lower() in names:
            try:
                return split_named(head), part
            except DatasetError:
                return None
    return None


def split_files(folder: Path, suffix: str) -> dict[Split, dict[Part, Path]]:
    """Every split file of a folder, e.g. with the suffix '.csv', in the papers' order of splits, training first.

    Raises:
        DatasetError: the folder cannot be read, or two files are the same part of a split.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == suffix)
    except OSError as problem:
        raise DatasetError(f"{folder}: cannot be read ({problem.strerror}); give ARGO1M's folder") from None
    found: dict[Split, dict[Part, Path]] = {}
    for path in paths:
        named = split_of_file(path)
        if named is None:
            continue
        split, part = named
        other = found.setdefault(split, {}).setdefault(part, path)
        if other is not path:
            raise DatasetError(f"{folder}: {other.name} and {path.name} are both {split.title}, {part}; keep one")
    return {
        split: {part: found[split][part] for part in PARTS if part in found[split]}
        for split in SPLITS
        if split in found
    }
