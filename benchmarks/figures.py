"""Figures and tables drawn from benchmarks/results/*.json: nothing here is measured, or typed in."""

from collections import defaultdict

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#222222", "#E69F00", "#56B4E9"]  # Okabe & Ito 2008
MARKERS = "osD^vPX"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})


def provenance(result: dict) -> str:
    """One sentence: when, on what, with which versions."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return (
        f"Measured on {result['date']}: {result['processor']} ({result['cores']} cores, {result['threads']} "
        f"thread used), {result['system']}; {versions}. {result['rounds']} rounds."
    )


def rows_of(result: dict, unit: str) -> list[dict]:
    """The rows in one unit."""
    return [r for r in result["rows"] if r["unit"] == unit]


def imports(result: dict) -> tuple[Figure, str]:
    """Bars of whole processes as multiples of `import torch`, with the bound that is kept."""
    rows = rows_of(result, "ratio")[::-1]
    names = [r["name"].removesuffix(" / import torch") for r in rows]
    medians = [r["median"] for r in rows]
    spread = [[r["median"] - r["least"] for r in rows], [r["most"] - r["median"] for r in rows]]
    fig, ax = plt.subplots(figsize=(7.5, 0.9 + 0.45 * len(rows)), layout="constrained")
    ax.barh(names, medians, xerr=spread, color=PALETTE[0], height=0.6, capsize=3)
    for i, (median, r) in enumerate(zip(medians, rows, strict=True)):
        ax.text(r["most"] + 0.04, i, f"{median:.2f}", va="center")
    ax.axvline(1, color="black", lw=1, label="import torch")
    ax.axvline(1.25, color="black", lw=1, ls="--", label="a quarter more")
    ax.set(xlabel="time of a process / import torch", xlim=(0, 1.15 * max(r["most"] for r in rows)))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    listed = ", ".join(f"{n} {m:.2f}" for n, m in zip(names[::-1], medians[::-1], strict=True))
    return (
        fig,
        f"Bars of the time of a whole Python process as a multiple of one that imports torch: {listed}.",
    )


def inference(result: dict) -> tuple[Figure, str]:
    """Dots of the errors of each side, and bars of its seconds."""
    errors = rows_of(result, "rms error")
    spent = rows_of(result, "s")
    names = list(dict.fromkeys(r["name"] for r in errors))
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    # errors, a marker for each side
    quantities = list(dict.fromkeys(r["of"] for r in errors))
    for name, color, marker in zip(names, PALETTE, MARKERS, strict=False):
        rows = [r for r in errors if r["name"] == name]
        medians = [r["median"] for r in rows]
        spread = [[r["median"] - r["least"] for r in rows], [r["most"] - r["median"] for r in rows]]
        left.errorbar(quantities, medians, spread, fmt=marker, color=color, capsize=3, label=name)
    left.set(ylabel="rms error", xmargin=0.2, ylim=(0, None))
    left.legend(fontsize=9)
    # seconds, training and sampling beside each other
    bars = [f"{r['name']}: {r['of']}" for r in spent]
    right.barh(bars, [r["median"] for r in spent], color=PALETTE[0])
    right.invert_yaxis()
    right.set(xlabel="seconds")
    listed = ", ".join(f"{r['name']} {r['of']} {r['median']:.3f}" for r in errors)
    return fig, (
        "Left, the errors of the posterior's mean, standard deviation and side for exact samples and each "
        f"method; right, the seconds of training and sampling. Errors: {listed}."
    )


def training(result: dict) -> tuple[Figure, str]:
    """Bars of a training step as a multiple of the bare one."""
    rows = [r for r in rows_of(result, "ratio") if r["name"].endswith("/ bare")][::-1]
    names = [r["name"].removesuffix(" / bare") for r in rows]
    medians = [r["median"] for r in rows]
    spread = [[r["median"] - r["least"] for r in rows], [r["most"] - r["median"] for r in rows]]
    fig, ax = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
    ax.barh(names, medians, xerr=spread, color=PALETTE[0], height=0.6, capsize=3, log=True)
    for i, (median, r) in enumerate(zip(medians, rows, strict=True)):
        ax.text(r["most"] * 1.04, i, f"{median:.2f}", va="center")
    ax.axvline(1, color="black", lw=1)
    ax.set(xlabel="time of a step / bare step (logarithmic)", xlim=(0.8, 30), xticks=[1, 2, 5, 10, 20])
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter("")
    listed = ", ".join(f"{n} {m:.2f}" for n, m in zip(names[::-1], medians[::-1], strict=True))
    return fig, f"Bars of the time of one training step as a multiple of the bare step: {listed}."


def sampling(result: dict) -> tuple[Figure, str]:
    """Error against NFE, a panel for each velocity, with the floor of a perfect solver."""
    rows = [r for r in rows_of(result, "sliced W2") if "velocity" in r]
    floor = next(r for r in result["rows"] if r["name"].startswith("floor, a perfect"))
    fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.9), sharey=True, layout="constrained")
    for ax, velocity in zip(axes, ("exact", "learned"), strict=True):
        curves = defaultdict(list)
        for r in rows:
            if r["velocity"] == velocity:
                curves[r["name"].split()[0]].append((r["nfe"], r["mean"]))
        for (name, points), color, marker in zip(curves.items(), PALETTE, MARKERS, strict=False):
            ax.loglog(*zip(*sorted(points), strict=True), marker=marker, color=color, label=name)
        ax.axhspan(floor["least"], floor["most"], color="grey", alpha=0.2, lw=0)
        ax.axhline(floor["median"], color="black", ls="--", label="a perfect solver")
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.set(xlabel="function evaluations (NFE)", title=f"{velocity} velocity")
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("sliced W2 to stratified samples")
    axes[1].legend()
    least = [f"{r['name'].split(',')[0]} {r['median']:.0f} ({r['velocity']})" for r in rows_of(result, "NFE")]
    return fig, (
        "Two log-log panels, exact and learned velocity: the error of Euler, midpoint, rk4 and dopri5 falls "
        "with the number of function evaluations until it meets the dashed floor of a perfect solver. Fewest "
        f"evaluations to within a tenth of the floor: {', '.join(least)}."
    )


def quality(result: dict) -> tuple[Figure, str]:
    """Excess loss against seconds for every recipe."""
    excess = rows_of(result, "excess loss")
    spent = rows_of(result, "s")
    fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    curves = defaultdict(list)
    for e, s in zip(excess, spent, strict=True):
        curves[e["name"]].append((s["median"], e["mean"], e["mean"] - e["least"], e["most"] - e["mean"]))
    for (name, points), color, marker in zip(curves.items(), PALETTE, MARKERS, strict=False):
        x, y, below, above = zip(*sorted(points), strict=True)
        ax.errorbar(x, y, [below, above], marker=marker, color=color, capsize=3, label=name)
    ax.set(xscale="log", yscale="log", xlabel="seconds of training", ylabel="excess loss")
    ax.set(xlim=(0.5, 12), xticks=[0.5, 1, 2, 5, 10])
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    listed = ", ".join(f"{r['name']}, {r['steps']} steps: {r['mean']:.4f}" for r in excess)
    return (
        fig,
        f"Excess loss against seconds on logarithmic axes, means and extremes of three seeds: {listed}.",
    )


def interaction(result: dict) -> tuple[Figure, str]:
    """Stacked bars: computing, drawing and encoding for each control."""
    parts = ("computing", "drawing", "encoding")
    bars: dict[str, dict[str, float]] = {}
    for r in result["rows"]:
        name = f"{r['explorer'].removesuffix('_explorer')}: {r['control']}"
        bars.setdefault(name, {})[r["name"]] = r["median"]
    fig, ax = plt.subplots(figsize=(7.5, 3), layout="constrained")
    left = [0.0] * len(bars)
    for part, color, hatch in zip(parts, PALETTE, ("", "//", ".."), strict=False):
        widths = [b[part] for b in bars.values()]
        ax.barh(list(bars), widths, left=left, color=color, hatch=hatch, edgecolor="white", label=part)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    ax.invert_yaxis()
    ax.set(xlabel="milliseconds in the kernel for one redraw")
    ax.legend()
    listed = ", ".join(f"{name} {total:.0f} ms" for name, total in zip(bars, left, strict=True))
    return (
        fig,
        f"Stacked bars of computing, drawing and encoding for each control of the explorers: {listed}.",
    )


def growth(result: dict) -> tuple[Figure, str]:
    """Cost against n, against d and against components, log-log."""
    curves = defaultdict(list)
    slopes = {}
    for r in result["rows"]:
        if r["unit"] == "ms":
            curves[r["name"]].append((r["size"], r["median"]))
        elif r["unit"] == "exponent":
            slopes[r["name"].removesuffix(": slope")] = r["median"]
    panels = {"number of points": ", n", "dimension d": ", d", "components or data points": "components data"}
    fig, axes = plt.subplots(1, 3, figsize=(9, 5.2), layout="constrained")
    for ax, (label, end) in zip(axes, panels.items(), strict=True):
        members = [c for c in curves if c.rsplit(", ", 1)[1].split()[0] in end.replace(",", "").split()]
        for i, name in enumerate(members):
            short = name.rsplit(", ", 1)[0]
            style = {"marker": MARKERS[i % 6], "color": PALETTE[i % 6], "ms": 4}
            ax.loglog(*zip(*curves[name], strict=True), label=f"{short} ({slopes[name]:.2f})", **style)
        ax.set(xlabel=label)
        if label == "dimension d":
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
        ax.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("ms")
    listed = ", ".join(f"{name} {k:.2f}" for name, k in slopes.items())
    return fig, f"Cost against size on logarithmic axes in three panels. Fitted slopes: {listed}."


def few_steps(result: dict) -> tuple[Figure, str]:
    """The paired gap of one jump for every recipe: a dot and two standard errors, for each budget."""
    gaps = [r for r in rows_of(result, "gap") if r["jumps"] == 1]
    names = list(dict.fromkeys(r["name"] for r in gaps))
    budgets = sorted({r["units"] for r in gaps})
    fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    for k, (units, color, marker) in enumerate(zip(budgets, PALETTE, MARKERS, strict=False)):
        rows = {r["name"]: r for r in gaps if r["units"] == units}
        means = [rows[name]["mean"] for name in names]
        bars = [2 * rows[name].get("standard_error", 0.0) for name in names]
        heights = [i + 0.3 * (k - 0.5) for i in range(len(names))]
        label = f"{units:,} steps' worth"
        ax.errorbar(means, heights, xerr=bars, fmt=marker, color=color, capsize=3, label=label)
        for mean, bar, height, name in zip(means, bars, heights, names, strict=True):
            if lost := rows[name]["diverged"]:
                said = f"{lost} of 3 diverged"
                ax.annotate(
                    said, (mean + bar, height), (8, 0), textcoords="offset points", va="center", fontsize=8
                )
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xscale="log", xlabel="gap of one jump (mean of three seeds, 2 standard errors)")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.grid(axis="x", which="both", alpha=0.3)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    listed = ", ".join(
        f"{r['name']}, {r['units']} units: {r['mean']:.3f} ± {r.get('standard_error', 0.0):.3f}"
        + f" ({r['diverged']} diverged)" * (r["diverged"] > 0)
        for r in gaps
    )
    return fig, f"Dots with bars of two standard errors on a logarithmic axis, the gap of one jump: {listed}."


def suite(result: dict) -> tuple[Figure, str]:
    """Bars of the slowest files."""
    rows = [r for r in result["rows"][1:] if not r["name"].startswith("slowest")][:16]
    names = [r["name"].rsplit("/", 1)[-1] for r in rows]
    fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    ax.barh(names, [r["median"] for r in rows], color=PALETTE[0])
    ax.invert_yaxis()
    ax.set(xlabel="seconds on one process")
    listed = ", ".join(f"{n} {r['median']:.0f} s" for n, r in zip(names, rows, strict=True))
    return fig, f"Bars of the seconds of the slowest test files and notebooks: {listed}."


# What judges each kind of problem first, and whether more of it is better.
JUDGES = {"shape": "nats", "table": "nats", "posterior": "C2ST"}
TITLES = {
    "shape": "shapes: nats behind the exact density",
    "table": "tables: nats behind fit, paired by seed (left of 0: ahead of it)",
    "posterior": "posteriors: C2ST (0.5: told apart by luck)",
}


def judged(result: dict, kind: str, unit: str) -> dict[str, dict[str, dict]]:
    """The rows of one kind of problem and one judge: problem -> recipe -> row."""
    found: dict[str, dict[str, dict]] = {}
    for r in rows_of(result, unit):
        if r["kind"] == kind:
            found.setdefault(r["problem"], {})[r["name"]] = r
    return found


def problems(result: dict) -> tuple[Figure, str]:
    """A dot for each recipe on each problem, with its standard error; left is better."""
    drawn = [r["name"] for r in result["rows"] if r["kind"] in JUDGES and r["name"] != "exact"]
    recipes = list(dict.fromkeys(drawn))
    kinds = [kind for kind in JUDGES if judged(result, kind, JUDGES[kind])]
    heights = {"height_ratios": [2 + len(judged(result, kind, JUDGES[kind])) for kind in kinds]}
    fig, axes = plt.subplots(
        len(kinds), 1, figsize=(8, 11), layout="constrained", squeeze=False, gridspec_kw=heights
    )
    listed = []
    for kind, ax in zip(kinds, axes[:, 0], strict=True):
        by_problem = judged(result, kind, JUDGES[kind])
        for i, recipe in enumerate(recipes):
            points = []
            for y, rows in enumerate(by_problem.values()):
                if recipe not in rows:
                    continue
                value = rows[recipe]["mean"]
                error = rows[recipe]["standard_error"]
                if kind == "shape":
                    value = rows["exact"]["mean"] - value
                elif kind == "table":
                    value = rows[recipe]["fit_ahead"]
                    error = rows[recipe]["fit_ahead_error"]
                points.append((value, y + 0.1 * (i - 3), error))
            if points:
                x, y, error = zip(*points, strict=True)
                style = {"marker": MARKERS[i], "color": PALETTE[i], "ms": 6, "ls": "", "capsize": 2}
                ax.errorbar(x, y, xerr=error, label=recipe, **style)
        ax.set_yticks(range(len(by_problem)), list(by_problem))
        ax.invert_yaxis()
        ax.grid(axis="x", alpha=0.3)
        ax.set_xlabel(TITLES[kind])
        if JUDGES[kind] == "nats":
            ax.set_xscale("symlog", linthresh=0.1)
            ax.set_xlim(-0.02 if kind == "shape" else None, 1.5 * ax.get_xlim()[1])
            ax.xaxis.set_major_formatter("{x:g}")
            ax.axvline(0, color="black", lw=1)
        else:
            ax.axvline(0.5, color="black", lw=1)
        listed += [f"{problem}: fit {rows['fit']['mean']:.3g}" for problem, rows in by_problem.items()]
    labelled = {}
    for ax in axes[:, 0]:
        labelled |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(labelled.values(), labelled.keys(), loc="outside upper center", ncols=3)
    return fig, (
        "Dots of the result of each recipe on each problem in panels for shapes, tables and posteriors, with "
        f"standard errors; left is better. What fit reaches, in nats or as C2ST: {', '.join(listed)}."
    )


def problem_tables(result: dict) -> list[str]:
    """What each recipe reaches on each problem by each judge, as Markdown tables."""
    lines = []
    for kind in (*JUDGES, "published"):
        for unit in ("nats", "C2ST", "sliced W2", "s"):
            by_problem = judged(result, kind, unit)
            recipes = list(dict.fromkeys(name for rows in by_problem.values() for name in rows))
            if not recipes:
                continue
            title = f"beside {kind} figures" if kind == "published" else f"{kind}s"
            lines += [f"| {title}, {unit} | " + " | ".join(recipes) + " |", "|---" * (1 + len(recipes)) + "|"]
            for problem, rows in by_problem.items():
                cells = [_with_error(rows[name]) if name in rows else "" for name in recipes]
                lines.append(f"| {problem} | " + " | ".join(cells) + " |")
            lines.append("")
    return lines


def _with_error(r: dict) -> str:
    """A mean and its standard error."""
    return f"{r['mean']:.3f} ± {r['standard_error']:.3f}"


def where_fit_is_behind(result: dict) -> list[str]:
    """The rows on which another recipe is ahead of `fit` by more than twice the error of the difference."""
    behind = []
    n_rows = 0
    for kind, unit in JUDGES.items():
        for problem, rows in judged(result, kind, unit).items():
            n_rows += 1
            ahead = {name: r for name, r in rows.items() if r["fit_ahead"] < -2 * r["fit_ahead_error"]}
            for name in ("exact", "fit, of linear residuals"):  # no other recipe
                ahead.pop(name, None)
            if ahead:
                listed = ", ".join(
                    f"{name} by {-r['fit_ahead']:.3g} ± {r['fit_ahead_error']:.2g} {unit}"
                    for name, r in ahead.items()
                )
                behind.append(f"{problem} ({listed})")
    first = (
        f"`fit` is the best, or within twice the standard error of the best, on {n_rows - len(behind)} of "
    )
    first += f"{n_rows} rows (nats for shapes and tables, C2ST for posteriors; paired by seed)."
    if behind:
        first += f" It is behind on {'; '.join(behind)}."
    return [first]


FIGURES = {
    f.__name__: f
    for f in (
        imports,
        training,
        quality,
        sampling,
        inference,
        problems,
        few_steps,
        interaction,
        growth,
        suite,
    )
}


def markdown_table(result: dict) -> list[str]:
    """All rows of a result as a Markdown table."""
    lines = ["| what | median | least | most | unit |", "|---|---|---|---|---|"]
    for r in result["rows"]:
        extra = [f"{k} {v}" for k, v in r.items() if k not in ("name", "unit", "median", "least", "most")]
        name = f"{r['name']} ({', '.join(extra)})" if extra else r["name"]
        lines.append(f"| {name} | {r['median']:g} | {r['least']:g} | {r['most']:g} | {r['unit']} |")
    return lines
