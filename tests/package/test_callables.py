"""What a model, score or sampler of a user returns is checked at its first call, wherever it comes in."""

import pytest
import torch
from helpers import seeded
from torch import nn

from fmtutorial import StraightPath, VelocityNet, exact, fit, integrate_flow, standard_mixture, train
from fmtutorial._callables import as_velocity
from fmtutorial.distributions import EmpiricalDistribution
from fmtutorial.metrics import kl_to_model, log_prob
from fmtutorial.paths import VarianceExplodingPath, VariancePreservingPath
from fmtutorial.sampling import (
    FIXED_STEP,
    CountEvaluations,
    annealed_langevin,
    clamped,
    ddim_step,
    guided,
    langevin,
    run_sampler,
)
from fmtutorial.training import ConditionalVelocityNet, cfm_loss, ot_permutation, pair_loss, reflow_pairs

X = torch.randn(6, 2, generator=seeded())
PATH = StraightPath()


def one_column(x, t=None, y=None):
    return x[:, :1]


def an_array(x, t=None, y=None):
    return x.numpy()


def not_a_number(x, t=None, y=None):
    return x * float("nan")


def double_precision(x, t=None, y=None):
    return x.double()


WRONG = [
    (one_column, ValueError, r"must return the shape \(6, 2\), got \(6, 1\)"),
    (an_array, TypeError, r"must return a torch\.Tensor of shape \(6, 2\), got ndarray"),
    (not_a_number, ValueError, "must be finite, got 12 NaN or infinite values of 12"),
    (double_precision, TypeError, r"must return the dtype of x, torch\.float32, got torch\.float64"),
]
PLACES = {
    "euler": lambda model: integrate_flow(model, X, n_steps=2, method="euler"),
    "rk4": lambda model: integrate_flow(model, X, n_steps=2, method="rk4"),
    "dopri5": lambda model: integrate_flow(model, X, n_steps=2),
    "run_sampler": lambda model: run_sampler(ddim_step, model, X, PATH, 2),
    "langevin": lambda model: langevin(model, X, 2, 0.1),
    "annealed_langevin": lambda model: annealed_langevin(model, X, PATH, [0.5], 2, 0.1),
    "guided": lambda model: guided(model, torch.zeros(6, 1), 1.0)(X, torch.tensor(0.5)),
    "clamped": lambda model: clamped(model, X, X, torch.tensor([True, False]))(X, torch.tensor(0.5)),
}


@pytest.mark.parametrize("wrong, error, words", WRONG, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_answer_is_named_at_the_first_call(place, wrong, error, words):
    with pytest.raises(error, match=words):
        PLACES[place](wrong)


@pytest.mark.parametrize("place", PLACES)
def test_what_cannot_be_called_is_named(place):
    with pytest.raises(TypeError, match="must be callable"):
        PLACES[place](torch.zeros(6, 2))


def test_only_the_first_answer_is_checked():
    calls = []

    def model(x, t):
        calls.append(float(t))
        return x

    checked = as_velocity(model)
    for t in (0.0, 0.5):
        checked(X, torch.tensor(t))
    assert calls == [0.0, 0.5]


@pytest.mark.parametrize("method", [*FIXED_STEP, "dopri5"])
def test_a_network_sees_its_time_as_in_training(method):
    class Concatenates(nn.Module):
        """What many write: t as a column beside x."""

        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x, t):
            return self.linear(torch.cat([x, t], dim=1))

    net = Concatenates()
    train(net, X, PATH, n_steps=2, batch_size=3, progress=False)
    for model in (net, CountEvaluations(net)):
        trajectory, _ = integrate_flow(model, X, n_steps=2, method=method)
        assert torch.isfinite(trajectory).all()


def test_points_of_another_dtype_than_the_network_are_named():
    net = nn.Linear(2, 2).double()

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x, t):
            return self.net(x)

    with pytest.raises(TypeError, match=r"parameters of torch\.float64 and points of torch\.float32"):
        integrate_flow(Own(), X, n_steps=2, method="euler")


def test_a_flow_that_leaves_the_numbers_says_when_and_what_to_try():
    with pytest.raises(FloatingPointError, match=r"t = 0\.\d+, with method='rk4' and n_steps=20.*more steps"):
        integrate_flow(lambda x, t: 1e3 * x**3, X + 1, n_steps=20, method="rk4")
    with pytest.raises(FloatingPointError, match="method='dopri5' gave up"):
        integrate_flow(lambda x, t: 1e3 * x**3, X + 1, n_steps=20)


def test_an_adaptive_method_gives_up_in_words():
    with pytest.raises(FloatingPointError, match=r"gave up \(max_num_steps exceeded.*fixed-step"):
        integrate_flow(lambda x, t: -1e5 * (x - 1), X, n_steps=1, max_num_steps=50)


@pytest.mark.parametrize("path", [StraightPath(0.0), VariancePreservingPath()], ids=str)
def test_the_field_of_data_without_width_is_never_nan_without_a_word(path):
    field = exact.velocity_field(EmpiricalDistribution(X.double()), path)
    start = torch.randn(4, 2, generator=seeded(1), dtype=torch.float64)
    for method in ("rk4", "heun2"):
        with pytest.raises(FloatingPointError, match=r"t = 1, with .*'midpoint'"):
            integrate_flow(field, start, n_steps=20, method=method)
    for method in ("euler", "midpoint", "heun3"):
        assert torch.isfinite(integrate_flow(field, start, n_steps=20, method=method)[0]).all()


