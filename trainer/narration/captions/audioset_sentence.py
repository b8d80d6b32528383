"""Scores of AudioSet's sounds -> a sentence about what is heard."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer.models.checkpoint_file import CheckpointError

NO_SOUND = ("Inside, ", "Outside, ", "Silence")
"""Names of AudioSet that tell of a place, or of nothing, and not of a sound."""

QUIET = "Nothing distinct is heard"


def names_of_outputs(label_dict: Mapping[int, str], names_csv: Path) -> tuple[str, ...]:
    """Names of a fine-tuned BEATs' outputs, in their order.

    The checkpoint says which class an output is (`label_dict`: output -> machine id, "/m/09x0r"); AudioSet's CSV says
    how a class is called. The order of the outputs need not be that of the CSV.

    Raises:
        CheckpointError: the CSV cannot be read or lacks a class, or the outputs have gaps.
    """
    try:
        with names_csv.open(newline="", encoding="utf-8") as file:
            name_of = {row["mid"]: row["display_name"] for row in csv.DictReader(file)}
        return tuple(name_of[label_dict[output]] for output in range(len(label_dict)))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise CheckpointError(
            f"{names_csv}: cannot be read ({problem}); run: egoact weights fetch audioset_names"
        ) from None
    except KeyError as missing:
        raise CheckpointError(f"{names_csv}: does not name the class {missing} of the checkpoint") from None


def sentence(scores: Mapping[str, float], most: int, least: float) -> str:
    """The highest `most` sounds of at least `least`, as a sentence: "Water tap and dishes are heard".

    Of several names of a class ("Water tap, faucet") the first is taken; a name that occurs twice is said once.
    """
    heard = [name for name, score in scores.items() if score >= least and not name.startswith(NO_SOUND)]
    short = list(dict.fromkeys(name.partition(",")[0].lower() for name in heard))[:most]
    if not short:
        return QUIET
    return f"{_listed(short).capitalize()} {'is' if len(short) == 1 else 'are'} heard"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
