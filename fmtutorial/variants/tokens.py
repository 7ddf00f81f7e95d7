"""Learning a posterior by cross-entropy: loss, its floor, a small network, and the loop.

The loss is sum_i -log p_theta(x1^i | x_t). Its floor is the conditional entropy sum_i H(x1^i | x_t),
averaged over t ~ U[0, 1]. Weighted by 1 / (1 - t) the floor of the mask path is the entropy of the data, and
the excess over it bounds KL(data || model) (Shi et al. 2024; Sahoo et al. 2024; Ou et al. 2024).
"""

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy

from fmtutorial import _random, _validate
from fmtutorial._initialization import weights_from
from fmtutorial._types import Time
from fmtutorial.training._batches import warmup_cosine
from fmtutorial.training.networks import time_features
from fmtutorial.variants.discrete import Posterior, checked_table, token_marginal, token_posterior
from fmtutorial.variants.token_paths import MaskPath, TokenPath, all_states, check_path, check_states

# Nodes of Gauss and Legendre: exact for the mask path, whose integrand is a polynomial of degree < L.
N_NODES = 32


def entropy(table: Tensor) -> float:
    """H(q) = -sum q log q in nats."""
    return float(torch.special.entr(_validate.finite(table, "table")).sum())


def total_variation(p: Tensor, q: Tensor) -> float:
    """TV(p, q) = 1/2 sum |p - q|: the largest difference of probability that any event has."""
    _validate.same_shape(p, "p", q, "q")
    return float((p - q).abs().sum() / 2)


def token_loss_floor(table: Tensor, path: TokenPath, *, weighted: bool = False) -> float:
    """The least `token_loss` that any network can reach: int sum_i H(x1^i | x_t) dt, in nats.

    `weighted` puts 1 / (1 - t) under the integral; on the mask path that is the entropy of the data. By 32
    Gauss-Legendre nodes: exact on the mask path, and on the uniform path, weighted, to about three decimals.
    """

    def remaining(t: float) -> float:
        """sum_i H(x1^i | x_t)."""
        p_t = token_marginal(table, path, t).flatten()
        entropies = torch.special.entr(token_posterior(table, path, t)).sum((1, 2))
        return float(p_t @ entropies)

    return _integral(remaining, weighted)


def excess_token_loss(
    posterior: Posterior, table: Tensor, path: TokenPath, *, weighted: bool = False
) -> float:
    """The excess of a posterior's loss over the floor: int sum_i E KL(exact || posterior) dt, in nats."""
    q = checked_table(table, path)
    x = all_states(path, q.ndim)

    def divergence(t: float) -> float:
        """sum_i E KL(p(x1^i | x_t) || posterior)."""
        p_t = token_marginal(q, path, t).flatten()
        exact = token_posterior(q, path, t)
        gaps = torch.special.entr(exact) + torch.xlogy(exact, posterior(x, t).double())
        is_visited = p_t > 0
        return -float(p_t[is_visited] @ gaps.sum((1, 2))[is_visited])

    return _integral(divergence, weighted)


