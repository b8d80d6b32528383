"""The readers of training's files: data sets, checkpoints, stores, answers; see `readers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.argo1m_files import write_argo1m
from tests.hostile.readers import OWN, Reader, _text
from tests.trainer.weights.checkpoints import write_beats, write_slowfast
from trainer.checkpoint import CheckpointConfig, load_checkpoint, save_checkpoint
from trainer.data.argo1m_audio import read_clip_audio, read_manifest
from trainer.data.argo1m_beton import read_argo1m_beton
from trainer.data.argo1m_csv import read_argo1m_csv
from trainer.data.argo1m_pt import open_pt
from trainer.data.clips_csv import read_clips_csv
from trainer.data.world_csv import read_sounds_csv, read_videos_csv
from trainer.features.small_nets import load_small_audio
from trainer.features.stereo import stereo_videos
from trainer.features.store import FeatureStore, VideoFeatures
from trainer.features.tasks import Task, find_tasks
from trainer.loop.build import build
from trainer.methods.head_spec import HeadSpec
from trainer.models.beats import beats_small
from trainer.models.beats_checkpoint import load_beats
from trainer.models.checkpoint_file import read_checkpoint
from trainer.models.slowfast_checkpoint import load_slowfast
from trainer.narration.answer_log import read_answers
from trainer.narration.captions.caption_clips import caption_of
from trainer.narration.clips_file import ClipsFile
from trainer.narration.encode import encode_narrations
from trainer.narration.hashed_text import HashedText
from trainer.narration.rating.agreement import Agreement, Description, load_agreement, save_agreement
from trainer.narration.rating.rate_pairs import percent_of
from trainer.narration.text_features import TextFeatures
from trainer.weights.folder import RECORD, verify
from trainer.weights.kinds import class_names, kind_of

SPEC = HeadSpec(6, 4, 2, 3, 2, 2, text_dim=8, hidden=8, out=4)


def _head(folder: Path) -> None:
    config = CheckpointConfig("erm", {}, ("a", "b", "c"), "a", SPEC, {}, "", 0, {})
    save_checkpoint(folder, build("erm", {}, SPEC), config)


def _store(folder: Path) -> None:
    store = FeatureStore.create(folder / "store", {"appearance": 3, "motion": 2, "audio": 2}, {"net": "x"})
    ones = np.ones(4, np.float32)
    store.append(
        "a.mp4",
        VideoFeatures(
            np.arange(4) * 16, np.arange(4) * 0.5, np.ones((4, 3), np.float32), np.ones((4, 2), np.float32),
            np.ones((4, 2), np.float32), ones,
        ),
    )  # fmt: skip


def _read_store(folder: Path) -> Any:
    store = FeatureStore.open(folder / "store")
    return [store.video(name) for name in store.videos], store.index()


def _argo(folder: Path) -> None:
    write_argo1m(folder / "argo", clips_per_domain=1)


def _file(folder: Path, pattern: str) -> Path:
    return sorted((folder / "argo").rglob(pattern))[0]


def _agreement(folder: Path) -> None:
    save_agreement(folder / "r.safetensors", Agreement(4, 3, 2), Description("e", 4, 3, 2, 1.0, 0.0, 9, 0.9))


def _audio(folder: Path) -> None:
    np.save(folder / "a.npy", np.ones((3, 4), np.float32))


def _small(folder: Path) -> None:
    from safetensors.torch import save

    (folder / "audio.safetensors").write_bytes(save(beats_small(2).state_dict()))


def _weights(folder: Path) -> None:
    (folder / "w.bin").write_bytes(b"weights")
    verify(folder / "w.bin")


def _texts(folder: Path) -> None:
    encode_narrations(["cuts bread", "pours milk"], HashedText(), folder / "text")


def _read_texts(folder: Path) -> Any:
    features = TextFeatures(folder / "text")
    return features.array, features.rows_of([])


VIDEOS = "video,scenario,location,wearer\nkitchen/a.mp4,cooking,catania,w1\n"
SOUNDS = "video,start_s,end_s,sound\nkitchen/a.mp4,0.5,1.5,tap\n"
CAPTION = '{"key": "a", "text": "a tap runs", "seconds": [0.0, 2.0], "caption": "x", "audio_narration": "x"}\n'
STEREO = json.dumps({"videos": [{"video_uid": "a", "is_stereo": True}]})
KINETICS = json.dumps({"cut": 0, "pour": 1})
AUDIOSET = "index,mid,display_name\n0,/m/1,Speech\n1,/m/2,Tap\n"

TABLES = (
    Reader("training CSV", "a.csv", _text("a.csv", OWN), lambda f: read_clips_csv(f / "a.csv")),
    Reader("narration CSV", "a.csv", _text("a.csv", OWN), lambda f: list(ClipsFile(f / "a.csv").rows())),
    Reader("list of videos", "a.csv", _text("a.csv", OWN), lambda f: find_tasks([f / "a.csv"])),
    Reader("videos.csv", "v.csv", _text("v.csv", VIDEOS), lambda f: read_videos_csv(f / "v.csv")),
    Reader("sounds.csv", "s.csv", _text("s.csv", SOUNDS), lambda f: read_sounds_csv(f / "s.csv")),
    Reader("ratings", "r.jsonl", _text("r.jsonl", '{"key": "a", "percent": 80}\n{"key": "b", "percent": null}\n'),
           lambda f: read_answers(f / "r.jsonl", percent_of)),
    Reader("captions", "c.jsonl", _text("c.jsonl", CAPTION), lambda f: read_answers(f / "c.jsonl", caption_of)),
    Reader("ego4d.json", "e.json", _text("e.json", STEREO),
           lambda f: stereo_videos(f / "e.json", [Task("a", Path("a"))])),
    Reader("Kinetics names", "k.json", _text("k.json", KINETICS), lambda f: class_names(f / "k.json")),
    Reader("AudioSet names", "k.csv", _text("k.csv", AUDIOSET), lambda f: class_names(f / "k.csv")),
    Reader("checksums", RECORD, _weights, lambda f: verify(f / "w.bin")),
    Reader("narrations' text.json", "text/text.json", _texts, _read_texts),
    Reader("narrations' index", "text/index/000000.parquet", _texts, _read_texts),
    Reader("store.json", "store/store.json", _store, _read_store),
    Reader("store's index", "store/index/000000.parquet", _store, _read_store),
    Reader("store's array", "store/motion.f32", _store, _read_store),
)  # fmt: skip
ARGO1M = (
    Reader("ARGO1M CSV", "*.csv", _argo, lambda f: read_argo1m_csv(_file(f, "*train*.csv"))),
    Reader("ARGO1M manifest", "manifest.csv", _argo, lambda f: read_manifest(_file(f, "manifest.csv"))),
    Reader("ARGO1M .beton", "*.beton", _argo, lambda f: read_argo1m_beton(_file(f, "*.beton"))),
    Reader("ARGO1M .pt", "*.pt", _argo, lambda f: open_pt(_file(f, "*.pt").parent, _file(f, "*.pt").stem)),
    Reader("ARGO1M sound", "a.npy", _audio, lambda f: read_clip_audio(f / "a.npy", np.arange(3))),
)
CHECKPOINTS = (
    Reader("head's config", "config.json", _head, load_checkpoint),
    Reader("head's weights", "model.safetensors", _head, load_checkpoint),
    Reader("rater's model", "r.safetensors", _agreement, lambda f: load_agreement(f / "r.safetensors")),
    Reader("small audio", "audio.safetensors", _small, lambda f: load_small_audio(f / "audio.safetensors")),
    Reader("BEATs", "b.pt", lambda f: write_beats(f / "b.pt") and None, lambda f: load_beats(f / "b.pt")),
    Reader("SlowFast", "s.pyth", lambda f: write_slowfast(f / "s.pyth") and None,
           lambda f: load_slowfast(f / "s.pyth")),
    Reader("any checkpoint", "x.pt", lambda f: torch.save({"a": torch.ones(3)}, f / "x.pt"),
           lambda f: (read_checkpoint(f / "x.pt"), kind_of(f / "x.pt"))),
)  # fmt: skip
TRAINED = (*TABLES, *ARGO1M, *CHECKPOINTS)
