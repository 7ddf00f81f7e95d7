"""Inference: ours and sbi's FMPE on one budget, the heated rod's posterior from the same pairs and steps.

    python -m benchmarks inference    without sbi, only ours beside exact samples: `pip install sbi`

Both get the same pairs, the same number of gradient steps and batch size, and each its own recommended
network and settings otherwise. Judged against the exact posterior: errors of mean and std in units of the
posterior's std, the probability of the side, and processor seconds.
"""

import time
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

from benchmarks.timing import row
from fmtutorial import ConditionalVelocityNet, fit, integrate_flow
from fmtutorial.problems import HeatRod

N_PAIRS = 20_000  # simulated
N_STEPS = 3000  # of gradient descent
BATCH = 256
N_JUDGED = 20  # observations
N_SAMPLES = 500  # of each posterior
SECONDS = ("train s", "sample s")

# A function from observations (n, 3) to samples (n, N_SAMPLES, 32).
Sampler = Callable[[Tensor], Tensor]


def ours(rod: HeatRod, x1: Tensor, y: Tensor, seed: int) -> Sampler:
    """Trained by `fit`; samples with 8 evaluations."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = ConditionalVelocityNet(
        x1.shape[1], condition_dim=y.shape[1], hidden_dim=128, n_blocks=2, unconditional=False
    )
    options = {"batch_size": BATCH, "lr": 4e-3, "condition_dropout": 0.0, "progress": False}
    fit((x1, y), model=net, n_steps=N_STEPS, generator=generator, **options)

    def sample(observed: Tensor) -> Tensor:
        conditions = observed.repeat_interleave(N_SAMPLES, 0)
        x0 = torch.randn(len(conditions), x1.shape[1], generator=generator)
        trajectory, _ = integrate_flow(net, x0, n_steps=4, method="midpoint", condition=conditions)
        return trajectory[-1].reshape(len(observed), N_SAMPLES, -1)

    return sample


def sbi_fmpe(rod: HeatRod, x1: Tensor, y: Tensor, seed: int) -> Sampler:
    """sbi's FMPE with its defaults, for as many steps (a tenth of the pairs is kept for validation)."""
    from sbi.inference import FMPE

    torch.manual_seed(seed)
    prior = torch.distributions.MultivariateNormal(
        rod.prior.mean.float(), rod.prior.covariance.float()
    )  # FMPE trains on the pairs; the prior is only asked for its support, which is everything
    trainer = FMPE(prior, show_progress_bars=False)
    epochs = round(N_STEPS / (0.9 * len(x1) // BATCH))
    trainer.append_simulations(x1, y).train(
        training_batch_size=BATCH, max_num_epochs=epochs, stop_after_epochs=epochs
    )
    posterior = trainer.build_posterior()

    def sample(observed: Tensor) -> Tensor:
        each = [posterior.sample((N_SAMPLES,), x=row, show_progress_bars=False) for row in observed]
        return torch.stack(each)

    return sample


def judge(samples: Tensor, posterior) -> dict[str, float]:
    """Root mean squared errors of samples (n, N_SAMPLES, 32) against the exact posterior."""
    samples = samples.double()
    mean_error = (samples.mean(1) - posterior.mean) / posterior.std
    std_error = samples.std(1) / posterior.std - 1
    is_right = samples[:, :, 16:].sum(-1) > samples[:, :, :16].sum(-1)
    side_error = is_right.double().mean(1) - posterior.weights[:, 1]
    errors = {"mean": mean_error, "std": std_error, "side": side_error}
    return {name: float(error.square().mean().sqrt()) for name, error in errors.items()}


def compare(seed: int = 0) -> dict[str, dict[str, float]]:
    """One entry for each side, and one for exact samples, the best there is with N_SAMPLES."""
    rod = HeatRod()
    generator = torch.Generator().manual_seed(seed)
    x1, y = rod.sample(N_PAIRS, generator)
    _, observed = rod.sample(N_JUDGED, generator)
    posterior = rod.posterior(observed)
    found = {"exact samples": judge(posterior.sample(N_SAMPLES, generator), posterior)}
    sides = {"fmtutorial": ours}
    if find_spec("sbi"):
        sides["sbi FMPE"] = sbi_fmpe
    for name, method in sides.items():
        start = time.process_time()
        sample = method(rod, x1, y, seed)
        trained = time.process_time()
        samples = sample(observed)
        sampled = time.process_time()
        found[name] = judge(samples, posterior)
        found[name] |= {"train s": trained - start, "sample s": sampled - trained}
    return found


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Errors and seconds of each side over the seeds 0, 1, ..., three at most."""
    rounds = min(rounds, 3)
    results = [compare(seed) for seed in range(rounds)]
    rows = []
    for name, measured in results[0].items():
        for key in measured:
            values = [result[name][key] for result in results]
            unit = "s" if key in SECONDS else "rms error"
            rows.append(row(name, values, unit, of=key.removesuffix(" s")))
    notes = [
        f"{N_PAIRS} pairs, {N_STEPS} steps of {BATCH}, {rounds} seeds; {N_JUDGED} observations, "
        f"{N_SAMPLES} samples of each posterior; process time",
        "errors of mean and std in units of the exact std; of the probability of the side as it is",
    ]
    if "sbi FMPE" not in results[0]:
        notes.append("sbi was not installed")
    return rows, notes
