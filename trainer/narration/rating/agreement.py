"""The embedded rater's model: do these two sentences tell of the same moment?

Two small networks turn the embeddings u and v of the two narrations into vectors whose product is a score: trained
against other audio narrations (`train_agreement`), it estimates log p(v | u) - log p(v), which is 0 for narrations that
have nothing to do with each other. A slope and an intercept, fitted on pairs held out, make it a probability: that the
pair was matched and not drawn at random from as many of both.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from edge.errors import EgoactError
from edge.json_text import parse_json
from edge.whole_file import why, write_whole_file
from trainer.models.checkpoint_file import CheckpointError, built_strictly

FORMAT = "egoact agreement 1"


class AgreementError(EgoactError):
    """A model of the embedded rater cannot be read or written, or is of another encoder."""


@dataclass(frozen=True)
class Description:
    """What a model is, beside its weights."""

    encoder: str
    """Name of the sentence encoder."""
    dim: int
    """Width of its vectors."""
    hidden: int
    width: int
    slope: float
    intercept: float
    """probability = sigmoid(slope * score + intercept)"""
    pairs: int
    """Matched pairs that it was trained on."""
    auc: float
    """Of matched against shuffled pairs, in groups that training had not seen."""


class Agreement(nn.Module):
    """score(u, v) = f(u) . g(v), each one hidden layer."""

    def __init__(self, dim: int, hidden: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.visual = _tower(dim, hidden, width, dropout)
        self.audio = _tower(dim, hidden, width, dropout)

    def forward(self, visual: Tensor, audio: Tensor) -> Tensor:
        """[N, dim] and [N, dim] -> score of each pair, [N]."""
        return (self.visual(visual) * self.audio(audio)).sum(dim=1)

    def scores(self, visual: Tensor, audio: Tensor) -> Tensor:
        """[N, dim] and [M, dim] -> score of every combination, [N, M]."""
        return self.visual(visual) @ self.audio(audio).T


def _tower(dim: int, hidden: int, width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout / 2), nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width)
    )


def save_agreement(path: Path, net: Agreement, description: Description) -> None:
    """Write a model: safetensors with the description as JSON in its header.

    Raises:
        AgreementError: it cannot be written.
    """
    # One entry: safetensors writes several in any order, and the same model should be the same bytes.
    header = {FORMAT: json.dumps(asdict(description))}
    weights = {name: value.detach().contiguous() for name, value in net.state_dict().items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole_file(path, save(weights, metadata=header))
    except OSError as problem:
        raise AgreementError(f"{path}: cannot be written ({why(problem)})") from None


def load_agreement(path: Path) -> tuple[Agreement, Description]:
    """Raises AgreementError when the file is missing or no such model."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        description = Description(**parse_json(header[FORMAT]))
        net = built_strictly(lambda: Agreement(description.dim, description.hidden, description.width), state, path)
    except FileNotFoundError:
        raise AgreementError(f"{path}: no such file; train one: egoact rate-train PAIRS.csv --out {path}") from None
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError, CheckpointError) as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise AgreementError(f"{path}: is no model of the embedded rater ({reason}); train one anew") from None
    return net.eval(), description
