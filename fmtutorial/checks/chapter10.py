"""The checks of chapter 10: posteriors, the conditional loss, few steps, ranks and a score."""

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


def loss_inputs(g):
    cases = []
    for n, d, c in ((1, 2, 1), (6, 3, 2), (5, 1, 3)):
        a, b = normal(g, d, d), normal(g, c, d)
        model = lambda x, t, y, a=a, b=b: torch.tanh(x @ a) + t * (y @ b)
        cases.append((model, normal(g, n, d), normal(g, n, c), normal(g, n, d), uniform(g, n, 1)))
    return cases


def loss(model, x1, y, x0, t):
    return (model(t * x1 + (1 - t) * x0, t, y) - (x1 - x0)).square().mean()


def std_inputs(g):
    return [(number(g, 0.2, 0.8), n) for n in (1, 2, 4, 9)] + [(number(g, 1.2, 2.0), 5)]


def std_after(s, times, h):
    std = 1.0
    for t in times:
        std *= abs(1 + h * (t * s**2 - (1 - t)) / (t**2 * s**2 + (1 - t) ** 2))
    return std


def grid(n, first=0, count=None):
    return [(k + first) / n for k in range(n if count is None else count)]


def draws(g):
    cases = []
    for n, n_samples, d in ((1, 4, 1), (5, 9, 2), (3, 7, 3)):
        cases.append((doubles(g, n, d), doubles(g, n, n_samples, d)))
    return cases


def between(samples):
    return (samples[:, :, None] - samples[:, None]).abs().sum((1, 2))


def score(truth, samples, half=0.5, pairs=None):
    n = samples.shape[1]
    return (samples - truth[:, None]).abs().mean(1) - half * between(samples) / (pairs or n * (n - 1))


EXERCISES = {
    "10.1": Exercise(
        expects="a function posterior_mean(m, S, H, noise, y) -> (d,): the mean of x given y = H x + noise z, x ~ N(m, S)",
        truth=update,
        inputs=update_inputs,
        insight="The prior's mean, corrected by what was not predicted. The covariance S - K H S does not depend on y at all.",
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
        expects="a function conditional_loss(model, x1, y, x0, t) -> number: the mean squared error of model(x_t, t, y) on the straight path",
        truth=loss,
        inputs=loss_inputs,
        insight="One more argument, and the minimiser is E[u_t | x_t, y]: the velocity of a flow to the posterior of this very y.",
        mistakes={
            "The model sees x1 itself: show it x_t.": lambda model, x1, y, x0, t: (model(x1, t, y) - (x1 - x0)).square().mean(),
            "The target has the wrong sign: it is x1 - x0.": lambda model, x1, y, x0, t: (model(t * x1 + (1 - t) * x0, t, y) - (x0 - x1)).square().mean(),
            "The conditions do not belong to their rows any more: y must stay beside its x1.": lambda model, x1, y, x0, t: loss(model, x1, y.roll(1, 0), x0, t),
            "The condition is not used: this trains the prior.": lambda model, x1, y, x0, t: loss(model, x1, 0 * y, x0, t),
            "Average over the elements as well as the batch, do not sum.": lambda model, x1, y, x0, t: loss(model, x1, y, x0, t) * x1.shape[1],
            "x_t runs backwards: at t = 0 it must be x0.": lambda model, x1, y, x0, t: (model(t * x0 + (1 - t) * x1, t, y) - (x1 - x0)).square().mean(),
        },
    ),
    "10.4": Exercise(
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
    "10.5": Exercise(
        expects="a function ranks(truth, samples) -> (n, d): how many of the L samples lie below the truth",
        truth=lambda truth, samples: (samples < truth[:, None]).sum(1),
        inputs=draws,
        insight="Uniform on 0..L if the posterior is right. The converse fails: the prior passes as well.",
        mistakes={
            "You counted the samples above the truth.": lambda truth, samples: (samples > truth[:, None]).sum(1),
            "A rank is a count from 0 to L, not a share.": lambda truth, samples: (samples < truth[:, None]).double().mean(1),
            "Ranks run from 0 to L: yours begin at 1.": lambda truth, samples: (samples < truth[:, None]).sum(1) + 1,
            "You counted over the observations; count over the samples of each one.": lambda truth, samples: (samples < truth[:, None]).sum(0),
            "One rank for each observation and element: do not add up the elements.": lambda truth, samples: (samples < truth[:, None]).sum((1, 2)),
        },
    ),
    "10.6": Exercise(
        expects="a function crps(truth, samples) -> (n, d): E|X - x*| - E|X - X'| / 2, the second mean over pairs of different samples",
        truth=score,
        inputs=draws,
        insight="The first term alone would reward a single sharp guess; the second pays back what honest spread costs.",
        mistakes={
            "The half is missing in the second term.": lambda truth, samples: score(truth, samples, half=1.0),
            "This is the first term alone: it rewards over-confidence.": lambda truth, samples: score(truth, samples, half=0.0),
            "Pairs of a sample with itself count as 0 and bias the second mean: divide by L (L - 1), not L^2.": lambda truth, samples: score(truth, samples, pairs=samples.shape[1] ** 2),
            "The second term is subtracted, not added.": lambda truth, samples: score(truth, samples, half=-0.5),
            "This is the distance of the mean from the truth, not the mean distance.": lambda truth, samples: (samples.mean(1) - truth).abs(),
            "One number for each observation and element: do not average them.": lambda truth, samples: score(truth, samples).mean(),
        },
    ),
}  # fmt: skip
