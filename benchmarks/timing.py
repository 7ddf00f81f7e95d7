"""What every part shares: sides that take turns, medians with their spread, ratios, slopes, and the JSON."""

import datetime
import importlib.metadata as metadata
import json
import math
import os
import platform
import statistics
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "torch",
    "torchdiffeq",
    "numpy",
    "matplotlib",
    "torchcfm",
    "flow_matching",
    "diffusers",
    "pot",
    "sbi",
    "zuko",
    "scikit-learn",
)


def peer(module: str, distribution: str | None = None):
    """Another library, or None after a line that says how to get it. The course itself never imports one."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        name = distribution or module.split(".")[0]
        print(f"{name} is missing ({error}): left out. Get it by `pip install -e '.[benchmarks]'`.")
        return None


def seeded(seed: int) -> torch.Generator:
    """A fresh generator."""
    return torch.Generator().manual_seed(seed)


def interleaved(sides: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each side returns, `rounds` times: all sides take turns, each round starting at another side."""
    names = list(sides)
    values: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()  # warm up
    for r in range(rounds):
        for name in names[r % len(names) :] + names[: r % len(names)]:
            values[name].append(sides[name]())
    return values


def row(name: str, values: list[float], unit: str, **at) -> dict:
    """Median, least and most of some values, with whatever tells where they were taken."""
    numbers = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {"name": name, **at, "unit": unit} | {key: short(value) for key, value in numbers.items()}


def ratio_rows(values: dict[str, list[float]], base: str, **at) -> list[dict]:
    """Each side against `base`, divided round by round, so that a slow minute meets both alike."""
    others = {name: v for name, v in values.items() if name != base}
    return [
        row(f"{name} / {base}", [a / b for a, b in zip(v, values[base], strict=True)], "ratio", **at)
        for name, v in others.items()
    ]


def slope(sizes: list[float], costs: list[float]) -> float:
    """The exponent k of cost ~ size^k, by least squares on logarithms."""
    log_sizes = [math.log(size) for size in sizes]
    log_costs = [math.log(cost) for cost in costs]
    return statistics.linear_regression(log_sizes, log_costs).slope


def table(rows: list[dict]) -> str:
    """Rows for people: name, where, median [least ... most] unit."""
    lines = []
    for r in rows:
        extra = {k: v for k, v in r.items() if k not in ("name", "unit", "median", "least", "most")}
        where = ", ".join(f"{k} {v}" for k, v in extra.items())
        spread = "" if r["least"] == r["most"] else f" [{r['least']:.4g} ... {r['most']:.4g}]"
        lines.append(
            f"{r['name'] + (f' ({where})' if where else ''):58s} {r['median']:10.4g} {r['unit']}{spread}"
        )
    return "\n".join(lines)


def processor() -> str:
    """The processor's name, and nothing else about the machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(s for s in lines if s.startswith("model name")).split(":", 1)[1].strip()
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def installed() -> dict[str, str]:
    """The versions of Python and of the packages that are measured."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def record(part: str, rows: list[dict], rounds: int, notes: list[str]) -> dict:
    """One part's results with all that a reader needs to judge them."""
    return {
        "part": part,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": 1,
        "system": platform.system(),
        "versions": installed(),
        "rounds": rounds,
        "notes": notes,
        "rows": rows,
    }


def problems(result: dict) -> list[str]:
    """What is wrong with a result, by the schema that figures and tests rely on; empty if all is right."""
    kinds = {"part": str, "date": str, "processor": str, "cores": int, "threads": int, "system": str}
    kinds |= {"versions": dict, "rounds": int, "notes": list, "rows": list}
    wrong = [
        f"{key} must be {kind.__name__}" for key, kind in kinds.items() if type(result.get(key)) is not kind
    ]
    wrong += [f"unknown key {key}" for key in result if key not in kinds]
    for i, r in enumerate(result.get("rows", [])):
        missing = [k for k in ("name", "unit", "median", "least", "most") if k not in r]
        wrong += [f"row {i} has no {k}" for k in missing]
        if not missing and not r["least"] <= r["median"] <= r["most"]:
            wrong.append(f"row {i}: least <= median <= most does not hold")
    return wrong


def write(result: dict) -> Path:
    """Keep a result as results/PART.json, a row a line."""
    if wrong := problems(result):
        raise ValueError("; ".join(wrong))
    RESULTS.mkdir(exist_ok=True)
    head = json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1, ensure_ascii=False)
    rows = ",\n".join("  " + json.dumps(r, ensure_ascii=False) for r in result["rows"])
    file = RESULTS / f"{result['part']}.json"
    file.write_text(f'{head[:-2]},\n "rows": [\n{rows}\n ]\n}}\n', encoding="utf-8", newline="\n")
    return file


def read(part: str) -> dict:
    """A result as it was written."""
    return json.loads((RESULTS / f"{part}.json").read_text(encoding="utf-8"))


def short(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")
