"""The density of a flow's samples: the instantaneous change of variables, and what to do with it.

Along a trajectory of dx/dt = v(x, t), d/dt log p_t(x) = -div v(x, t) (Chen et al. 2018; notebook 08 derives
it). `model` is any velocity (x, t), or `lambda x, t: net(x, t, y)`, whose row i depends on row i of x alone.
"""

import math

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._callables import as_velocity, draw
from fmtutorial._devices import double
from fmtutorial._types import DataSource, Time, Velocity
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path
from fmtutorial.sampling import ADAPTIVE, integrate_flow

PROBES = ("rademacher", "gaussian")


def log_prob(
    model: Velocity,
    x: Tensor,
    n_steps: int = 50,
    method: str = "rk4",
    divergence: str = "exact",
    *,
    n_probes: int = 1,
    probe: str = "rademacher",
    fresh: bool = False,
    generator: Generator | None = None,
    atol: float = 1e-5,
    rtol: float = 1e-5,
    differentiable: bool = False,
    path: AffineGaussianPath | None = None,
) -> Tensor:
    """The model's log density at x (n, d), in nats, of shape (n,), from noise N(0, I) at t = 0.

    log p_1(x) = log N(x_0; 0, I) - int_0^1 div v(x_t, t) dt, with x_t followed back from x_1 = x. A model on
    a `path` that starts elsewhere, as the variance-exploding one, has N(0, sigma(0)^2 I) in its place. Solver
    arguments are those of `integrate_flow`. divergence: "exact" (d backward passes an evaluation), or
    "hutchinson" with `n_probes` random probes, "rademacher" or "gaussian". The probes are held for the whole
    path (Grathwohl et al. 2019), or `fresh` at each evaluation, which needs a fixed-step method.
    `differentiable=True` keeps the gradients with respect to x and to the model's parameters.
    """
    # how to take the divergence
    x = _validate.points(x, "x")
    if path is not None:
        check_path(path)
    _check_divergence(divergence, method, n_probes, probe, fresh)
    model = as_velocity(model)
    held_probes = None
    if divergence == "exact":
        held_probes = _unit_vectors(x)
    elif not fresh:
        held_probes = _draw_probes(x, n_probes, probe, generator)

    def augmented_velocity(state: Tensor, t: Time) -> Tensor:
        """The velocity of (x, l): dx/dt = v and dl/dt = div v."""
        probes = held_probes
        if fresh:
            probes = _draw_probes(x, n_probes, probe, generator)
        v, trace = _velocity_and_trace(model, state[:, :-1], t, probes, keep=differentiable)
        return torch.cat([v, trace.unsqueeze(1)], dim=1)

    # back from the data, l = 0, to the noise, where l = -int_0^1 div v dt
    start = torch.cat([x, x.new_zeros(len(x), 1)], dim=1)  # (n, d + 1)
    options = {"atol": atol, "rtol": rtol, "differentiable": differentiable}
    trajectory, _ = integrate_flow(augmented_velocity, start, (1.0, 0.0), n_steps, method, **options)
    x0 = trajectory[-1, :, :-1]
    minus_integral = trajectory[-1, :, -1]
    width = 1.0 if path is None else float(path.sigma(0.0))
    log_normalizer = 0.5 * x.shape[1] * math.log(2 * math.pi * width**2)
    return minus_integral - 0.5 * (x0 / width).square().sum(1) - log_normalizer


def divergence(model: Velocity, x: Tensor, t: Time) -> Tensor:
    """The divergence sum_i dv_i/dx_i of a velocity at the points x (n, d), exact, of shape (n,)."""
    x = _validate.points(x, "x")
    t = _validate.path_time(t, x)
    return _velocity_and_trace(as_velocity(model), x, t, _unit_vectors(x))[1]


def hutchinson_divergence(
    model: Velocity,
    x: Tensor,
    t: Time,
    n_probes: int = 1,
    probe: str = "rademacher",
    generator: Generator | None = None,
) -> Tensor:
    """The mean of e^T (dv/dx) e over random probes e with E[e e^T] = I, of shape (n,) (Hutchinson 1990).

    Unbiased, one backward pass a probe. With S the symmetric part of dv/dx, the variance of one probe is
    2 |S|^2 for "gaussian" probes, and 2 |S|^2 - 2 sum_i S_ii^2 for "rademacher" ones (random signs).
    """
    x = _validate.points(x, "x")
    _check_probes(n_probes, probe)
    probes = _draw_probes(x, n_probes, probe, generator)
    t = _validate.path_time(t, x)
    return _velocity_and_trace(as_velocity(model), x, t, probes)[1]


