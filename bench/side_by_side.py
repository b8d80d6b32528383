"""Several heads of one shape trained one after the other, and side by side as one batched model: is that faster?

Five baselines (cross entropy) of the built-in world's sizes, each with batches of its own. The batched model has every
layer written for it: `baddbmm` in place of linear layers, BatchNorm over (model, unit), one Adam for all. Both take
turns; what is counted is processor time, medians of --repeats steps, on one thread.

egoact trains one head a process: a batched form would have to be written for each of its methods. This shows what that
leaves on the table for the simplest one.

example:
  python -m bench.side_by_side
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.head_data import CLASSES, LOCATIONS, ROWS, SCENARIOS, WORLD
from trainer.loop.products import fast_products
from trainer.methods.batch import Batch
from trainer.methods.erm import Erm
from trainer.methods.head_spec import HeadSpec

HIDDEN, OUT, CLIPS = 192, 128, 128
WIDTHS = (ROWS * WORLD.appearance, ROWS * WORLD.motion, WORLD.audio)
SPEC = HeadSpec(*WIDTHS, CLASSES, SCENARIOS, LOCATIONS, WORLD.text, hidden=HIDDEN, out=OUT)


class SideBySide(nn.Module):
    """The baselines `heads` as one model: parameters are theirs, stacked [S, ...], matrices as [S, in, out]."""

    def __init__(self, heads: list[Erm]) -> None:
        super().__init__()
        states = [dict(head.model.named_parameters()) for head in heads]
        self.names = list(states[0])
        stacked = [torch.stack([state[name].detach() for state in states]) for name in self.names]
        stacked = [value.mT.contiguous() if value.dim() == 3 else value for value in stacked]
        self.weights = nn.ParameterList(nn.Parameter(value) for value in stacked)

    def forward(self, inputs: tuple[Tensor, Tensor, Tensor], label: Tensor) -> Tensor:
        """Sum of the heads' losses; inputs [S, N, width], label [S, N]."""
        of = dict(zip(self.names, self.weights, strict=True))
        embedded = []
        for name, x in zip(("f_appearance", "f_motion", "f_audio"), inputs, strict=True):
            for linear, norm in ((0, 2), (3, 5)):
                layer = f"{name}.layers.{linear}"
                x = torch.baddbmm(of[f"{layer}.bias"][:, None], x, of[f"{layer}.weight"]).relu()
                x = _norm(x, of[f"{name}.layers.{norm}.weight"], of[f"{name}.layers.{norm}.bias"])
            embedded.append(x)
        weight, bias = of["classifier.weight"], of["classifier.bias"]
        logits = torch.baddbmm(bias[:, None], torch.cat(embedded, dim=2), weight)
        return F.cross_entropy(logits.flatten(0, 1), label.flatten(), reduction="sum") / label.shape[1]


def _norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """BatchNorm of every head [S, N, D] by its own statistics: one of S * D units."""
    models, clips, width = x.shape
    units = x.transpose(0, 1).reshape(clips, models * width)
    normed = F.batch_norm(units, None, None, weight.flatten(), bias.flatten(), training=True)
    return normed.view(clips, models, width).transpose(0, 1)


def made_up(generator: torch.Generator) -> Batch:
    """One batch."""
    appearance, motion, audio = (torch.randn(CLIPS, width, generator=generator) for width in WIDTHS)
    label, scenario, location = (
        torch.randint(high, (CLIPS,), generator=generator) for high in (CLASSES, SCENARIOS, LOCATIONS)
    )
    r, text = torch.rand(CLIPS, generator=generator), torch.zeros(CLIPS, WORLD.text)
    return Batch(appearance, motion, audio, label, scenario, location, r, text, text)


def steps(heads: int) -> tuple[Callable[[], float], Callable[[], float]]:
    """A training step of all heads, one after the other and side by side; each gives the sum of the losses."""
    torch.manual_seed(0)
    apart = [Erm(SPEC).train() for _ in range(heads)]
    together = SideBySide(apart)
    optimisers = [torch.optim.Adam(head.parameters(), 2e-4, fused=True) for head in apart]
    optimiser = torch.optim.Adam(together.parameters(), 2e-4, fused=True)
    generator = torch.Generator().manual_seed(0)
    batches = [made_up(generator) for _ in range(heads)]
    appearance, motion, audio, label = (torch.stack(parts) for parts in list(zip(*batches, strict=True))[:4])

    def one_after_the_other() -> float:
        total = 0.0
        for head, own, batch in zip(apart, optimisers, batches, strict=True):
            loss = head(batch)
            own.zero_grad()
            loss.backward()
            own.step()
            total += float(loss.detach())
        return total

    def side_by_side() -> float:
        loss = together((appearance, motion, audio), label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    return one_after_the_other, side_by_side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", type=int, default=5, help="default: 5")
    parser.add_argument("--repeats", type=int, default=60, help="steps of each (default: 60)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    ways = steps(args.heads)
    taken: tuple[list[float], list[float]] = ([], [])
    with fast_products(torch.device("cpu")):
        for turn in range(args.repeats + 5):
            for way, found in zip(ways, taken, strict=True):
                started = time.process_time()
                way()
                if turn >= 5:
                    found.append(1e3 * (time.process_time() - started))
    apart_ms, together_ms = map(statistics.median, taken)
    print(
        f"a step of {args.heads} heads: {apart_ms:.1f} ms one after the other, {together_ms:.1f} ms side by side: "
        f"{apart_ms / together_ms:.2f} times as fast"
    )
    print(json.dumps({"heads": args.heads, "one_after_the_other_ms": apart_ms, "side_by_side_ms": together_ms}))


if __name__ == "__main__":
    main()