class TokenNet(nn.Module):
    """Logits of p_theta(x1^i = a | x_t = x): a perceptron on the embedded tokens, called as model(x, t).

    States x (n, L) and a time, a number or a column (n, 1), -> logits (n, L, V). The path's part is added, as
    the posterior is K_t[a, x^i] times a factor of the other tokens and t. With `known_factor=False` the
    network of the uniform path has to learn that too. On the mask path no time goes in.
    """

    def __init__(
        self,
        path: TokenPath,
        length: int,
        hidden_dim: int = 128,
        *,
        known_factor: bool = True,
        generator: Generator | None = None,
    ):
        super().__init__()
        check_path(path)
        self.path = path
        self.length = _validate.positive_int(length, "length")
        self.time_dim = 0 if isinstance(path, MaskPath) else 5
        self.known_factor = known_factor or isinstance(path, MaskPath)
        hidden_dim = _validate.positive_int(hidden_dim, "hidden_dim")
        with weights_from(generator):
            self.embedding = nn.Embedding(length * path.n_states, hidden_dim)
            nn.init.normal_(self.embedding.weight, std=length**-0.5)
            self.of_time = nn.Linear(self.time_dim, hidden_dim, bias=False) if self.time_dim else None
            layers = [
                nn.SiLU(),
                nn.Linear(hidden_dim, hidden_dim),
                nn.SiLU(),
                nn.Linear(hidden_dim, hidden_dim),
                nn.SiLU(),
                nn.Linear(hidden_dim, length * path.n_symbols),
            ]
            self.net = nn.Sequential(*layers)

    def forward(self, x: Tensor, t: Time) -> Tensor:
        """The logits for the states x at the time(s) t."""
        t = torch.as_tensor(t, dtype=torch.float32).reshape(-1, 1).expand(len(x), 1)
        h = self.embedding(x + self.path.n_states * torch.arange(self.length)).sum(1)
        if self.of_time is not None:
            h = h + self.of_time(time_features(t, self.time_dim))
        logits = self.net(h).reshape(len(x), self.length, self.path.n_symbols)
        if self.known_factor:
            logits = logits + self.path.log_likelihood(x, t)
        return logits


def token_loss(
    model: nn.Module,
    x1: Tensor,
    path: TokenPath,
    generator: Generator | None = None,
    *,
    weighted: bool = False,
) -> Tensor:
    """The mean over a batch x1 (n, L) of sum_i -log p_theta(x1^i | x_t), with t ~ U[0, 1] for each string.

    A shown token of the mask path costs nothing. `weighted` divides by 1 - t.
    """
    t = _random.uniform_time(torch.empty(len(x1), 1), generator)
    x_t = path.sample(x1, t, generator)
    losses = cross_entropy(model(x_t, t).transpose(1, 2), x1, reduction="none").sum(1, keepdim=True)
    if weighted:
        losses = losses / (1 - t)
    return losses.mean()


def train_tokens(
    model: nn.Module,
    x1: Tensor,
    path: TokenPath,
    n_steps: int,
    batch_size: int = 256,
    lr: float = 3e-3,
    generator: Generator | None = None,
) -> list[float]:
    """Minimise `token_loss` on random batches of x1 (N, L): Adam, cosine schedule; return the losses."""
    check_path(path)
    check_states(x1, "x1", path.n_symbols)
    n_steps = _validate.positive_int(n_steps, "n_steps")
    batch_size = _validate.positive_int(batch_size, "batch_size")
    optimizer = torch.optim.Adam(
        model.parameters(), lr=_validate.real(lr, "lr", 0.0, open_low=True), fused=True
    )
    losses = []
    for step in range(1, n_steps + 1):
        optimizer.param_groups[0]["lr"] = lr * warmup_cosine(step, n_steps)
        batch = x1[torch.randint(len(x1), (batch_size,), generator=generator)]
        loss = token_loss(model, batch, path, generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def learnt_posterior(model: nn.Module) -> Posterior:
    """The network's probabilities as a function of states x (n, L) and a time: (n, L, V), in doubles."""

    @torch.no_grad()
    def posterior(x: Tensor, t: float) -> Tensor:
        """softmax of the logits."""
        return torch.softmax(model(x, t).double(), dim=-1)

    return posterior


def _integral(of_time, weighted: bool) -> float:
    """int_0^1 w(t) f(t) dt by the rule of Gauss and Legendre, with w = 1 or 1 / (1 - t)."""
    nodes, weights = np.polynomial.legendre.leggauss(N_NODES)
    total = 0.0
    for t, weight in zip((1 + nodes) / 2, weights / 2, strict=True):
        total += weight * of_time(float(t)) / ((1 - t) if weighted else 1)
    return float(total)