def kl_to_model(
    data_distribution: DataSource,
    model: Velocity,
    n: int = 2000,
    generator: Generator | None = None,
    **options,
) -> tuple[float, float]:
    """KL(data || model) = E[log p_data(x) - log p_model(x)] over n samples x ~ data: (mean, standard error).

    In nats. `data_distribution` has `.sample(n, generator)` and `.log_prob(x)`, as a `GaussianMixture` has;
    `options` go to `log_prob`.
    """
    for method in ("sample", "log_prob"):
        if not hasattr(data_distribution, method):
            kind = type(data_distribution).__name__
            raise TypeError(
                f"data_distribution must have .sample and .log_prob, got {kind} without .{method}"
            )
    n = _validate.positive_int(n, "n")
    x = draw(data_distribution, n, generator, "data_distribution")[0]
    model_log_prob = log_prob(model, x, generator=generator, **options).detach()
    gaps = data_distribution.log_prob(double(x)) - double(model_log_prob)
    standard_error = gaps.std(correction=min(1, n - 1)) / math.sqrt(n)
    return float(gaps.mean()), float(standard_error)


def bits_per_dimension(log_p: float | Tensor, dim: int, bin_width: float = 1.0) -> float | Tensor:
    """Bits that a dimension of x costs on average: -log_p / (d log 2) - log2(bin_width), for log_p in nats.

    `bin_width` is the width of the bins that x is rounded to, in the units of the model (8-bit images scaled
    to [0, 1] have 1/256): a density has no bits without one.
    """
    _validate.positive_int(dim, "dim")
    bin_width = _validate.real(bin_width, "bin_width", low=0.0, open_low=True)
    return -log_p / (dim * math.log(2)) - math.log2(bin_width)


def _velocity_and_trace(
    model: Velocity, x: Tensor, t: Time, probes: Tensor, keep: bool = False
) -> tuple[Tensor, Tensor]:
    """v(x, t) and the sum over probes e (m, 1 or n, d) of e^T (dv/dx) e; their graph only if `keep`."""
    with torch.inference_mode(False), torch.enable_grad():
        # the velocity, and a graph from it back to x
        if x.is_inference():  # autograd takes copies made outside of inference mode
            x, t, probes = (value.clone() for value in (x, torch.as_tensor(t), probes))
        if not (keep and x.requires_grad):
            x = x.detach().requires_grad_()
        v = model(x, t)

        # one backward pass for each probe
        trace = x.new_zeros(len(x))
        for e in probes:
            gradient = _gradient_in_x((v * e).sum(), x, keep)  # (dv/dx)^T e, (n, d)
            trace = trace + (gradient * e).sum(1)
    if keep:
        return v, trace
    return v.detach(), trace.detach()


def _gradient_in_x(total: Tensor, x: Tensor, keep: bool) -> Tensor:
    """The gradient of a scalar in x (n, d); ValueError if autograd sees no way from it to x."""
    gradient = None
    if total.requires_grad:
        (gradient,) = torch.autograd.grad(total, x, retain_graph=True, create_graph=keep, allow_unused=True)
    if gradient is None:
        raise ValueError(
            "model(x, t) must depend on x in a way that autograd can follow, got an output cut off "
            "from x (by no_grad or detach?); if the velocity really is constant in x, add 0 * x"
        )
    return gradient


def _unit_vectors(x: Tensor) -> Tensor:
    """The probes of the exact divergence, (d, 1, d): the sum of e_i^T (dv/dx) e_i is the trace."""
    return torch.eye(x.shape[1], dtype=x.dtype, device=x.device).unsqueeze(1)


def _draw_probes(x: Tensor, n_probes: int, probe: str, generator: Generator | None) -> Tensor:
    """Random probes (m, n, d), scaled by 1 / sqrt(m) so that the *sum* of e^T (dv/dx) e is the mean."""
    e = _random.normal_like(x.detach().expand(n_probes, *x.shape), generator)
    if probe == "rademacher":
        e = torch.where(e < 0, -torch.ones_like(e), torch.ones_like(e))
    return e / math.sqrt(n_probes)


def _check_probes(n_probes: int, probe: str) -> None:
    """Raise unless there is a probe, of a kind that we have."""
    _validate.positive_int(n_probes, "n_probes")
    _validate.one_of(probe, "probe", PROBES)


def _check_divergence(kind: str, method: str, n_probes: int, probe: str, fresh: bool) -> None:
    """Raise unless the options of `log_prob` for the divergence go together."""
    _validate.one_of(kind, "divergence", ("exact", "hutchinson"))
    _check_probes(n_probes, probe)
    if kind == "exact" and (fresh or n_probes != 1):
        raise ValueError(
            f"n_probes and fresh are for divergence='hutchinson', got divergence='exact' with "
            f"n_probes={n_probes}, fresh={fresh}"
        )
    if fresh and method in ADAPTIVE:
        raise ValueError(
            f"fresh=True must go with a fixed-step method, got method={method!r}: an adaptive one takes new "
            "probes for an error of its own"
        )
