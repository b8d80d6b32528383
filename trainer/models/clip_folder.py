"""Where a CLIP lies on disk, in the format of the package `transformers`; the hub is asked only when it is named."""

from __future__ import annotations

import shlex
from pathlib import Path

from trainer.models.checkpoint_file import CheckpointError
from trainer.models.transformers_package import first_line
from trainer.weights.folder import weights_folder

REPOSITORY = "sentence-transformers/clip-ViT-B-32"
"""Where CIR has its weights from; openai/clip-vit-base-patch32 holds the same ones."""

DEFAULT_FOLDER = "clip-ViT-B-32"
"""Name of the folder in the folder of weights."""

HUB = "hub:"
"""A source that starts so is a repository."""

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""The first that is there is read."""

_INSIDE = "0_CLIPModel"  # where sentence-transformers' repository keeps the model


def find_clip(source: str | Path | None = None) -> Path:
    """The folder that holds config.json, a tokenizer and weights.

    Args:
        source: that folder, or one that holds it as 0_CLIPModel; None: clip-ViT-B-32 in the folder of weights;
            "hub:OWNER/NAME": that repository, out of the hub's own cache or downloaded into it.

    Raises:
        CheckpointError: a file is missing, or the hub cannot be reached; the message says how to get it.
    """
    if isinstance(source, str) and source.startswith(HUB):
        return _from_hub(source.removeprefix(HUB))
    given = weights_folder() / DEFAULT_FOLDER if source is None else Path(source).expanduser()
    folder, lack = _look_into(given)
    if lack:
        hint = f"; for a repository write {HUB}{source}" if isinstance(source, str) and source.count("/") == 1 else ""
        raise CheckpointError(f"CLIP: no {lack} in {folder}{hint}; {_command(REPOSITORY, given)}")
    return folder


def _look_into(given: Path) -> tuple[Path, str]:
    """The folder of the model, and what it lacks ("" when nothing)."""
    folder = given / _INSIDE if (given / _INSIDE / "config.json").is_file() else given
    tokenizer = (("tokenizer.json", "vocab.json"), ("tokenizer.json", "merges.txt"))
    for names in (("config.json",), *tokenizer, WEIGHT_FILES):
        if not any((folder / name).is_file() for name in names):
            return folder, " or ".join(names)
    return folder, ""


def _from_hub(repository: str) -> Path:
    reason = ""
    # The cache first, whatever it holds; then the hub, which need not hold safetensors.
    for weights, offline in (("", True), (WEIGHT_FILES[0], False), (WEIGHT_FILES[1], False)):
        patterns = ["*.json", "*merges.txt", f"*{weights}"]
        try:
            from huggingface_hub import snapshot_download

            found = snapshot_download(repository, allow_patterns=patterns, local_files_only=offline)
        except Exception as error:  # whatever the hub's client and its connection raise
            reason = first_line(error)
            continue
        folder, lack = _look_into(Path(found))
        if not lack:
            return folder
        reason = f"no {lack}"
    command = _command(repository, weights_folder() / repository.rpartition("/")[2])
    raise CheckpointError(
        f"{HUB}{repository}: cannot be had from the hub ({reason}); where it can be reached, {command}"
    )


def _command(repository: str, folder: Path) -> str:
    include = f"--include '{_INSIDE}/*' " if repository == REPOSITORY else ""
    return f"run: hf download {repository} {include}--local-dir {shlex.quote(str(folder))}"
