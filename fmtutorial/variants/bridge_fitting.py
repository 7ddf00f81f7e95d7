"""Schroedinger's bridge by rounds: each learns a drift, and its process couples the pairs of the next."""

import os
from functools import partial

import torch
from torch import Generator, Tensor, nn

from fmtutorial import _validate
from fmtutorial._callables import as_velocity
from fmtutorial._types import Time, Velocity
from fmtutorial.training.loop import UNDER_PYTEST
from fmtutorial.variants.bridge_matching import Pairs, bridge_drift_loss, train_bridge
from fmtutorial.variants.bridges import Bridge, check_bridge, sample_bridge


def simulate_drift(
    drift: Velocity,
    x: Tensor,
    s: float,
    n_steps: int = 100,
    *,
    backward: bool = False,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Solve dx = drift dt + s dW from x (n, d) at t = 0, or backward from t = 1, by Euler-Maruyama.

    Backward in time the drift points to x0: x_{t-h} = x_t + h drift(x_t, t) + s sqrt(h) z. Returns a
    trajectory (n_steps + 1, n, d) and its times, in the order in which they are reached.
    """
    _validate.points(x, "x")
    s = _validate.real(s, "s", low=0.0)
    drift = as_velocity(drift, "drift")

    def ahead(x: Tensor, time: Tensor) -> Tensor:
        """The drift after a time since the start."""
        return drift(x, 1 - time if backward else time)

    trajectory, times = sample_bridge(ahead, _nothing, x, n_steps, s**2 / 2, generator)
    if backward:
        times = 1 - times
    return trajectory, times


def markovian_fitting(
    forward: nn.Module,
    backward: nn.Module,
    x0: Tensor,
    x1: Tensor,
    bridge: Bridge,
    n_rounds: int,
    n_steps: int = 1000,
    *,
    n_simulation_steps: int = 100,
    generator: Generator | None = None,
    **options,
) -> list[Pairs]:
    """Learn Schroedinger's bridge by repeated bridge matching, a Markovian projection a round (DSBM).

    Round 1 trains the network `forward` on the pairs (x0, x1), each (N, d), for n_steps, round 2 `backward`
    on the pairs that the first couples, and so on in turn (Shi et al. 2023; Peluchetti 2023). Pairs are made
    from data at the start of their process: x0 for `forward`, x1 for `backward`.
    Returns the pairs after each round. Interrupting keeps them, and what the networks have learnt.
    `options` go to `train`. For an independent coupling the rows of x0 and x1 must be in random order.
    """
    _validate.points(x0, "x0")
    _validate.same_shape(x0, "x0", x1, "x1")
    check_bridge(bridge)
    n_rounds = _validate.positive_int(n_rounds, "n_rounds")
    _check_networks(forward, backward)
    rounds = []
    pairs = (x0, x1)
    try:
        for k in range(n_rounds):
            is_backward = k % 2 == 1
            model = (forward, backward)[k % 2]
            loss_fn = partial(bridge_drift_loss, backward=is_backward)
            history = train_bridge(
                model, pairs, bridge, n_steps, loss_fn=loss_fn, generator=generator, **options
            )
            if history.interrupted:
                break
            # the pairs that the network couples, from data at its start
            start = (x0, x1)[k % 2]
            trajectory, _ = simulate_drift(
                model, start, bridge.s, n_simulation_steps, backward=is_backward, generator=generator
            )
            pairs = (trajectory[-1], x1) if is_backward else (x0, trajectory[-1])
            rounds.append(pairs)
    except KeyboardInterrupt:  # while it simulates; `train` sees to its own
        if UNDER_PYTEST in os.environ:
            raise
        print(f"Interrupted in round {len(rounds) + 1} of {n_rounds}.")
    return rounds


def _nothing(x: Tensor, t: Time) -> Tensor:
    """No score: what is simulated is a drift already."""
    return torch.zeros_like(x)


def _check_networks(forward: nn.Module, backward: nn.Module) -> None:
    """Raise unless both are networks, and not the same one: the second is needed only after a round."""
    for model, name in ((forward, "forward"), (backward, "backward")):
        if not isinstance(model, nn.Module):
            raise TypeError(f"{name} must be a torch.nn.Module, got {type(model).__name__}")
    if forward is backward:
        raise ValueError("forward and backward must be two networks, got the same one twice")
