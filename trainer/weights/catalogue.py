"""The checkpoints that egoact knows: who publishes them, under which licence, and the file that is expected."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from edge.errors import UsageError


@dataclass(frozen=True)
class Weight:
    """One published file, or a folder of files that belong together."""

    name: str
    """How commands call it."""
    file: str
    """Its name in the folder of weights; of a folder where the publisher has one."""
    what: str
    page: str
    """Where its authors publish it, for people."""
    url: str | None
    """Address of the file itself; None when it can only be had by hand from `page`, or by `command`."""
    licence: str
    format: str
    sha256: str | None = None
    """Checksum, where the authors publish one."""
    command: str | None = None
    """The command of another tool that gets it, with {folder} in the place of where to put it."""


_PYTORCHVIDEO = "https://github.com/facebookresearch/pytorchvideo/blob/main/docs/source/model_zoo.md"
_KINETICS_ZOO = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics"
_SLOWFAST_LICENCE = "Apache-2.0 (the repository's; none is stated for the weights)"
_BEATS = "https://github.com/microsoft/unilm/tree/master/beats"

CATALOGUE = (
    Weight(
        name="slowfast8x8_r101",
        file="SLOWFAST_8x8_R101.pyth",
        what="SlowFast 8x8 R101, Kinetics-400 (77.9 % top-1): appearance and motion as Ego4D and ARGO1M have them",
        page=_PYTORCHVIDEO,
        url=f"{_KINETICS_ZOO}/SLOWFAST_8x8_R101.pyth",
        licence=_SLOWFAST_LICENCE,
        format="PyTorch, key model_state; 62.8 M parameters, 251 MB in float32",
    ),
    Weight(
        name="slowfast8x8_r50",
        file="SLOWFAST_8x8_R50.pyth",
        what="SlowFast 8x8 R50, Kinetics-400 (76.9 % top-1)",
        page=_PYTORCHVIDEO,
        url=f"{_KINETICS_ZOO}/SLOWFAST_8x8_R50.pyth",
        licence=_SLOWFAST_LICENCE,
        format="PyTorch, key model_state; 34.6 M parameters, 138 MB in float32",
    ),
    Weight(
        name="slowfast4x16_r50",
        file="SLOWFAST_4x16_R50.pyth",
        what="SlowFast 4x16 R50, Kinetics-400 (75.3 % top-1)",
        page=_PYTORCHVIDEO,
        url=f"{_KINETICS_ZOO}/SLOWFAST_4x16_R50.pyth",
        licence=_SLOWFAST_LICENCE,
        format="PyTorch, key model_state; 34.5 M parameters, 138 MB in float32",
    ),
    Weight(
        name="beats",
        file="BEATs_iter3_plus_AS2M.pt",
        what="BEATs iter3+ (AS2M), pre-trained: sound features",
        page=_BEATS,
        url=None,
        licence="MIT",
        format="PyTorch, keys cfg and model; 90.3 M parameters, 361 MB in float32",
    ),
    Weight(
        name="beats_audioset",
        file="BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt",
        what="BEATs iter3+ (AS2M), fine-tuned on AudioSet: sound features and scores of 527 sounds",
        page=_BEATS,
        url=None,
        licence="MIT",
        format="PyTorch, keys cfg, model and label_dict; 90.7 M parameters, 363 MB in float32",
    ),
    Weight(
        name="clip_vit_b32",
        file="clip-ViT-B-32",
        what="CLIP ViT-B/32: its text tower embeds narrations, in training only",
        page="https://huggingface.co/sentence-transformers/clip-ViT-B-32",
        url=None,
        licence="MIT (OpenAI CLIP)",
        format="a folder of the package transformers; 63 M parameters of 151 M are the text tower's",
        command="hf download sentence-transformers/clip-ViT-B-32 --include '0_CLIPModel/*' --local-dir {folder}",
    ),
    Weight(
        name="kinetics400_names",
        file="kinetics_classnames.json",
        what="the 400 names of Kinetics-400, for SlowFast's scores",
        page="https://pytorch.org/hub/facebookresearch_pytorchvideo_slowfast/",
        url="https://dl.fbaipublicfiles.com/pyslowfast/dataset/class_names/kinetics_classnames.json",
        licence="CC BY 4.0 (Kinetics)",
        format="JSON, name -> index",
    ),
    Weight(
        name="audioset_names",
        file="class_labels_indices.csv",
        what="the 527 names of AudioSet, for BEATs' scores",
        page="https://research.google.com/audioset/download.html",
        url="https://storage.googleapis.com/us_audioset/youtube_corpus/v1/csv/class_labels_indices.csv",
        licence="CC BY 4.0 (AudioSet)",
        format="CSV: index, mid, display_name",
    ),
)


def weight(name: str) -> Weight:
    """The entry called `name`.

    Raises:
        UsageError: there is none.
    """
    names = [entry.name for entry in CATALOGUE]
    if name in names:
        return CATALOGUE[names.index(name)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "'egoact weights list' names them all"
    raise UsageError(f"no weights are called {name!r}; {hint}")