@pytest.mark.parametrize("method", ["euler", "rk4", "dopri5"])
def test_the_end_alone_is_the_end_of_the_whole(method):
    field = exact.velocity_field(standard_mixture(), PATH)
    trajectory, t = integrate_flow(field, X, n_steps=7, method=method)
    end, last = integrate_flow(field, X, n_steps=7, method=method, only_end=True)
    assert end.shape == (1, 6, 2) and torch.equal(end[0], trajectory[-1]) and torch.equal(last, t[-1:])
    assert end.untyped_storage().nbytes() == 4 * 12  # it keeps nothing else alive


def test_a_conditional_flow_is_counted_and_its_labels_are_checked():
    net = ConditionalVelocityNet(2, n_classes=3, hidden_dim=8, n_blocks=1)
    counted = CountEvaluations(net)
    y = torch.arange(6) % 3
    integrate_flow(counted, X, n_steps=3, method="midpoint", condition=y)
    assert counted.nfe == 6
    with pytest.raises(ValueError, match="classes from 0 to 2"):
        integrate_flow(counted, X, n_steps=3, method="midpoint", condition=y + 1)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_labels_of_every_integer_type(dtype):
    y = (torch.arange(6) % 3).to(dtype)
    net, _ = fit(X, n_steps=2, condition=y, progress=False)
    expected = net(X, 0.5, y.long())
    assert torch.equal(net(X, 0.5, y), expected)
    integrate_flow(net, X, n_steps=1, method="euler", condition=y)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fit_takes_the_dtype_of_the_data(dtype):
    x1 = X.to(dtype)
    net, history = fit(x1, n_steps=3, progress=False)
    assert len(history.losses) == 3 and not net.training
    assert next(net.parameters()).dtype == dtype
    assert integrate_flow(net, x1, n_steps=2, method="rk4")[0].dtype == dtype
    assert log_prob(net, x1, n_steps=2).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused_by_name(dtype):
    with pytest.raises(TypeError, match=rf"x0 must be .* float32 or float64, got {dtype}"):
        integrate_flow(VelocityNet(), X.to(dtype))


def test_epochs_are_enough_for_fit():
    _, history = fit(torch.randn(300, 2, generator=seeded()), n_epochs=2, progress=False)
    assert len(history.losses) == 4  # two epochs of 256 and 44


def test_fit_warns_of_data_far_from_unit_scale():
    for x1 in (0.01 * X, X + 100, 1000 * X):
        with pytest.warns(UserWarning, match="far from unit scale"):
            fit(x1, n_steps=1, progress=False)


def test_conditional_reflow_trains():
    net = ConditionalVelocityNet(2, n_classes=3, hidden_dim=8, n_blocks=1)
    y = torch.arange(50) % 3
    x0, x1 = reflow_pairs(net, 50, 2, condition=y, batch_size=20, generator=seeded())
    history = train(net, (x0, x1, y), StraightPath(0.0), n_steps=3, loss_fn=pair_loss, progress=False)
    assert len(history.losses) == 3


class BadSampler:
    def __init__(self, value):
        self.value = value

    def sample(self, n, generator=None):
        return self.value(n)


@pytest.mark.parametrize(
    "value, words",
    [
        (lambda n: [0.0] * n, "must return tensors with 1 rows, got list"),
        (lambda n: torch.zeros(n + 1, 2), r"must return tensors with 1 rows, got \(2, 2\)"),
        (lambda n: torch.full((n, 2), float("nan")), "what BadSampler.sample.* returns must be finite"),
    ],
    ids=["list", "rows", "nan"],
)
def test_what_a_sampler_returns_is_blamed_on_the_sampler(value, words):
    with pytest.raises((TypeError, ValueError), match=words):
        fit(BadSampler(value), n_steps=1, progress=False)


def test_a_sampler_of_another_kind_is_named():
    class DataFrame:
        def sample(self, n=None, frac=None):
            raise ValueError("Please enter a value for frac OR n, not both")

    with pytest.raises(TypeError, match=r"data must be a tensor.*DataFrame\.sample\(1, generator\) failed"):
        fit(DataFrame(), n_steps=1, progress=False)


def test_what_is_no_network_is_named():
    with pytest.raises(TypeError, match="an object and not its class, got VelocityNet"):
        train(VelocityNet, X, PATH, n_steps=1)
    with pytest.raises(ValueError, match="model must have parameters to train, got Identity"):
        train(nn.Identity(), X, PATH, n_steps=1)


def test_a_coupling_of_another_kind_is_named():
    net = VelocityNet(hidden_dim=8)
    with pytest.raises(TypeError, match=r"coupling\(x0, x1\) must return the row of x1.*got tuple"):
        cfm_loss(net, X, PATH, coupling=lambda x0, x1: (x0, x1))
    assert torch.isfinite(cfm_loss(net, X, PATH, coupling=ot_permutation))


def test_a_seed_in_the_place_of_a_generator_is_named():
    with pytest.raises(TypeError, match=r"generator must be a torch\.Generator or None, got int: 0"):
        standard_mixture().sample(5, 0)


def test_the_likelihood_works_in_inference_mode():
    net = VelocityNet(hidden_dim=8)
    expected = log_prob(net, X, n_steps=4).detach()
    with torch.inference_mode():
        torch.testing.assert_close(log_prob(net, X.clone(), n_steps=4), expected)


def test_the_exact_field_of_the_exploding_path_has_no_kl():
    mixture, path = standard_mixture(), VarianceExplodingPath()
    field = exact.velocity_field(mixture, path)
    kl, error = kl_to_model(mixture, field, 200, seeded(), n_steps=200, path=path)
    # the start lacks alpha(0) x1, of variance 5.3 beside sigma(0)^2 = 6400
    assert abs(kl) < 4 * error + 5e-3
