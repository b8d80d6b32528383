"""The names of a starter bundle's labels. Published checkpoints do not carry them: they come from files of names."""

from __future__ import annotations

import csv
from pathlib import Path

from export.errors import ExportError
from export.starter_head import NO_SOUND
from trainer.models.checkpoint_file import CheckpointError, read_checkpoint
from trainer.weights.catalogue import weight
from trainer.weights.folder import locate
from trainer.weights.kinds import class_names

SOUND_PREFIX = "sound: "
"""Before every AudioSet name: a heard 'Whistling' must not be taken for the action 'whistling'."""


def starter_labels(
    beats_checkpoint: Path, actions: int, sounds: int, action_names: Path | None, sound_names: Path | None
) -> tuple[str, ...]:
    """Names of the actions, of the sounds, and NO_SOUND, in the order of the starter head's outputs.

    Args:
        beats_checkpoint: its `label_dict` (class number -> AudioSet's id, '/m/09x0r') gives the order of the sounds.
        actions, sounds: how many the classifiers have.
        action_names: JSON, name -> number, as PySlowFast publishes it; None: the one in the folder of weights.
        sound_names: CSV with `mid` and `display_name`, as AudioSet publishes it; None: likewise.

    Raises:
        WeightsError: a file of names is not in the folder of weights.
        CheckpointError: a file of names cannot be read, or the checkpoint has no `label_dict`.
        ExportError: the names are not as many as the classes, or two labels would be called alike.
    """
    action_names = action_names or locate(weight("kinetics400_names"))
    sound_names = sound_names or locate(weight("audioset_names"))
    named = class_names(action_names)
    if len(named) != actions:
        raise ExportError(f"{action_names}: {len(named)} names, but the classifier has {actions} classes")
    labels = (*named, *(SOUND_PREFIX + name for name in _sound_names(beats_checkpoint, sounds, sound_names)), NO_SOUND)
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ExportError(f"{action_names} and {sound_names}: two labels are called {twice[0]!r}")
    return labels


def _sound_names(checkpoint: Path, sounds: int, names: Path) -> list[str]:
    # BEATs numbers its classes in an order of its own, not in that of AudioSet's file.
    id_of = read_checkpoint(checkpoint, "label_dict")["label_dict"]
    if not isinstance(id_of, dict) or sorted(id_of, key=str) != sorted(range(sounds), key=str):
        raise CheckpointError(f"{checkpoint}: label_dict does not number {sounds} classes; download it again")
    try:
        with names.open(newline="", encoding="utf-8") as file:
            name_of = {row["mid"]: row["display_name"] for row in csv.DictReader(file)}
    except FileNotFoundError:
        raise CheckpointError(f"{names}: no such file of class names") from None
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise CheckpointError(f"{names}: is no file of AudioSet's names ({error}); fetch it again") from None
    missing = [str(id_of[number]) for number in range(sounds) if id_of[number] not in name_of]
    if missing:
        raise ExportError(f"{names}: has no name for {missing[0]} and {len(missing) - 1} others of the checkpoint")
    return [name_of[id_of[number]] for number in range(sounds)]
