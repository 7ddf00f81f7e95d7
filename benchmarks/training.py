"""Seconds a training step: the textbook's per-sample loop, `fmtutorial.train`, and the bare optimizer."""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from fmtutorial import StraightPath, VelocityNet, standard_mixture, train

BATCH = 128
SIGMA_MIN = 1e-4


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


def bare(n_steps: int) -> float:
    """Forward, backward and optimizer step on tensors that are ready beforehand: the least there is to do."""
    model, optimizer = network()
    x_t, t, u_t = torch.randn(BATCH, 2), torch.rand(BATCH, 1), torch.randn(BATCH, 2)
    start = time.perf_counter()
    for _ in range(n_steps):
        optimizer.zero_grad(set_to_none=True)
        (model(x_t, t) - u_t).square().mean().backward()
        optimizer.step()
    return (time.perf_counter() - start) / n_steps


def ours(n_steps: int) -> float:
    """`fmtutorial.train` on a tensor of data, without its progress bar."""
    model, _ = network()
    x1 = standard_mixture().sample(10_000, torch.Generator().manual_seed(0))
    start = time.perf_counter()
    train(model, x1, StraightPath(SIGMA_MIN), n_steps=n_steps, batch_size=BATCH, progress=False)
    return (time.perf_counter() - start) / n_steps


def textbook(n_steps: int) -> float:
    """The per-sample data set in a DataLoader with its default collation."""
    model, optimizer = network()
    np.random.seed(0)
    x1 = standard_mixture().sample(n_steps * BATCH, torch.Generator().manual_seed(0)).double().numpy()
    start = time.perf_counter()
    for x_t, t, u_t in DataLoader(TextbookDataset(x1), batch_size=BATCH, shuffle=True):
        optimizer.zero_grad(set_to_none=True)
        (model(x_t, t) - u_t).square().mean().backward()
        optimizer.step()
    return (time.perf_counter() - start) / n_steps


SIDES: dict[str, tuple[Callable[[int], float], int]] = {
    "bare": (bare, 500),
    "ours": (ours, 500),
    "textbook": (textbook, 40),
}
