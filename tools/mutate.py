"""Break the mathematics on purpose, one formula at a time, and see which test notices.

    python tools/mutate.py            every mutation (about ten minutes); exit 1 if one goes unnoticed
    python tools/mutate.py solvers    only the mutations of one module

Each mutation is made in a temporary copy of the repository, so that nothing here changes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = [f"tests/test_{n}.py" for n in ("paths", "distributions", "exact", "solvers", "metrics", "models")]
TESTS += ["tests/test_conventions.py", "tests/test_sampling.py"]
TESTS += ["tests/test_score_and_langevin.py", "tests/test_training.py", "tests/test_widgets.py"]

# (module, right, wrong, what it means)
MUTATIONS = [
    ("paths", "return 1 - (1 - self.sigma_min) * t", "return 1 - t", "sigma(t) without sigma_min"),
    ("paths", "return -(1 - self.sigma_min)", "return -1.0", "sigma'(t) without sigma_min"),
    ("_affine", "self.alpha(t) * x1 + self.sigma(t) * x0", "self.alpha(t) * x0 + self.sigma(t) * x1", "x0 and x1 swapped"),
    ("_affine", "sigma * (x - self.alpha(t) * x1)", "sigma * (x + self.alpha(t) * x1)", "sign in u_t(x | x1)"),
    ("_affine", "too_noisy = self.noise_ratio(middle) > ratio", "too_noisy = self.noise_ratio(middle) < ratio", "bisection the wrong way round"),
    ("paths", "return torch.exp(-0.5 * self._integral(t))", "return torch.exp(-self._integral(t))", "alpha squared in the place of alpha"),
    ("paths", "s * self.beta_min + 0.5 * s**2", "s * self.beta_min + s**2", "the integral of beta without its half"),
    ("paths", "0.5 * self.beta(t) * self.alpha(t)", "self.beta(t) * self.alpha(t)", "alpha' without its half"),
    ("paths", "self._root(t) ** (self.rho - 1)", "self._root(t) ** self.rho", "sigma' of the exploding path with a wrong power"),
    ("paths", "return -0.5 * math.pi * self.alpha(t)", "return 0.5 * math.pi * self.alpha(t)", "sign of sigma' on the cosine path"),
    ("conventions", "(path.alpha(t) * u - path.alpha_dot(t) * x)", "(path.alpha_dot(t) * x - path.alpha(t) * u)", "sign of the score"),
    ("conventions", "noise = (alpha_dot * x - alpha * u) / w", "noise = (alpha * x - alpha_dot * u) / w", "alpha and alpha' exchanged"),
    ("conventions", "data = sigma * u / w +", "data = sigma * u / w -", "sign in the predicted data"),
    ("conventions", "return alpha * noise - sigma * data", "return alpha * data - sigma * noise", "v with noise and data exchanged"),
    ("conventions", "else -sigma * value", "else sigma * value", "sign of the noise from a score"),
    ("conventions", "_size(other, s) / _size(path, t)", "_size(path, t) / _size(other, s)", "rescaling upside down"),
    ("conventions", "lambda t: 1000 * (1 - t) - 1", "lambda t: 1000 * (1 - t)", "DDPM's index off by one"),
    ("conventions", 'lambda k: 1 - k / 1000, "velocity", sign=-1.0', 'lambda k: 1 - k / 1000, "velocity", sign=1.0', "sign of diffusers' velocity"),
    ("sampling", "c = eta * torch.sqrt(1 - _ratio(path, a, b) ** 2)", "c = eta * torch.sqrt(1 - _ratio(path, a, b))", "k not squared in DDIM"),
    ("sampling", "torch.sqrt(1 - c**2) * noise + c * z", "noise + c * z", "the noise of DDIM not rescaled"),
    ("sampling", "mean = path.alpha(b) * data + k * path.sigma(b) * noise", "mean = path.alpha(b) * data + path.sigma(b) * noise", "DDPM with all of the old noise"),
    ("sampling", "dr * (noise + second) / 2", "dr * second", "Heun with the last slope alone"),
    ("sampling", "torch.sqrt(2 * w * h)", "torch.sqrt(w * h)", "noise of the SDE without its 2"),
    ("sampling", "drift = u + w * velocity_to_score", "drift = u + 2 * w * velocity_to_score", "score not halved"),
    ("sampling", "return -path.sigma_sigma_dot(t)", "return path.alpha(t) - path.sigma_sigma_dot(t)", "another noise rate than the documented"),
    ("sampling", "path.alpha_dot(t) / path.alpha(t) * path.sigma(t) ** 2 -", "path.alpha_dot(t) / path.alpha(t) * path.sigma(t) -", "sigma not squared in the reverse rate"),
    ("sampling", "step = h * torch.as_tensor(path.sigma(t)) ** 2", "step = h * torch.as_tensor(path.sigma(t))", "annealed steps not in proportion to the variance"),
    ("exact", "sigma_sigma_dot) / c * z", "-sigma_sigma_dot) / c * z", "sign of sigma sigma'"),
    ("exact", "alpha_dot * means + pull", "alpha * means + pull", "alpha' replaced by alpha"),
    ("exact", "(sigma**2 + alpha**2 * variances)", "(sigma + alpha**2 * variances)", "sigma not squared in C_k"),
    ("exact", "log_weights - 0.5 * (", "-0.5 * (", "weights forgotten in the posterior"),
    ("exact", "(z.square() / c + c.log())", "(z.square() / c)", "log determinant forgotten"),
    ("exact", "return -_posterior_mean(log_joint, rotate(z / c))", "return _posterior_mean(log_joint, rotate(z / c))", "sign of the score"),
    ("exact", 'torch.einsum("kji,nkj->nki", axes, z)', 'torch.einsum("kij,nkj->nki", axes, z)', "eigenvectors transposed"),
    ("exact", "marginal_velocity(mixture, path, path.sample(x0, x1, t), t)", "marginal_velocity(mixture, path, x1, t)", "x1 in the place of x_t in the floor"),
    ("distributions", "self.variances.sqrt().unsqueeze(1)", "self.variances.unsqueeze(1)", "variance used as a standard deviation"),
    ("distributions", "noise = sigma**2 *", "noise = sigma *", "sigma not squared in the smoothed covariance"),
    ("_components", "torch.diag(std.expand(d).square())", "torch.diag(std.expand(d))", "standard deviation not squared"),
    ("solvers", "n_steps + 1, dtype", "n_steps, dtype", "points taken for steps"),
    ("solvers", "v(x_mid, t + h / 2)", "v(x_mid, t)", "midpoint at the wrong time"),
    ("solvers", "x_mid = x + h / 2 * v(x, t)", "x_mid = x + h * v(x, t)", "midpoint a whole step away"),
    ("solvers", "h * (k1 - k2 + k3)", "h * (k1 + k2 - k3)", "signs in rk4"),
    ("solvers", "(k1 + 3 * k2 + 3 * k3 + k4)", "(k1 + 2 * k2 + 4 * k3 + k4)", "weights of rk4"),
    ("solvers", '{"options": {"step_t": t[-1:]}}', "{}", "the adaptive solver may step past the end"),
    ("metrics", "(v - marginal_velocity(mixture, path, x_t, t)).square().mean())", "(v - marginal_velocity(mixture, path, x_t, t)).square().sum(1).mean())", "summed, not averaged, over elements"),
    ("metrics", "path.sample(_random.normal_like(x1, generator), x1, t)", "path.sample(x1, _random.normal_like(x1, generator), t)", "excess loss under the reversed path"),
    ("metrics", "directions / directions.norm(dim=0)", "directions", "directions not normalised"),
    ("metrics", "square = 2 * _mean_distance(a, b)", "square = _mean_distance(a, b)", "energy distance without its 2"),
    ("metrics", "h.abs() @ (chord - slopes)", "h.abs() @ (chord + slopes)", "sign in the straightness"),
    ("models", "(k // 2 + 1) * t", "2 * (k // 2 + 1) * t", "time features of a period of 1"),
    ("langevin", "math.sqrt(2 * h)", "math.sqrt(h)", "noise of Langevin without its 2"),
    ("langevin", "x + h * score(x)", "x - h * score(x)", "drift of Langevin reversed"),
    ("score_matching", "(s + z / sigma)", "(s - z / sigma)", "sign of the denoising target"),
    ("score_matching", "(s + z / sigma)", "(s + z)", "denoising target without 1 / sigma"),
    ("score_matching", "1 / sigma**2 - known", "1 / sigma - known", "sigma not squared in the floor"),
    ("objective", "u_t = path.alpha_dot(t) * x1 + path.sigma_dot(t) * x0", "u_t = x1 - x0", "the shortcut target x1 - x0"),
    ("objective", "u_t = self.path.alpha_dot(t) * x1 + self.path.sigma_dot(t) * x0", "u_t = x1 - _random.normal_like(x1, generator)", "other noise in the data set's target"),
    ("objective", "return (v - u_t).square().mean()", "return (v - u_t).square().sum(1).mean()", "norm summed, not averaged"),
    ("objective", "t = _random.uniform_time(x1, generator)\n    x0", "t = _random.uniform_time(x1, generator)[:1].expand(len(x1), 1)\n    x0", "one t for the whole batch"),
    ("training", "    if average is not None and history.losses:", "    if False:", "averaged weights not used"),
    ("_loop", "min(decay, (1 + int(n_averaged)) / (10 + int(n_averaged)))", "decay", "the average remembers its start"),
    ("_loop", "0.5 * (1 + math.cos(", "0.5 * (1 - math.cos(", "cosine upside down"),
]  # fmt: skip


def first_failure(copy: Path) -> str | None:
    """The first test that fails in `copy`, or None."""
    environment = os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", *TESTS, "-x", "-q", "-n", "0", "-p", "no:randomly"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    found = re.search(r"(?m)^(?:FAILED|ERROR) (\S+)", done.stdout)
    if done.returncode and not found:
        raise SystemExit(done.stdout + done.stderr)
    return found[1] if found else None


def mutate(copy: Path, module: str, right: str, wrong: str) -> str | None:
    """Which test catches one mutation."""
    file = copy / "fmtutorial" / f"{module}.py"
    source = file.read_text(encoding="utf-8")
    if right not in source:
        raise SystemExit(f"fmtutorial/{module}.py no longer contains {right!r}: bring MUTATIONS up to date")
    file.write_text(source.replace(right, wrong), encoding="utf-8")
    try:
        return first_failure(copy)
    finally:
        file.write_text(source, encoding="utf-8")


def main() -> int:
    """Print a table row for each mutation."""
    chosen = [m for m in MUTATIONS if len(sys.argv) == 1 or m[0] in sys.argv[1:]]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        skip = shutil.ignore_patterns(".git", ".venv", "site", "__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT, copy, ignore=skip)
        if failing := first_failure(copy):
            raise SystemExit(f"{failing} fails before anything is changed")
        print("| module | what was broken | caught by |\n|---|---|---|")
        for module, right, wrong, meaning in chosen:
            caught = mutate(copy, module, right, wrong)
            survivors += caught is None
            print(f"| {module} | {meaning} | {caught or '**nothing**'} |", flush=True)
    return int(survivors > 0)


if __name__ == "__main__":
    raise SystemExit(main())
