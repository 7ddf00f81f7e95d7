"""Interaction: a redraw of each explorer, broken down into computing, drawing and encoding.

What the way through the kernel, the server and the browser adds is measured where these are: by
`BENCHMARKS=1 python -m pytest -m browser -n 0 -k keyboard`, which writes results/browser_NN.json.
"""

import time
from itertools import pairwise

from benchmarks.timing import row
from fmtutorial.widgets import Explorer, sigma_min_explorer, step_count_explorer
from fmtutorial.widgets.explorer import encode_png

# the controls as the browser test moves them: a dozen values that were not shown before
MOVES = {
    "sigma_min_explorer": (
        sigma_min_explorer,
        {
            "sigma_min": [round(10 ** (-2 + 0.05 * k), 5) for k in range(12)],
            "t": [0.02 * k for k in range(10, 22)],
            "data": [8, 32, 128],
        },
    ),
    "step_count_explorer": (
        step_count_explorer,
        {
            "n_steps": list(range(9, 21)),
            "t": [0.02 * k for k in range(10, 22)],
            "method": ["midpoint", "rk4", "euler"],
        },
    ),
}


def broken_down(explorer: Explorer, name: str, value: float | str) -> dict[str, float]:
    """Milliseconds of process time for one move of one control."""
    control = explorer.controls[name]
    with control.hold_trait_notifications():  # without its own redraw
        control.unobserve(explorer.redraw, names="value")
        control.value = value
    times = [time.process_time()]
    explorer.update()
    times.append(time.process_time())
    pixels = explorer.draw()
    times.append(time.process_time())
    encode_png(pixels)
    times.append(time.process_time())
    control.observe(explorer.redraw, names="value")
    compute, draw, encode = (1e3 * (b - a) for a, b in pairwise(times))
    return {"computing": compute, "drawing": draw, "encoding": encode, "all three": compute + draw + encode}


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Every control of both explorers, from a fresh explorer in each round: nothing is remembered."""
    rows = []
    for which, (make, controls) in MOVES.items():
        for name, values in controls.items():
            found: list[dict] = []
            for _ in range(min(rounds, 3)):
                explorer = make()
                found += [broken_down(explorer, name, value) for value in values]
            rows += [
                row(part, [f[part] for f in found], "ms", explorer=which, control=name) for part in found[0]
            ]
    return rows, ["process time in the kernel; transport and browser are in browser_03 and browser_05"]
