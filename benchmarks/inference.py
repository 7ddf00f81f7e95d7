"""Ours and sbi's FMPE on one budget: the heated rod's posterior from the same simulations and steps.

    python -m benchmarks.inference [seed]    needs `pip install sbi`

Both get the same pairs, the same number of gradient steps and batch size, and each its own recommended
network and settings otherwise. Judged against the exact posterior: errors of mean and std in units of the
posterior's std, the probability of the side, and processor seconds.
"""

import sys
import time
from importlib.util import find_spec

import torch

from fmtutorial import ConditionalVelocityNet, fit, integrate_flow
from fmtutorial.problems import HeatRod

N_PAIRS, N_STEPS, BATCH, N_JUDGED, N_SAMPLES = 20_000, 3000, 256, 20, 500


def ours(rod: HeatRod, x1, y, seed: int):
    """Trained by `fit`: a function from observations (n, 3) to samples (n, N_SAMPLES, 32), 8 evaluations."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = ConditionalVelocityNet(
        x1.shape[1], condition_dim=y.shape[1], hidden_dim=128, n_blocks=2, unconditional=False
    )
    options = {"batch_size": BATCH, "lr": 4e-3, "model": net, "condition_dropout": 0.0, "progress": False}
    fit((x1, y), n_steps=N_STEPS, generator=generator, **options)

    def sample(observed):
        rows = observed.repeat_interleave(N_SAMPLES, 0)
        x0 = torch.randn(len(rows), x1.shape[1], generator=generator)
        end = integrate_flow(net, x0, n_steps=4, method="midpoint", condition=rows)[0][-1]
        return end.reshape(len(observed), N_SAMPLES, -1)

    return sample


def sbi_fmpe(rod: HeatRod, x1, y, seed: int):
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

    def sample(observed):
        each = [posterior.sample((N_SAMPLES,), x=row, show_progress_bars=False) for row in observed]
        return torch.stack(each)

    return sample


def judge(samples, posterior) -> dict[str, float]:
    """Root mean squared errors against the exact posterior."""
    s = samples.double()
    p = (s[:, :, 16:].sum(-1) > s[:, :, :16].sum(-1)).double().mean(1)
    return {
        "mean": float(((s.mean(1) - posterior.mean) / posterior.std).square().mean().sqrt()),
        "std": float((s.std(1) / posterior.std - 1).square().mean().sqrt()),
        "side": float((p - posterior.weights[:, 1]).square().mean().sqrt()),
    }


def compare(seed: int = 0) -> dict[str, dict[str, float]]:
    """One row for each side, and one for exact samples, the best there is with N_SAMPLES."""
    rod, generator = HeatRod(), torch.Generator().manual_seed(seed)
    x1, y = rod.sample(N_PAIRS, generator)
    _, observed = rod.sample(N_JUDGED, generator)
    posterior = rod.posterior(observed)
    table = {"exact": judge(posterior.sample(N_SAMPLES, generator), posterior)}
    sides = {"fmtutorial": ours} | ({"sbi FMPE": sbi_fmpe} if find_spec("sbi") else {})
    for name, method in sides.items():
        start = time.process_time()
        sample = method(rod, x1, y, seed)
        trained = time.process_time()
        table[name] = judge(sample(observed), posterior)
        table[name] |= {"train s": trained - start, "sample s": time.process_time() - trained}
    return table


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Rows of medians over the seeds 0, 1, ...; without sbi only ours and exact samples."""
    tables = [compare(seed) for seed in range(rounds)]
    rows = []
    for name in tables[0]:
        for key in tables[0][name]:
            values = sorted(t[name][key] for t in tables)
            spread = {"median": values[len(values) // 2], "least": values[0], "most": values[-1]}
            rows.append({"name": f"{name}: {key}", "unit": "s" if key.endswith(" s") else "", **spread})
    notes = [f"{N_PAIRS} pairs, {N_STEPS} steps of {BATCH}; errors in units of the exact std; process time"]
    return rows, notes if "sbi FMPE" in tables[0] else [*notes, "sbi is not installed"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, row in compare(int(sys.argv[1]) if len(sys.argv) > 1 else 0).items():
        print(f"{name:12s}", "  ".join(f"{k} {v:.3f}" for k, v in row.items()))
