"""Learning a posterior: floors are entropies, the loss is the classifier's, and a network comes near."""

import itertools
import math

import pytest
import torch
from helpers import random_table, seeded
from torch.nn.functional import one_hot

from fmtutorial.variants import (
    MaskPath,
    TokenNet,
    UniformPath,
    all_states,
    draw_strings,
    entropy,
    excess_token_loss,
    learnt_posterior,
    one_at_a_time_law,
    posterior_field,
    token_loss,
    token_loss_floor,
    total_variation,
    train_tokens,
)


class Fixed(torch.nn.Module):
    """Logits of a posterior that is known."""

    def __init__(self, posterior):
        super().__init__()
        self.posterior = posterior

    def forward(self, x, t):
        rows = [self.posterior(x[i : i + 1], float(t[i])) for i in range(len(x))]
        return torch.cat(rows).log()


def test_entropy_and_total_variation_by_hand():
    assert entropy(torch.tensor([0.5, 0.25, 0.25, 0.0])) == pytest.approx(1.5 * math.log(2))
    assert total_variation(torch.tensor([0.5, 0.5]), torch.tensor([0.8, 0.2])) == pytest.approx(0.3)


@pytest.mark.parametrize("length", [1, 2, 4])
def test_the_weighted_floor_of_the_mask_path_is_the_entropy(length):
    q = random_table(length=length)
    assert token_loss_floor(q, MaskPath(3), weighted=True) == pytest.approx(entropy(q), abs=1e-12)


def test_the_floor_of_the_mask_path_is_a_sum_over_masks():
    """int t^k (1 - t)^m dt = k! m! / (k + m + 1)! for each set of m masked tokens."""
    q, expected = random_table(), 0.0
    for masked in itertools.product((False, True), repeat=3):
        m = sum(masked)
        shown = [i for i in range(3) if not masked[i]]
        weight = math.factorial(3 - m) * math.factorial(m) / math.factorial(4)
        for i in (i for i in range(3) if masked[i]):
            away = [j for j in range(3) if j != i and j not in shown]
            pair = q.sum(away) if away else q
            alone = q.sum([j for j in range(3) if j not in shown]) if m else q
            expected += weight * (entropy(pair) - entropy(alone))  # H(x^i | shown)
    assert token_loss_floor(q, MaskPath(3)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("path", [MaskPath(3), UniformPath(3)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_the_exact_posterior_is_the_floor(path, weighted):
    q = random_table(length=2)
    losses = torch.stack(
        [
            token_loss(
                Fixed(posterior_field(q, path)), draw_strings(q, 1500, seeded(k)), path, seeded(k + 50),
                weighted=weighted,
            )
            for k in range(3)
        ]
    )  # fmt: skip
    floor = token_loss_floor(q, path, weighted=weighted)
    if isinstance(path, MaskPath) or not weighted:
        assert abs(float(losses.mean()) - floor) < 5 * float(losses.std()) / 3**0.5 + 0.03
    excess = excess_token_loss(posterior_field(q, path), q, path, weighted=weighted)
    assert excess == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("path", [MaskPath(3), UniformPath(3)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_string_by_string(path, weighted):
    net, x1 = TokenNet(path, 2, 8, generator=seeded()), draw_strings(random_table(length=2), 50, seeded())
    loss = token_loss(net, x1, path, seeded(7), weighted=weighted)
    g = seeded(7)
    t = torch.rand(50, 1, generator=g)
    x_t = path.sample(x1, t, g)
    expected = 0.0
    for row in range(50):
        p = net(x_t[row : row + 1], t[row]).softmax(-1)[0]
        cost = -sum(float(p[i, x1[row, i]].detach().log()) for i in range(2))
        expected += cost / (1 - float(t[row])) if weighted else cost
    assert loss.item() == pytest.approx(expected / 50, rel=1e-4)


def test_the_excess_of_a_wrong_posterior_bounds_its_law():
    q, path = random_table(0), MaskPath(3)
    wrong = posterior_field(0.7 * q + 0.3 * random_table(1), path)
    excess = excess_token_loss(wrong, q, path, weighted=True)
    law = one_at_a_time_law(wrong, path, 3)
    kl = float((torch.xlogy(q, q) - torch.xlogy(q, law)).sum())
    assert excess == pytest.approx(kl, rel=1e-9)  # equal where all orders have the same law

    def inconsistent(x, t):
        return torch.where(
            torch.arange(3)[:, None] == 0, wrong(x, t), posterior_field(random_table(2), path)(x, t)
        )

    excess = excess_token_loss(inconsistent, q, path, weighted=True)
    law = one_at_a_time_law(inconsistent, path, 3)
    assert 0 < float((torch.xlogy(q, q) - torch.xlogy(q, law)).sum()) < excess


def test_a_shown_token_keeps_its_symbol_and_costs_nothing():
    path = MaskPath(3)
    net = TokenNet(path, 2, 16, generator=seeded())
    x = all_states(path, 2)
    shown = x < 3
    posterior = learnt_posterior(net)(x, 0.5)
    torch.testing.assert_close(posterior[shown], one_hot(x[shown], 3).double())
    torch.testing.assert_close(posterior, learnt_posterior(net)(x, 0.9))
    assert (posterior[~shown] > 0).all()


def test_the_known_factor_is_added_to_the_logits():
    path = UniformPath(3)
    nets = [TokenNet(path, 2, 16, known_factor=known, generator=seeded()) for known in (True, False)]
    x = all_states(path, 2)
    gap = nets[0](x, 0.25) - nets[1](x, 0.25)
    torch.testing.assert_close(gap, math.log(2.0) * one_hot(x, 3).float())  # 1 + 0.25 * 3 / 0.75 = 2


@pytest.mark.parametrize("path", [MaskPath(3), UniformPath(3)], ids=str)
def test_training_comes_near_the_exact_posterior(path):
    q = random_table(length=2)
    net = TokenNet(path, 2, 32, generator=seeded())
    before = excess_token_loss(learnt_posterior(net), q, path)
    losses = train_tokens(net, draw_strings(q, 50_000, seeded()), path, 400, generator=seeded())
    after = excess_token_loss(learnt_posterior(net), q, path)
    assert len(losses) == 400 and 0 < after < before / 10 and after < 0.02


def test_the_seed_decides_everything():
    q, path = random_table(length=2), MaskPath(3)
    runs = []
    for _ in range(2):
        g = seeded(3)
        net = TokenNet(path, 2, 8, generator=g)
        runs.append(train_tokens(net, draw_strings(q, 100, g), path, 5, 16, generator=g))
    assert runs[0] == runs[1]
