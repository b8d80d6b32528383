"""What the paper's tables hold: their rows, and its figures for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.errors import UsageError
from trainer.methods.paper_tables import SPLITS, TABLE_1, TABLE_2, TABLE_3, TABLE_4
from trainer.methods.table import METHODS
from trainer.models.fusion import Modalities

TABLE_NUMBERS = (1, 2, 3, 4)
MODALITY_TITLES: Mapping[Modalities, str] = {
    "au": "audio",
    "mo": "motion",
    "ap": "appearance",
    "ap-mo": "appearance-motion, one encoder",
    "ap+mo": "appearance + motion",
    "ap+mo+au": "appearance + motion + audio",
}
METHOD_TITLES: Mapping[str, str] = {
    "erm": "baseline",
    "erm_r": "baseline, audio weighted by r",
    "align_visual": "+ alignment with visual narrations",
    "align_audio": "+ alignment, audio with audio narrations",
    "narration_aligned": "the paper's method",
    "cir": "CIR",
    "rna": "RNA-Net",
    "simmmdg": "SimMMDG",
    "mixup": "Mixup",
    "coral": "CORAL",
    "mmd": "MMD",
    "dann": "DANN",
    "boda": "BoDA",
    "doprompt": "DoPrompt",
}


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    title: str
    method: str
    modalities: Modalities
    paper: Mapping[str, float]
    """Title of a split of ARGO1M -> accuracy in percent; {} when the paper has no such row."""
    paper_in_domain: Mapping[str, float]
    """The same for training that sees the test domain: table 1 only."""


@dataclass(frozen=True)
class Layout:
    """One table. The first row that has the reference's title is what the others are tested against."""

    number: int
    title: str
    reference: str
    rows: tuple[Row, ...]
    paper_splits: tuple[str, ...]
    """The splits that the paper prints."""


def layout(number: int, more_methods: Sequence[str] = ()) -> Layout:
    """Table `number` of the paper; `more_methods` are further rows of table 2.

    Raises:
        UsageError: there is no such table or method.
    """
    unknown = [name for name in more_methods if name not in METHODS]
    if unknown:
        raise UsageError(f"method '{unknown[0]}': there is none; take some of {', '.join(METHODS)}")
    if number == 1:
        rows = [_modality_row(setting, unseen, seen) for setting, (seen, unseen) in TABLE_1.items()]
        return Layout(1, "Modalities within and outside their domains", MODALITY_TITLES["ap"], tuple(rows), SPLITS[:5])
    if number == 2:
        rows = [_method_row(name, cells) for name, cells in TABLE_2.items()]
        rows += [_method_row(name, ()) for name in dict.fromkeys(more_methods) if name not in TABLE_2]
        return Layout(2, "Methods on held-out domains", METHOD_TITLES["erm"], tuple(rows), SPLITS)
    if number == 3:
        rows = [_modality_row(setting, cells) for setting, cells in TABLE_3.items()]
        return Layout(3, "Modalities and their fusion", MODALITY_TITLES["ap"], tuple(rows), SPLITS[:5])
    if number == 4:
        rows = [_method_row(name, cells) for name, cells in TABLE_4.items()]
        return Layout(4, "What each part of the method adds", METHOD_TITLES["erm"], tuple(rows), SPLITS[:5])
    raise UsageError(f"table {number}: the paper has tables 1 to 4")


def _modality_row(setting: Modalities, unseen: tuple[float, ...], seen: tuple[float, ...] = ()) -> Row:
    return Row(MODALITY_TITLES[setting], "erm", setting, _by_split(unseen), _by_split(seen))


def _method_row(name: str, cells: tuple[float, ...]) -> Row:
    return Row(METHOD_TITLES.get(name, name), name, "ap+mo+au", _by_split(cells), {})


def _by_split(cells: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(SPLITS, cells, strict=False))  # tables 1, 3 and 4 have the first five
