"""The checks of chapter 12: marginals of strings, rates, noise that cancels, steps, and the weighted loss."""

import torch
from torch.nn.functional import one_hot, pad

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import number, uniform


def probabilities(g, *shape):
    p = uniform(g, *shape, dtype=torch.float64)
    return p / p.sum(-1, keepdim=True)


def tables(g):
    """Strings of three tokens, and kernels (V, S) with rows of sum 1; once V = S."""
    cases = []
    for v, s in ((2, 3), (3, 3), (3, 4)):
        q = probabilities(g, v**3).reshape(v, v, v)
        cases.append((q, probabilities(g, v, s)))
    return cases


def contract(q, k, rule="abc,ax,by,cz->xyz"):
    return torch.einsum(rule, q, k, k, k)


def tokens(g):
    """Posteriors (n, V), states (n,) of which some are masked, and a time."""
    cases = []
    for n, v in ((1, 2), (6, 3), (5, 4)):
        x = torch.randint(v + 1, (n,), generator=g)
        x[0] = v
        p = probabilities(g, n, v)
        shown = x < v
        p[shown] = one_hot(x[shown], v).double()
        cases.append((p, x, number(g, 0.2, 0.7)))
    return cases


def rates(p, x, t, *, here=1.0, scale=None, front=False):
    """(p - here [y = x]) / (1 - t), with the mask behind the symbols, or in front of them."""
    s = p.shape[1] + 1
    arrival = pad(p, (1, 0)) if front else pad(p, (0, 1))
    return (arrival - here * one_hot(x, s)) / ((1 - t) if scale is None else scale(t))


def times_and_noise(g):
    return [(number(g, 0.1, 0.9), number(g, 0.3, 3.0)) for _ in range(4)]


def pair(unmask, mask):
    return torch.tensor([unmask, mask], dtype=torch.float64)


def grids(g):
    """Times from 0 to 1, the second grid equally spaced."""
    cases = []
    for n in (3, 4, 7):
        steps = probabilities(g, n)
        if n == 4:
            steps = torch.full((4,), 0.25, dtype=torch.float64)
        times = torch.cat([torch.zeros(1, dtype=torch.float64), steps.cumsum(0)])
        times[-1] = 1.0
        cases.append((times,))
    return cases


def hazards(times):
    return times.diff() / (1 - times[:-1])


def steps(g):
    """As `tokens`, with a step's length; once longer than the time that is left."""
    lengths = (0.1, 0.25, 0.9)
    return [(p, x, t, h) for (p, x, t), h in zip(tokens(g), lengths)]


def step(p, x, t, h, *, clip=True):
    share = h / (1 - t)
    if clip:
        share = min(share, 1.0)
    return (1 - share) * one_hot(x, p.shape[1] + 1) + share * pad(p, (0, 1))


def log_probabilities(g):
    """log p (n, L), which tokens are masked, and the times (n,); at least one token of each string is masked."""
    cases = []
    for n, length in ((1, 3), (6, 4), (8, 5)):
        masked = uniform(g, n, length, low=0.0, high=1.0) < 0.5
        masked[:, 0] = True
        cases.append((uniform(g, n, length).log(), masked, uniform(g, n, low=0.1, high=0.8)))
    return cases


def bound(log_p, masked, t, *, tokens_of=lambda m: m, weight=lambda t: 1 / (1 - t), share=lambda m: 1.0):
    """mean over strings of w(t) sum_i -log p, over the masked tokens."""
    sums = -(log_p * tokens_of(masked)).sum(1)
    return (weight(t) * sums * share(masked)).mean()


