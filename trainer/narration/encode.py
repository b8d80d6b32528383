"""Embedding narrations: only what is not there yet, each sentence once, a chunk at a time."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from edge.whole_file import write_whole_file
from trainer.narration.clean_up import SUBJECTS, WEARER
from trainer.narration.sentence_encoder import SentenceEncoder
from trainer.narration.text_features import FORMAT_VERSION, TextFeatureError, TextFeatures, refused

CHUNK = 1024
"""Narrations that are encoded and committed together: with five subjects of width 512, 10 MB."""

Progress = Callable[[int, int], None]
"""Called with the number of narrations encoded by this run so far, and in all."""


def encode_narrations(
    narrations: Iterable[str],
    encoder: SentenceEncoder,
    path: Path,
    *,
    subjects: Sequence[str] = SUBJECTS,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> TextFeatures:
    """Embed what is not yet in the folder `path`; no more than one chunk of embeddings is ever in memory.

    The same call goes on where a killed one stopped, and the files are then byte for byte those of an undisturbed run.

    Args:
        narrations: as Ego4D or a CSV has them; an empty one is "#c c is doing something".
        encoder: gets every sentence of a chunk once: a narration that does not name the wearer is one sentence.
        path: folder; made when missing.
        subjects: what the wearer is called, one row of [rows, subjects, width] each.
        chunk: narrations that are encoded and committed together.
        progress: called after every chunk.

    Raises:
        TextFeatureError: the folder holds embeddings of another encoder or of other subjects, is damaged or cannot be
            written, is being written by another process, or the encoder gives something else than finite vectors.
    """
    if not subjects:
        raise ValueError("at least one subject is needed")
    with _only_writer(path):
        features = _open_for(encoder, tuple(subjects), path)
        missing = features.missing(narrations)
        for start in range(0, len(missing), chunk):
            part = missing[start : start + chunk]
            features.append(part, _embed(part, encoder, subjects))
            if progress:
                progress(start + len(part), len(missing))
    return features


def _only_writer(path: Path) -> TextIO:
    """A lock on the folder, made when missing; it ends when the file is closed."""
    try:
        (path / "index").mkdir(parents=True, exist_ok=True)
        lock = open(path / "writer.lock", "w")  # noqa: SIM115
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise TextFeatureError(f"{path}: another process is writing there; wait for it") from None
    except OSError as problem:
        raise refused(path, problem) from None
    return lock


def _open_for(encoder: SentenceEncoder, subjects: tuple[str, ...], path: Path) -> TextFeatures:
    head = {"format_version": FORMAT_VERSION, "encoder": encoder.name, "dim": encoder.dim, "subjects": subjects}
    if not (path / "text.json").exists():
        try:
            write_whole_file(path / "text.json", (json.dumps(head, indent=1) + "\n").encode())
        except OSError as problem:
            raise refused(path, problem) from None
    features = TextFeatures(path)
    if (features.encoder, features.dim, features.subjects) != (encoder.name, encoder.dim, subjects):
        raise TextFeatureError(
            f"{path}: holds {features.encoder} with {', '.join(features.subjects)}, not {encoder.name} with "
            f"{', '.join(subjects)}; give a new folder or delete this one"
        )
    return features


def _embed(texts: Sequence[str], encoder: SentenceEncoder, subjects: Sequence[str]) -> NDArray[np.float32]:
    """float32 [len(texts), subjects, width] of cleaned narrations."""
    sentences = [text.replace(WEARER, subject) for text in texts for subject in subjects]
    place = {sentence: i for i, sentence in enumerate(dict.fromkeys(sentences))}
    vectors = encoder.encode(list(place))
    if vectors.shape != (len(place), encoder.dim) or not np.isfinite(vectors).all():
        raise TextFeatureError(f"{encoder.name} gave {vectors.shape}, expected {(len(place), encoder.dim)}, all finite")
    return vectors[[place[sentence] for sentence in sentences]].reshape(len(texts), len(subjects), encoder.dim)
