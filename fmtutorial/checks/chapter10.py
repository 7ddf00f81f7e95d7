"""The checks of chapter 10: posteriors, few steps, the plug-in, a combination of cells and a score."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import normal, number, uniform


def spd(g, *shape, floor=0.3):
    """Covariance matrices (..., n, n)."""
    a = normal(g, *shape, shape[-1], dtype=torch.float64)
    return a @ a.transpose(-1, -2) / shape[-1] + floor * torch.eye(shape[-1], dtype=torch.float64)


def doubles(g, *shape):
    return normal(g, *shape, dtype=torch.float64)


def update_inputs(g):
    sizes = [(1, 1), (3, 2), (2, 3), (5, 1)]
    return [
        (doubles(g, d), spd(g, d), doubles(g, m, d), number(g, 0.3, 0.8), doubles(g, m) + 1) for d, m in sizes
    ]


def update(m, S, H, noise, y, variance=None, centre=True):
    variance = noise**2 if variance is None else variance
    G = H @ S @ H.T + variance * torch.eye(len(y)).to(S)
    return m + S @ H.T @ torch.linalg.solve(G, y - H @ m if centre else y)


def weight_inputs(g):
    cases = []
    for k, m in ((2, 1), (2, 3), (3, 2), (4, 2)):
        w = uniform(g, k, low=0.2, high=1.0, dtype=torch.float64)
        G = torch.stack([spd(g, m) * number(g, 0.3, 3.0) for _ in range(k)])
        cases.append((w / w.sum(), doubles(g, k, m), G, doubles(g, m)))
    return cases


def evidence(predicted, G, y, determinant=True):
    """log N(y; predicted_k, G_k) up to a constant, (K,)."""
    left = y - predicted
    log_p = -0.5 * (left * torch.linalg.solve(G, left)).sum(-1)
    return log_p - 0.5 * torch.logdet(G) if determinant else log_p


def weights(w, predicted, G, y):
    return (w.log() + evidence(predicted, G, y)).softmax(0)


def std_inputs(g):
    return [(number(g, 0.2, 0.8), n) for n in (1, 2, 4, 9)] + [(number(g, 1.2, 2.0), 5)]


def std_after(s, times, h):
    std = 1.0
    for t in times:
        std *= abs(1 + h * (t * s**2 - (1 - t)) / (t**2 * s**2 + (1 - t) ** 2))
    return std


def grid(n, first=0, count=None):
    return [(k + first) / n for k in range(n if count is None else count)]


def plug_in_inputs(g):
    stds = [number(g, 0.6, 0.8), number(g, 1.2, 1.6), number(g, 0.5, 0.7), number(g, 1.3, 1.5)]
    return [(s, s * number(g, 0.6, 1.4)) for s in stds]


def plug_in_std(s, noise):
    return s * math.exp(-(s**2) / (2 * noise**2))


def coverage_inputs(g):
    cases = []
    for d in (1, 2, 2, 4):
        S = spd(g, d)
        scale = S.diagonal().sqrt()
        cases.append((doubles(g, d) + 0.5, S / torch.outer(scale, scale), number(g, 0.5, 0.9)))
    return cases


def coverage_with(ratio, level):
    """The probability that |Z| < ratio q, where |Z| < q has the probability `level`."""
    return torch.erf(ratio * torch.erfinv(torch.tensor(level, dtype=torch.float64)))


def spread_ratio(a, R):
    return (a @ a / (a @ R @ a)).sqrt()


def one_sided(a, R, level):
    quantile = torch.special.ndtri(torch.tensor(level, dtype=torch.float64))
    return torch.special.ndtr(quantile * spread_ratio(a, R))


def score_inputs(g):
    return [(number(g, low, high),) for low, high in ((0.3, 0.6), (0.6, 0.9), (1.2, 2.0))]


def expected_score(c, to_truth=None, half=0.5):
    to_truth = math.sqrt(1 + c**2) if to_truth is None else to_truth
    return math.sqrt(2 / math.pi) * (to_truth - half * math.sqrt(2) * c)


EXERCISES = {
    "10.1": Exercise(
        expects="a function posterior_mean(m, S, H, noise, y) -> (d,): the mean of x given y = H x + noise z, x ~ N(m, S)",
        truth=update,
        inputs=update_inputs,
        insight="The prior's mean, corrected by what was not predicted. The covariance does not depend on y at all.",
        mistakes={
            "The noise enters G as a variance, noise^2.": lambda m, S, H, noise, y: update(m, S, H, noise, y, variance=noise),
            "G lacks the noise: this believes the sensors to the last digit.": lambda m, S, H, noise, y: m + S @ H.T @ torch.linalg.pinv(H @ S @ H.T) @ (y - H @ m),
            "Correct by y - H m, by what the prior did not predict, not by y itself.": lambda m, S, H, noise, y: update(m, S, H, noise, y, centre=False),
            "The residual has the wrong sign: it is y - H m.": lambda m, S, H, noise, y: 2 * m - update(m, S, H, noise, y),
            "This is the prior's mean: y has not been used.": lambda m, S, H, noise, y: m,
            "The correction is right; add it to the prior's mean m.": lambda m, S, H, noise, y: update(m, S, H, noise, y) - m,
            "This is least squares for y = H x, without a prior.": lambda m, S, H, noise, y: torch.linalg.pinv(H) @ y,
        },
    ),
    "10.2": Exercise(
        expects="a function posterior_weights(w, predicted, G, y) -> (K,): probabilities of the components given y",
        truth=weights,
        inputs=weight_inputs,
        insight="Bayes' rule for the component: a hot spot on the left is a hypothesis, and its evidence is a density of y.",
        mistakes={
            "The prior weights w are missing.": lambda w, predicted, G, y: evidence(predicted, G, y).softmax(0),
            "The determinant of G is missing: a wide component spreads its evidence thin.": lambda w, predicted, G, y: (w.log() + evidence(predicted, G, y, False)).softmax(0),
            "Add log w, not w, to a log density.": lambda w, predicted, G, y: (w + evidence(predicted, G, y)).softmax(0),
            "Normalise: the probabilities must sum to 1.": lambda w, predicted, G, y: w * (evidence(predicted, G, y) - 0.9189385332046727 * len(y)).exp(),
            "These are log probabilities: take the exponential, or softmax in the place of log_softmax.": lambda w, predicted, G, y: (w.log() + evidence(predicted, G, y)).log_softmax(0),
            "Distances have to be measured in units of G, not with the identity.": lambda w, predicted, G, y: (w.log() - 0.5 * (y - predicted).square().sum(-1)).softmax(0),
        },
    ),
    "10.3": Exercise(
        expects="a function euler_std(s, n_steps) -> number: the std after Euler steps from N(0, 1) towards N(m, s^2)",
        truth=lambda s, n_steps: std_after(s, grid(n_steps), 1 / n_steps),
        inputs=std_inputs,
        insight="One step gives 0, whatever s is. The mean is right after one step; the spread is what steps buy.",
        mistakes={
            "This is the std that it should be: Euler with few steps does not get there.": lambda s, n: s,
            "A step starts at t = k/n with k from 0: your times are those of the ends of the steps.": lambda s, n: std_after(s, grid(n, first=1), 1 / n),
            "n + 1 steps of 1/n: the last one starts at t = 1.": lambda s, n: std_after(s, grid(n, count=n + 1), 1 / n),
            "You followed the variance: take the square root.": lambda s, n: std_after(s, grid(n), 1 / n) ** 2,
            "Every step multiplies the std by |1 + h a(t)|; you added up h a(t) instead.": lambda s, n: abs(1 + sum((t * s**2 - (1 - t)) / (t**2 * s**2 + (1 - t) ** 2) for t in grid(n)) / n),
            "The step h = 1/n is missing.": lambda s, n: std_after(s, grid(n), 1.0),
            "s enters as a variance, s^2.": lambda s, n: std_after(s**0.5, grid(n), 1 / n),
        },
    ),
    "10.4": Exercise(
        expects="a function plug_in_std(s, noise) -> number: the std at the end of the plug-in's flow, for the prior N(0, s^2) and y = x1 + noise z",
        truth=plug_in_std,
        inputs=plug_in_inputs,
        insight="s exp(-s^2 / (2 noise^2)), on every path: smaller than the exact std, and by a larger factor the more precise the sensor.",
        rtol=1e-2,
        mistakes={
            "This is the exact posterior's std: the plug-in's flow does not end there.": lambda s, noise: s * noise / math.sqrt(s**2 + noise**2),
            "The integral of t (1 - t) s^4 / D^2 is s^2 / 2: you have twice that.": lambda s, noise: s * math.exp(-(s**2) / noise**2),
            "The prior's own part is missing: without a reading the flow ends with the std s, not 1.": lambda s, noise: math.exp(-(s**2) / (2 * noise**2)),
            "The noise enters as a variance, noise^2.": lambda s, noise: s * math.exp(-(s**2) / (2 * noise)),
            "The reading pulls trajectories together: the exponent is negative.": lambda s, noise: s * math.exp(s**2 / (2 * noise**2)),
            "This is the prior's std: the reading has no effect.": lambda s, noise: s,
            "This is the variance: take the square root.": lambda s, noise: plug_in_std(s, noise) ** 2,
        },
    ),
    "10.5": Exercise(
        expects="a function coverage_of(a, R, level) -> number: how often a.x* with x* ~ N(0, R) lies in the central interval of N(0, I)",
        truth=lambda a, R, level: coverage_with(spread_ratio(a, R), level),
        inputs=coverage_inputs,
        insight="One cell alone shows nothing. A sum of positively correlated cells is covered too rarely, their difference too often: choose the quantities that you rank.",
        mistakes={
            "This is the level itself: only a quantity with the same variance under R and under I is covered so.": lambda a, R, level: torch.tensor(level, dtype=torch.float64),
            "The ratio is upside down: the interval has the suspect's std, a.a under the root, and the truth has a.R.a.": lambda a, R, level: coverage_with(1 / spread_ratio(a, R), level),
            "Compare stds, not variances: take the square root of the ratio.": lambda a, R, level: coverage_with(spread_ratio(a, R) ** 2, level),
            "A central interval has two ends, each with half of the rest outside: yours has one.": one_sided,
            "A central interval of level c ends at the quantile (1 + c) / 2, not c.": lambda a, R, level: 2 * one_sided(a, R, level) - 1,
            "The variance of a.x under N(0, I) is a.a, not the square of the sum of a.": lambda a, R, level: coverage_with(a.sum().abs() / (a @ R @ a).sqrt(), level),
        },
    ),
    "10.6": Exercise(
        expects="a function expected_crps(c) -> number: the mean CRPS of N(0, c^2) where the truth is N(0, 1)",
        truth=expected_score,
        inputs=score_inputs,
        insight="At c = 0.8 only 1.1 % above the minimum at c = 1: a proper score is flat where it is best, so compare on the same draws.",
        mistakes={
            "The half is missing in the second term.": lambda c: expected_score(c, half=1.0),
            "This is the first term alone, which is smallest for c = 0: it rewards over-confidence.": lambda c: expected_score(c, half=0.0),
            "Variances add, not stds: X - x* has the variance 1 + c^2.": lambda c: expected_score(c, to_truth=1 + c),
            "The truth varies too: X - x* has the variance 1 + c^2, not c^2.": lambda c: expected_score(c, to_truth=c),
            "1 + c^2 is a variance: E|X - x*| needs its square root.": lambda c: expected_score(c, to_truth=1 + c**2),
            "X - X' has the variance 2 c^2, not c^2.": lambda c: expected_score(c, half=0.5 / math.sqrt(2)),
            "The second term is subtracted, not added.": lambda c: expected_score(c, half=-0.5),
        },
    ),
}  # fmt: skip
