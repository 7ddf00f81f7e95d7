"""A training step: `fmtutorial.train` between the bare optimizer, two libraries, and the textbook's loop.

The same net (128 x 2), batch (128), fused Adam and data for all; process time on one thread. The libraries'
loops are those of their own examples, on batches from the same shuffled epochs as ours.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks.timing import interleaved, peer, ratio_rows, row
from fmtutorial import StraightPath, VelocityNet, standard_mixture, train
from fmtutorial.training._batches import batches
from fmtutorial.training._sources import as_source

BATCH = 128
STEPS = 500
SIGMA_MIN = 1e-4
DATA = standard_mixture().sample(10_000, torch.Generator().manual_seed(0))


class TextbookDataset(Dataset):
    """The per-sample form of many tutorials: numpy draws one noise vector at a time in `__getitem__`."""

    def __init__(self, x1: np.ndarray):
        self.x1 = x1

    def __len__(self) -> int:
        return len(self.x1)

    def __getitem__(self, i: int):
        x1 = self.x1[i]
        x0 = np.random.multivariate_normal(np.zeros(2), np.eye(2))
        t = np.random.rand()
        x_t = t * x1 + (1 - (1 - SIGMA_MIN) * t) * x0
        u_t = x1 - (1 - SIGMA_MIN) * x0
        return (
            torch.tensor(x_t, dtype=torch.float32),
            torch.tensor([t], dtype=torch.float32),
            torch.tensor(u_t, dtype=torch.float32),
        )


def network() -> tuple[VelocityNet, torch.optim.Optimizer]:
    """The same net and optimizer for every side."""
    torch.manual_seed(0)
    model = VelocityNet()
    return model, torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)


def per_step(triples, n_steps: int) -> float:
    """Seconds a step of the plain loop over `triples`, which yields (x_t, t, u_t)."""
    model, optimizer = network()
    start = time.process_time()
    for x_t, t, u_t in triples:
        optimizer.zero_grad(set_to_none=True)
        (model(x_t, t) - u_t).square().mean().backward()
        optimizer.step()
    return (time.process_time() - start) / n_steps


def bare() -> float:
    """Forward, backward and optimizer step on tensors that are ready beforehand: the least there is to do."""
    ready = torch.randn(BATCH, 2), torch.rand(BATCH, 1), torch.randn(BATCH, 2)
    return per_step((ready for _ in range(STEPS)), STEPS)


def ours() -> float:
    """`fmtutorial.train` on a tensor of data, without its progress bar; it also keeps every loss."""
    model, _ = network()
    start = time.process_time()
    train(model, DATA, StraightPath(SIGMA_MIN), n_steps=STEPS, batch_size=BATCH, progress=False)
    return (time.process_time() - start) / STEPS


def our_average() -> float:
    """The same with `ema=0.999` and the cosine schedule."""
    model, _ = network()
    start = time.process_time()
    options = {"batch_size": BATCH, "schedule": "cosine", "ema": 0.999, "progress": False}
    train(model, DATA, StraightPath(SIGMA_MIN), n_steps=STEPS, **options)
    return (time.process_time() - start) / STEPS


def torchcfm_side(library) -> Callable[[], float]:
    """torchcfm's matcher, as in its README."""
    matcher = library.ConditionalFlowMatcher(sigma=0.0)

    def triples():
        for x1 in epochs():
            t, x_t, u_t = matcher.sample_location_and_conditional_flow(torch.randn_like(x1), x1)
            yield x_t, t, u_t

    return lambda: per_step(triples(), STEPS)


def flow_matching_side(library) -> Callable[[], float]:
    """flow_matching's path, as in its examples."""
    path = library.CondOTProbPath()

    def triples():
        for x1 in epochs():
            s = path.sample(t=torch.rand(len(x1)), x_0=torch.randn_like(x1), x_1=x1)
            yield s.x_t, s.t, s.dx_t

    return lambda: per_step(triples(), STEPS)


def epochs():
    """The batches that `train` would see."""
    return batches(as_source(DATA), BATCH, STEPS, None, torch.device("cpu"))


def textbook() -> float:
    """The per-sample data set in a DataLoader with its default collation; a tenth of the steps."""
    np.random.seed(0)
    data = TextbookDataset(DATA[: STEPS // 10 * BATCH].double().numpy())
    return per_step(DataLoader(data, batch_size=BATCH, shuffle=True), STEPS // 10)


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Microseconds a step, and ratios to bare and to ours."""
    sides = {"bare": bare, "ours": ours, "ours, EMA and cosine": our_average}
    if library := peer("torchcfm"):
        sides["torchcfm"] = torchcfm_side(library)
    if library := peer("flow_matching.path", "flow_matching"):
        sides["flow_matching"] = flow_matching_side(library)
    sides["textbook"] = textbook
    values = interleaved(sides, rounds)
    rows = [row(name, [1e6 * s for s in v], "µs a step") for name, v in values.items()]
    rows += ratio_rows(values, "bare") + ratio_rows(values, "ours")
    return rows, [f"VelocityNet 128 x 2, batch {BATCH}, fused Adam, blocks of {STEPS} steps, process time"]
