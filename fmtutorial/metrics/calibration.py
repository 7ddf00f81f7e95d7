"""Is the uncertainty right? Ranks, coverage, a proper score, and a two-sample test.

Everywhere `truth` is (n, d), one true vector for each of n observations, and `samples` is (n, L, d), L draws
from the posterior that is on trial for that observation.
"""

import torch
from scipy.stats import binom, chi2
from torch import Generator, Tensor, nn

from fmtutorial import _validate


def sbc_ranks(truth: Tensor, samples: Tensor) -> Tensor:
    """How many of the L samples lie below the truth, for each observation and element: (n, d) in 0..L.

    If x* ~ prior, y ~ p(y | x*) and the samples come from p(x | y), each rank is uniform on 0, ..., L
    (Talts et al. 2018, theorem 1).
    """
    truth, samples = _pair(truth, samples)
    return (samples < truth[:, None]).sum(1)


def rank_histogram(ranks: Tensor, n_samples: int, n_bins: int = 20) -> Tensor:
    """Counts (n_bins, d) of ranks in 0..n_samples, in bins of equal width: n_bins divides n_samples + 1."""
    n_samples = _validate.positive_int(n_samples, "n_samples")
    n_bins = _validate.positive_int(n_bins, "n_bins")
    if (n_samples + 1) % n_bins:
        raise ValueError(
            f"n_samples + 1 must be a multiple of n_bins, got {n_samples + 1} ranks in {n_bins} bins"
        )
    bins = ranks * n_bins // (n_samples + 1)
    return torch.nn.functional.one_hot(bins, n_bins).sum(0).T


def uniformity(counts: Tensor) -> Tensor:
    """The p-values (d,) of Pearson's chi-squared test that each column of counts (bins, d) is uniform."""
    expected = counts.sum(0) / len(counts)
    statistic = ((counts - expected).square() / expected).sum(0)
    return torch.as_tensor(chi2.sf(statistic.double().numpy(), len(counts) - 1))


def coverage(truth: Tensor, samples: Tensor, levels) -> Tensor:
    """The share of truths inside the central interval of each level: (len(levels), d).

    The interval of level c holds the truths with |2 rank - L| < c (L + 1). Right uncertainty covers a share
    of c, exactly so on average where c (L + 1) is an even number and L + 1 is even; over-confident
    uncertainty covers less. (Sample quantiles in the place of ranks would cover too little, by about 2/L.)
    """
    levels = torch.as_tensor(levels, dtype=torch.float64)
    if levels.ndim != 1 or not bool(((levels > 0) & (levels < 1)).all()):
        raise ValueError(f"levels must be a list of numbers in (0, 1), got {levels.tolist()}")
    ranks, n_samples = sbc_ranks(truth, samples), samples.shape[1]
    off_centre = (2 * ranks - n_samples).abs()
    width = (levels * (n_samples + 1)).round(decimals=6)
    return (off_centre < width[:, None, None]).double().mean(1)


def crps(truth: Tensor, samples: Tensor) -> Tensor:
    """The continuous ranked probability score E|X - x*| - E|X - X'| / 2, (n, d), in the units of x.

    Smaller is better, and the true posterior has the smallest mean of all (Gneiting & Raftery 2007). The
    second term is over pairs of different samples, which makes the estimate unbiased for any L >= 2.
    """
    truth, samples = _pair(truth, samples)
    n_samples = samples.shape[1]
    if n_samples < 2:
        raise ValueError(f"samples must hold at least 2 for each observation, got {n_samples}")
    ordered = samples.sort(dim=1).values
    weight = 2 * torch.arange(1, n_samples + 1).to(samples) - n_samples - 1
    spread = torch.einsum("l,nld->nd", weight, ordered) / (n_samples * (n_samples - 1))
    return (samples - truth[:, None]).abs().mean(1) - spread


def two_sample_test(
    a: Tensor, b: Tensor, n_steps: int = 400, generator: Generator | None = None
) -> tuple[float, float]:
    """Can a network tell two sets (n, d) and (m, d) apart? Its accuracy on unseen points, and a p-value.

    A small classifier learns on half of the points; the sets should be of equal size. If both come from one
    distribution, the number of right answers on the other half is binomial with probability 1/2
    (Lopez-Paz & Oquab 2017). Power depends on the classifier: a high p-value proves nothing.
    """
    a, b = _validate.points(a, "a"), _validate.points(b, "b", a.shape[1] if a.ndim == 2 else None)
    n_steps = _validate.positive_int(n_steps, "n_steps")
    order = torch.randperm(len(a) + len(b), generator=generator)
    x = torch.cat([a, b]).float()[order]
    label = torch.cat([torch.zeros(len(a)), torch.ones(len(b))])[order]
    half = len(x) // 2
    x = (x - x[:half].mean(0)) / x[:half].std(0)
    with torch.random.fork_rng(devices=[], enabled=generator is not None):
        if generator is not None:
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        net = nn.Sequential(
            nn.Linear(x.shape[1], 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)
        )
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(n_steps):
        k = torch.randint(half, (256,), generator=generator)
        loss = nn.functional.binary_cross_entropy_with_logits(net(x[k])[:, 0], label[k])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = int(((net(x[half:])[:, 0] > 0) == (label[half:] > 0.5)).sum())
    n_unseen = len(x) - half
    return right / n_unseen, float(binom.sf(right - 1, n_unseen, 0.5))


def _pair(truth: Tensor, samples: Tensor) -> tuple[Tensor, Tensor]:
    """`truth` (n, d) and `samples` (n, L, d), checked."""
    truth = _validate.points(truth, "truth")
    if not isinstance(samples, Tensor) or not samples.is_floating_point():
        raise TypeError(
            f"samples must be a floating-point torch.Tensor (n, L, d), got {type(samples).__name__}"
        )
    if samples.ndim != 3 or (len(samples), samples.shape[2]) != tuple(truth.shape):
        n, d = truth.shape
        raise ValueError(f"samples must have the shape ({n}, L, {d}), got {tuple(samples.shape)}")
    return truth.to(samples), _validate.finite(samples, "samples")
