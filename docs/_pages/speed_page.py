"""Writes the page of the benchmarks, with its figures, from benchmarks/results/*.json."""

from pathlib import Path

from benchmarks import figures
from benchmarks.timing import RESULTS, read

HEAD = """# Speed and quality, measured

Every figure on this page is drawn from a file in `benchmarks/results/`, which this command writes:

```bash
pip install -e ".[benchmarks]"
python -m benchmarks imports training quality sampling inference problems few_steps interaction growth suite
```

The sides of a comparison take turns in one process on one thread. Absolute times are one machine's; the
ratios carry over.
"""

WORDS = {
    "imports": (
        "Importing",
        "Whole Python processes, beside one that only imports torch. Nothing is loaded before it is named: "
        "`import fmtutorial` alone does not even load torch, and `fmtutorial.fit` loads torch and the "
        "training, but neither plotting nor widgets. *Before* is the version that loaded everything at once.",
    ),
    "training": (
        "A training step",
        "The same net, batch and fused Adam for all. *Bare* is forward, backward and optimizer step on "
        "tensors that are ready beforehand: no data, no noise, no loss kept. The textbook's loop draws one "
        "sample at a time in a `Dataset`.",
    ),
    "quality": (
        "Time to quality",
        "The excess loss is the mean squared distance from the learned velocity to the exact one. Each "
        "recipe adds one part to the one before it; chapter 04 says what each is for.",
    ),
    "sampling": (
        "Sampling",
        "Which floor is meant must be said. Two sets of samples with random component counts differ mostly "
        "by the luck of their counts; with stratified counts the floor is lower and steadier. Here the "
        "reference is stratified, and the dashed line is what a perfect solver gets from random noise. "
        "Another spacing of the steps helps in places (for midpoint at 4 evaluations: see the numbers), but "
        "midpoint and rk4 are at the floor with 8 without it, so `integrate_flow` offers no other.",
    ),
    "inference": (
        "Inference",
        "The posterior of the heated rod from the same simulated pairs and the same number of steps, ours "
        "and sbi's FMPE with its defaults, beside exact samples, which are the best that so many samples "
        "allow. This compares defaults, not methods: the method is the same.",
    ),
    "problems": (
        "Other people's problems",
        "`fit` with its defaults beside other libraries' own recipes, each for the same few seconds of the "
        "processor on one thread: shapes in the plane, tables that scikit-learn ships (standardised), and "
        "posteriors of four simulators from a fixed number of simulated pairs (Lueckmann et al. 2021, "
        "written from their definitions, with exact samples to compare with). Nats are the mean log density "
        "of points that nobody learned from. C2ST is the accuracy of a classifier that tries to tell "
        "samples from exact ones: 0.5 if it cannot. Ours is small and sees 2000 samples of each kind, so it "
        "misses fine errors, and its numbers are not comparable with those of papers, whose networks also "
        "train for minutes to hours. The figure says who gets far in seconds, not who gets farthest.\n\n"
        "Three things to know before you choose. `fit` takes few points seriously: below 5000 it holds out a "
        "fifth of them to choose its number of steps, and so it does not memorise tables. On the "
        "checkerboard and on the digits (grey levels with uniform noise), both with sharp edges, a spline "
        "flow is better. And for posteriors, first take away what is linear: *fit, of linear residuals* "
        "learns what a linear regression of the parameters on the observation leaves, scaled to unit "
        "covariance, and adds it back.",
    ),
    "few_steps": (
        "Few steps by training",
        "The recipes of chapter 11 at equal cost, on the standard mixture and the straight path: the same "
        "network (SiLU 64 x 3), batch and schedule, and a budget counted in plain training steps, from "
        "which a recipe also pays its first velocity, its trajectories or its pairs. Only the exact velocity "
        "of the first row is given. The gap is the root mean squared distance between the learnt and the "
        "exact end of the same noise. The learning rate is 0.01, but 0.001 for consistency; nothing else was "
        "tuned for any of them, so small differences say nothing about the methods.",
    ),
    "interaction": (
        "Interaction",
        "What the kernel does for one redraw of an interactive figure. Server and browser come on top; the "
        "browser tests measure them.",
    ),
    "growth": (
        "Growth",
        "A slope $k$ means that the cost grows as the size to the power of $k$. Nothing grows faster than "
        "its mathematics demands; the optimal coupling, where it is measured, is the one that is cubic.",
    ),
    "suite": ("The suite", "Where the seconds of `pytest --nbval` go."),
}


def section(part: str, images: Path) -> list[str]:
    """One part: words, figure with its alternative text, where it was measured, and all its numbers."""
    result = read(part)
    title, words = WORDS[part]
    figure, alt = figures.FIGURES[part](result)
    images.mkdir(exist_ok=True)
    figure.savefig(images / f"speed_{part}.png", dpi=130)
    figures.plt.close(figure)
    image = [f"```{{image}} images/speed_{part}.png", f":alt: {alt}", "```"]
    table = ["```{dropdown} All numbers", *figures.markdown_table(result), "```"]
    notes = [f"- {note}" for note in result["notes"]]
    more = []
    if part == "interaction":
        notes += in_the_browser()
    if part == "problems":
        more = [*figures.where_fit_is_behind(result), "", *figures.problem_tables(result)]
    head = [f"## {title}", "", words, "", *image, "", *more, "", figures.provenance(result)]
    return [*head, "", *notes, "", *table, ""]


def in_the_browser() -> list[str]:
    """From a key to the new image, of each interactive figure that was measured in a browser."""
    lines = []
    for file in sorted(RESULTS.glob("browser_*.json")):
        result = read(file.stem)
        totals = [r for r in result["rows"] if r["name"] == "total"]
        medians = ", ".join(f"{r['control']} {r['median']:.0f} ms" for r in totals)
        where = f"({result['notes'][0]}; {result['date']}, {result['processor']})"
        lines.append(f"- from a key to the new image, chapter {file.stem[-2:]}: {medians} {where}")
    return lines


def write(target: Path) -> None:
    """The page, of those parts that have been measured."""
    lines = [HEAD]
    for part in WORDS:
        if (RESULTS / f"{part}.json").exists():
            lines += section(part, target.parent / "images")
    target.write_text("\n".join(lines), encoding="utf-8")
