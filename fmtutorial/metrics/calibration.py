"""Is the uncertainty right? Ranks, coverage, a proper score, and a two-sample test.

Everywhere `truth` is (n, d), one true vector for each of n observations, and `samples` is (n, L, d), L draws
from the posterior that is on trial for that observation.
"""

from collections.abc import Sequence

import torch
from scipy.stats import binom, chi2
from torch import Generator, Tensor, nn

from fmtutorial import _random, _validate
from fmtutorial._initialization import weights_from


def sbc_ranks(truth: Tensor, samples: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of the L samples lie below the truth, for each observation and element: (n, d) in 0..L.

    If x* ~ prior, y ~ p(y | x*) and the samples come from p(x | y), each rank is uniform on 0, ..., L
    (Talts et al. 2018, theorem 1). A sample that equals the truth lies below it or not by chance, so that
    rounded numbers and constant columns have uniform ranks too; the chance is drawn from `generator`.
    """
    truth, samples = _checked(truth, samples)
    device = _random.device_of(generator)
    ranks = (samples < truth[:, None]).sum(1)
    n_ties = (samples == truth[:, None]).sum(1)
    if bool((n_ties > 0).any()):
        share = torch.rand(n_ties.shape, generator=generator, dtype=torch.float64, device=device).cpu()
        ranks = ranks + (share * (n_ties.cpu() + 1)).long().to(ranks.device)
    return ranks


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
    counts = counts.cpu()
    if len(counts) < 2 or not bool((counts.sum(0) > 0).all()):
        raise ValueError(
            f"counts must have at least two bins and a rank in each column, got {counts.tolist()}"
        )
    expected = counts.sum(0) / len(counts)
    statistic = ((counts - expected).square() / expected).sum(0)
    p_values = chi2.sf(statistic.double().numpy(), len(counts) - 1)
    return torch.as_tensor(p_values)


def coverage(truth: Tensor, samples: Tensor, levels: Sequence[float] | Tensor) -> Tensor:
    """The share of truths inside the central interval of each level: (len(levels), d).

    The interval of level c holds the truths with |2 rank - L| < c (L + 1). Right uncertainty covers a share
    of c, exactly so on average where c (L + 1) is an even number and L + 1 is even; over-confident
    uncertainty covers less. (Sample quantiles in the place of ranks would cover too little, by about 2/L.)
    """
    levels = torch.as_tensor(levels, dtype=torch.float64)
    if levels.ndim != 1 or not bool(((levels > 0) & (levels < 1)).all()):
        raise ValueError(f"levels must be a list of numbers in (0, 1), got {levels.tolist()}")
    ranks = sbc_ranks(truth, samples).cpu()
    n_samples = samples.shape[1]
    off_centre = (2 * ranks - n_samples).abs()
    width = (levels * (n_samples + 1)).round(decimals=6)
    inside = off_centre < width[:, None, None]  # (levels, n, d)
    return inside.double().mean(1)


def crps(truth: Tensor, samples: Tensor) -> Tensor:
    """The continuous ranked probability score E|X - x*| - E|X - X'| / 2, (n, d), in the units of x.

    Smaller is better, and the true posterior has the smallest mean of all (Gneiting & Raftery 2007). The
    second term is over every two different samples, which makes the estimate unbiased for any L >= 2.
    """
    truth, samples = _checked(truth, samples)
    n_samples = samples.shape[1]
    if n_samples < 2:
        raise ValueError(f"samples must hold at least 2 for each observation, got {n_samples}")
    # E|X - X'| / 2: in the sum of |X_i - X_j| the l-th smallest sample has the weight 2 l - L - 1
    ordered = samples.sort(dim=1).values
    weight = 2 * torch.arange(1, n_samples + 1).to(samples) - n_samples - 1
    spread = torch.einsum("l,nld->nd", weight, ordered) / (n_samples * (n_samples - 1))  # (L,), (n, L, d)
    return (samples - truth[:, None]).abs().mean(1) - spread


def two_sample_test(
    a: Tensor, b: Tensor, n_steps: int = 400, generator: Generator | None = None
) -> tuple[float, float]:
    """Can a network tell two sets (n, d) and (m, d) apart? Its accuracy on unseen points, and a p-value.

    A small classifier learns on half of the points; the sets should be of equal size. If both come from one
    distribution, the number of right answers on the other half is binomial with probability 1/2
    (Lopez-Paz & Oquab 2017). Power depends on the classifier: a high p-value proves nothing.
    """
    a = _validate.points(a, "a", n_least=2)
    b = _validate.points(b, "b", a.shape[1], n_least=2)
    n_steps = _validate.positive_int(n_steps, "n_steps")
    x, label = _shuffled_and_scaled(a, b, generator)
    half = len(x) // 2
    with torch.inference_mode(False), torch.enable_grad():
        # copies: autograd takes none that were made in inference mode
        classifier = _trained_classifier(x[:half].clone(), label[:half].clone(), n_steps, generator)
    with torch.no_grad():
        says_b = classifier(x[half:])[:, 0] > 0
    is_b = label[half:] > 0.5
    n_right = int((says_b == is_b).sum())
    n_unseen = len(x) - half
    return n_right / n_unseen, float(binom.sf(n_right - 1, n_unseen, 0.5))


def _shuffled_and_scaled(a: Tensor, b: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """Both sets in one random order, scaled so that the first half has mean 0 and std 1.

    The labels (n + m,) are 0 for a and 1 for b.
    """
    order = _random.permutation(len(a) + len(b), a, generator)
    x = torch.cat([a, b.to(a)]).float()[order]
    label = (order >= len(a)).to(x)
    first_half = x[: len(x) // 2]
    std = first_half.std(0)
    std = torch.where(std > 0, std, 1.0)  # a column that is constant there stays unscaled
    return (x - first_half.mean(0)) / std, label


def _trained_classifier(x: Tensor, label: Tensor, n_steps: int, generator: Generator | None) -> nn.Module:
    """A network whose output is the log odds of label 1, after n_steps of AdamW on batches of 256."""
    with weights_from(generator):
        classifier = nn.Sequential(
            nn.Linear(x.shape[1], 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)
        )
    classifier.to(x.device)
    device = _random.device_of(generator)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=3e-3)
    for _ in range(n_steps):
        rows = torch.randint(len(x), (256,), generator=generator, device=device).to(x.device)
        log_odds = classifier(x[rows])[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(log_odds, label[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return classifier


def _checked(truth: Tensor, samples: Tensor) -> tuple[Tensor, Tensor]:
    """`truth` (n, d) and `samples` (n, L, d), of shapes that belong together and of one dtype."""
    truth = _validate.points(truth, "truth", n_least=1)
    if not isinstance(samples, Tensor) or not samples.is_floating_point():
        raise TypeError(
            f"samples must be a floating-point torch.Tensor (n, L, d), got {type(samples).__name__}"
        )
    n, d = truth.shape
    if samples.ndim != 3 or (len(samples), samples.shape[2]) != (n, d):
        raise ValueError(f"samples must have the shape ({n}, L, {d}), got {tuple(samples.shape)}")
    return truth.to(samples), _validate.finite(samples, "samples")