EXERCISES = {
    "12.1": Exercise(
        expects="a function marginal(q, K) -> (S, S, S): p_t of strings of three tokens, from q (V, V, V) and the kernel K (V, S)",
        truth=contract,
        inputs=tables,
        insight="Three contractions of one axis each. For L tokens that is at most L S^(L+1) multiplications, not the (V S)^L terms of a sum over pairs of strings.",
        mistakes={
            "The tokens of the result are in the reverse order.": lambda q, k: contract(q, k, "abc,ax,by,cz->zyx"),
            "The first two tokens of the result have changed places.": lambda q, k: contract(q, k, "abc,ax,by,cz->yxz"),
            "These are independent tokens: the data's dependence is in q, not in its marginal laws.": lambda q, k: torch.einsum("a,b,c,ax,by,cz->xyz", q.sum((1, 2)), q.sum((0, 2)), q.sum((0, 1)), k, k, k),
            "All three tokens have become one: each has its own sum over its own symbol.": lambda q, k: torch.einsum("aaa,ax,ay,az->xyz", q, k, k, k),
            "The data are missing: weight the kernels by q.": lambda q, k: contract(torch.ones_like(q), k),
        },
    ),
    "12.2": Exercise(
        expects="a function rates(posterior, x, t) -> (n, V + 1): the rates of one token, from its posterior (n, V), its states x (n,) and a time",
        truth=rates,
        inputs=tokens,
        insight="A shown token has the rates 0: its posterior is where it is. All that happens is unmasking, at the rate 1 / (1 - t).",
        mistakes={
            "Where is the minus [y = x]? The rates to all states must sum to 0: what arrives elsewhere leaves here.": lambda p, x, t: rates(p, x, t, here=0.0),
            "The jumps must be done by t = 1: divide by 1 - t, not by t.": lambda p, x, t: rates(p, x, t, scale=lambda t: t),
            "The 1 / (1 - t) is missing.": lambda p, x, t: rates(p, x, t, scale=lambda t: 1.0),
            "The mask is state V, the last one: you put it first.": lambda p, x, t: rates(p, x, t, front=True),
            "The sign: the rate of staying is the negative one.": lambda p, x, t: -rates(p, x, t),
            "These are the V symbols only: the mask is a state too, and its rate is -1 / (1 - t) for a masked token.": lambda p, x, t: rates(p, x, t)[:, :-1],
        },
    ),
    "12.3": Exercise(
        expects="a function noisy_rates(t, eta) -> (unmasking rate, masking rate), two numbers with which a token is shown with probability t",
        truth=lambda t, eta: pair((1 + eta * t) / (1 - t), eta),
        inputs=times_and_noise,
        insight="A share t masks at the rate eta, so t eta must flow back from the share 1 - t: eta t / (1 - t) on top of the old rate.",
        mistakes={
            "More masking needs more unmasking, or too few tokens are shown: raise the first rate too.": lambda t, eta: pair(1 / (1 - t), eta),
            "The flows balance, not the rates: t of the tokens are shown and 1 - t masked.": lambda t, eta: pair(1 / (1 - t) + eta, eta),
            "What flows back is eta t, not eta: only the shown tokens are masked again.": lambda t, eta: pair((1 + eta) / (1 - t), eta),
            "This is the extra rate alone: the 1 / (1 - t) of the path is still needed.": lambda t, eta: pair(eta * t / (1 - t), eta),
            "The two rates have changed places: unmasking comes first.": lambda t, eta: pair(eta, (1 + eta * t) / (1 - t)),
            "The extra unmasking is missing its 1 / (1 - t).": lambda t, eta: pair(1 / (1 - t) + eta * t, eta),
        },
    ),
    "12.4": Exercise(
        expects="a function same_step(times) -> number: the probability that two tokens of the mask path are unmasked in the same step of the grid times (N + 1,)",
        truth=lambda times: times.diff().square().sum(),
        inputs=grids,
        insight="A token is unmasked in a step with the probability of the step's length, whatever the grid. The sum of squares is least for equal steps: 1 / N.",
        mistakes={
            "1 / N is right for equal steps only.": lambda times: torch.tensor(1 / (len(times) - 1), dtype=torch.float64),
            "h / (1 - t) is the probability *if* the token is still masked: multiply by the probability that it is.": lambda times: hazards(times).square().sum(),
            "That is 1: each token is unmasked in some step. Both in the same step has the square.": lambda times: times.diff().sum(),
            "Only one of the steps was counted: it may be any of them.": lambda times: times.diff().square().max(),
            "Sum over the steps, no mean.": lambda times: times.diff().square().mean(),
            "Both tokens must move in the step: the probability is squared, without a root at the end.": lambda times: times.diff().square().sum().sqrt(),
            "That is the probability of different steps.": lambda times: 1 - times.diff().square().sum(),
        },
    ),
    "12.5": Exercise(
        expects="a function step(posterior, x, t, h) -> (n, V + 1): the probabilities of one Euler step of one token on the mask path",
        truth=step,
        inputs=steps,
        insight="A step is a mixture of staying and of the posterior. With h = 1 - t nothing is left to stay.",
        mistakes={
            "Some of your probabilities are negative: a step longer than 1 - t must jump for sure.": lambda p, x, t, h: step(p, x, t, h, clip=False),
            "The token may also stay: with a small h it mostly does.": lambda p, x, t, h: step(p, x, 0.0, 1.0),
            "The share that jumps is h / (1 - t), not h.": lambda p, x, t, h: step(p, x, 0.0, h),
            "The most probable symbol always wins here: keep the whole posterior, or the samples lose their variety.": lambda p, x, t, h: step(one_hot(p.argmax(1), p.shape[1]).double(), x, t, h),
            "These are the rates: a step multiplies them by h and adds where the token is.": lambda p, x, t, h: rates(p, x, t),
            "Where the token is was forgotten: it stays with the rest of the probability.": lambda p, x, t, h: min(h / (1 - t), 1.0) * pad(p, (0, 1)),
            "Staying and jumping have changed places.": lambda p, x, t, h: pad(p, (0, 1)) + one_hot(x, p.shape[1] + 1) - step(p, x, t, h),
        },
    ),
    "12.6": Exercise(
        expects="a function weighted_loss(log_p, masked, t) -> number: from log p(x1^i | x_t) (n, L), which tokens are masked (n, L) and the times (n,)",
        truth=bound,
        inputs=log_probabilities,
        insight="With t uniform, all numbers of masked tokens from 0 to L are equally likely. So if p_theta does not depend on t, dividing by that number gives on average this loss divided by L + 1: the same best posterior, but the floor is the entropy divided by L + 1.",
        mistakes={
            "You divided by the number of masked tokens: that loss has another floor. The weight here is 1 / (1 - t).": lambda p, m, t: bound(p, m, t, weight=lambda t: 1.0, share=lambda m: 1 / m.sum(1)),
            "You divided by the number of masked tokens, and weighted as well.": lambda p, m, t: bound(p, m, t, share=lambda m: 1 / m.sum(1)),
            "Shown tokens cost nothing: sum over the masked ones.": lambda p, m, t: bound(p, m, t, tokens_of=lambda m: torch.ones_like(m)),
            "You summed over the shown tokens: the masked ones are to be guessed.": lambda p, m, t: bound(p, m, t, tokens_of=lambda m: ~m),
            "The weight is 1 / (1 - t), not 1 / t: late strings have few masks left.": lambda p, m, t: bound(p, m, t, weight=lambda t: 1 / t),
            "The weight is missing.": lambda p, m, t: bound(p, m, t, weight=lambda t: 1.0),
            "In nats for a whole string: sum over the tokens, no mean.": lambda p, m, t: bound(p, m, t, share=lambda m: 1 / m.shape[1]),
            "It is a loss: minus log p.": lambda p, m, t: -bound(p, m, t),
            "The mean over strings, not the sum.": lambda p, m, t: bound(p, m, t) * len(p),
        },
    ),
}  # fmt: skip
