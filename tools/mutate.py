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
TESTS = ["tests/package"]

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
    ("exact", "c = sigma**2 + alpha**2 * variances", "c = sigma + alpha**2 * variances", "sigma not squared in C_k"),
    ("exact", "- 2 * alpha * (x @ x1.T)", "- 2 * (x @ x1.T)", "alpha forgotten beside a data point"),
    ("exact", "log_normal + constant", "log_normal", "weight 1 / K of a data point forgotten"),
    ("exact", "torch.log(2 * math.pi * sigma**2)", "torch.log(2 * math.pi * sigma)", "sigma not squared in a data point's density"),
    ("exact", "path.sigma_dot(t) / path.sigma(t) * (x - path.alpha(t) * mean)", "path.sigma_dot(t) * (x - path.alpha(t) * mean)", "sigma' in the place of sigma'/sigma for data"),
    ("exact", "return -((x - path.alpha(t) * mean)", "return ((x - path.alpha(t) * mean)", "sign of the score of data"),
    ("metrics", "np.sort(np.ascontiguousarray(rows.numpy()), axis=1)", "np.sort(np.ascontiguousarray(rows.numpy()), axis=0)", "sorted across the directions"),
    ("metrics", "a[:, (middle * n).long()] - b[:, (middle * m).long()]", "a[:, (middle * n).long()] - b[:, (middle * n).long() * m // n]", "quantiles of the other set's steps"),
    ("_explorer", "np.zeros((height, 1 + 3 * width), np.uint8)", "np.ones((height, 1 + 3 * width), np.uint8)", "rows of a PNG with another filter"),
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
    ("guidance", "(1 + w) * model(x, t, y) - w * model(x, t)", "w * model(x, t, y) + (1 - w) * model(x, t)", "the other convention of guidance"),
    ("guidance", "(1 + w) * model(x, t, y) - w * model(x, t)", "(1 + w) * model(x, t) - w * model(x, t, y)", "conditional and unconditional swapped"),
    ("guidance", "straight = x1 - x0", "straight = x0 - x1", "clamped elements run away from the data"),
    ("guidance", "torch.where(known, straight, velocity(x, t))", "torch.where(known, velocity(x, t), straight)", "known and unknown swapped"),
    ("images", "transpose(0, 2, 1, 3)", "transpose(0, 1, 2, 3)", "pixels of the mosaic out of place"),
    ("widgets_guidance", "(self._strengths - self.w.value).abs().argmin()", "(self._strengths + self.w.value).abs().argmin()", "the slider shows another strength"),
    ("metrics", "(v - marginal_velocity(mixture, path, x_t, t)).square().mean())", "(v - marginal_velocity(mixture, path, x_t, t)).square().sum(1).mean())", "summed, not averaged, over elements"),
    ("metrics", "path.sample(_random.normal_like(x1, generator), x1, t)", "path.sample(x1, _random.normal_like(x1, generator), t)", "excess loss under the reversed path"),
    ("metrics", "directions / directions.norm(dim=0)", "directions", "directions not normalised"),
    ("metrics", "square = 2 * _mean_distance(a, b)", "square = _mean_distance(a, b)", "energy distance without its 2"),
    ("metrics", "h.abs() @ (chord - slopes)", "h.abs() @ (chord + slopes)", "sign in the straightness"),
    ("models", "(k // 2 + 1) * t", "2 * (k // 2 + 1) * t", "time features of a period of 1"),
    ("likelihood", "return minus_integral - 0.5 * x0.square()", "return -minus_integral - 0.5 * x0.square()", "sign of the integral of the divergence"),
    ("likelihood", "minus_integral - 0.5 * x0.square().sum(1)", "minus_integral - 0.5 * x.square().sum(1)", "the prior at the data, not at the noise"),
    ("likelihood", "0.5 * x.shape[1] * math.log(2 * math.pi)", "0.5 * math.log(2 * math.pi)", "normaliser of one dimension"),
    ("likelihood", "start, (1.0, 0.0), n_steps", "start, (0.0, 1.0), n_steps", "the ODE solved forward from the data"),
    ("likelihood", "trace + (gradient * e).sum(1)", "trace + gradient.sum(1)", "sum of all derivatives in place of the trace"),
    ("likelihood", "(v * e).sum(), x", "v.sum(), x", "the velocity not projected on the probe"),
    ("likelihood", "return e / math.sqrt(n_probes)", "return e / n_probes", "probes divided by m, not by its root"),
    ("likelihood", "create_graph=keep", "create_graph=False", "no gradient through the divergence"),
    ("likelihood", "        return lambda: _draw_probes(x, n_probes, probe, generator)", "        e = _draw_probes(x, n_probes, probe, generator)\n        return lambda: e", "fresh probes that are held"),
    ("likelihood", "    held = _draw_probes(x, n_probes, probe, generator)\n    return lambda: held", "    return lambda: _draw_probes(x, n_probes, probe, generator)", "held probes that are fresh"),
    ("likelihood", "data_distribution.log_prob(x.double()) - model_log_prob.double()", "model_log_prob.double() - data_distribution.log_prob(x.double())", "sign of KL"),
    ("likelihood", "/ math.sqrt(n))", "/ n)", "standard error without its root"),
    ("likelihood", "-log_p / (dim * math.log(2)) - math.log2(bin_width)", "-log_p / (dim * math.log(2)) + math.log2(bin_width)", "sign of the bin width's bits"),
    ("likelihood", "-log_p / (dim * math.log(2))", "-log_p / math.log(2)", "bits not per dimension"),
    ("widgets_likelihood", "-square / (2 * width**2)", "-square / (2 * width)", "width not squared in the kernel"),
    ("widgets_likelihood", "self._test.shape[1] * math.log(width", "math.log(width", "the kernel's normaliser in one dimension"),
    ("widgets_likelihood", "- math.log(n)", "", "the kernel's weight 1/n"),
    ("widgets_likelihood", "width * self._noise, data.x1", "self._noise, data.x1", "samples of the wrong width"),
    ("langevin", "math.sqrt(2 * h)", "math.sqrt(h)", "noise of Langevin without its 2"),
    ("langevin", "x + h * score(x)", "x - h * score(x)", "drift of Langevin reversed"),
    ("score_matching", "(s + z / sigma)", "(s - z / sigma)", "sign of the denoising target"),
    ("score_matching", "(s + z / sigma)", "(s + z)", "denoising target without 1 / sigma"),
    ("score_matching", "1 / sigma**2 - known", "1 / sigma - known", "sigma not squared in the floor"),
    ("paths", "alpha=1 - self.sigma_min", "alpha=1", "the shortcut target x1 - x0"),
    ("paths", "return x0 + t * u_t, u_t", "return x1 + t * u_t, u_t", "the line starts at the data"),
    ("_affine", "return self.alpha(t) * x1 + self.sigma(t) * x0, self.alpha_dot(t) * x1 + self.sigma_dot(t) * x0", "return self.alpha(t) * x1 + self.sigma(t) * x0, self.alpha_dot(t) * x1 - self.sigma_dot(t) * x0", "sign in the target of any path"),
    ("objective", "x_t, u_t = self.path.pair(x0, x1, t)", "x_t, u_t = self.path.pair(_random.normal_like(x1, generator), x1, t)[0], self.path.pair(x0, x1, t)[1]", "other noise in the data set's target"),
    ("objective", "nn.functional.mse_loss(v, u_t)", "nn.functional.mse_loss(v, u_t, reduction='sum') / len(v)", "norm summed, not averaged"),
    ("objective", "torch.softmax(log_w, dim=1) @ x1", "x1.mean(0)", "the batch's mean in the place of the posterior mean"),
    ("objective", "- 0.5 * alpha**2 * x1", "- 0.5 * alpha * x1", "alpha not squared in the weights"),
    ("objective", "path.alpha_dot(t) - alpha * path.sigma_dot(t) / sigma  #", "path.alpha_dot(t) + alpha * path.sigma_dot(t) / sigma  #", "sign in the slope of the conditional velocity"),
    ("objective", "x1[permutation], [c[permutation] for c in y]", "x1[permutation], y", "labels not permuted with their data"),
    ("objective", ">= condition_dropout", "< condition_dropout", "kept and dropped conditions swapped"),
    ("objective", "t = _random.uniform_time(x1, generator)\n    x0", "t = _random.uniform_time(x1, generator)[:1].expand(len(x1), 1)\n    x0", "one t for the whole batch"),
    ("training", "    if average is not None and history.losses:", "    if False:", "averaged weights not used"),
    ("_loop", "min(decay, (1 + int(n_averaged)) / (10 + int(n_averaged)))", "decay", "the average remembers its start"),
    ("_loop", "0.5 * (1 + math.cos(", "0.5 * (1 - math.cos(", "cosine upside down"),
    ("couplings", "linear_sum_assignment(inner, maximize=True)[1]", "linear_sum_assignment(inner)[1]", "the most expensive assignment"),
    ("couplings", "(x0, x1[p], p)", "(x0, x1, p)", "data not permuted, permutation returned"),
    ("couplings", "else (x0, x1[p])", "else (x0[p], x1)", "noise permuted in the place of the data"),
    ("couplings", "x1.detach().double().T).cpu", "x1.detach().double().abs().T).cpu", "inner products with |x1|"),
    ("couplings", ".square().sum(-1) / epsilon", ".square().sum(-1) / (2 * epsilon)", "half the cost in Sinkhorn"),
    ("couplings", "return (log_k + f[:, None] + g).exp() / n", "return (log_k + f[:, None] + g).exp()", "rows of the plan that sum to 1"),
    ("couplings", "        g = -columns", "        g = g - columns", "Sinkhorn's column update"),
    ("couplings", "2 * middle).trace()", "middle).trace()", "Bures distance without its 2"),
    ("couplings", "return inverse @ middle @ inverse", "return inverse @ middle", "optimal map with one factor missing"),
    ("couplings", "root0 @ cov1 @ root0", "cov0 @ cov1 @ cov0", "covariance for its root in the Gaussian map"),
    ("couplings", "integrate_flow(model, x, n_steps=n_steps", "integrate_flow(model, x, (1.0, 0.0), n_steps", "pairs made backwards in time"),
    ("objective", "t = _random.uniform_time(x1, generator)\n    x_t", "t = _random.uniform_time(x1, generator)[:1].expand(len(x1), 1)\n    x_t", "one t for all given pairs"),
    ("inverse_problems", "covariances = S - gain @ H @ S", "covariances = S + gain @ H @ S", "sign of the posterior covariance"),
    ("inverse_problems", "H @ S @ H.T + noise**2 *", "H @ S @ H.T + noise *", "noise not squared in the gain"),
    ("inverse_problems", "(prior.weights.log() + log_evidence)", "log_evidence", "prior weights forgotten in the posterior"),
    ("inverse_problems", " - root.diagonal(dim1=1, dim2=2).log().sum(1)", "", "determinant forgotten in the evidence"),
    ("inverse_problems", "torch.exp(-k.square() * time)", "torch.exp(-k * time)", "modes decay with k, not k^2"),
    ("inverse_problems", "torch.where(k == 0, 1.0, 2.0)", "torch.where(k == 0, 2.0, 2.0)", "the constant mode counted twice"),
    ("inverse_problems", "pull = (alpha * path.alpha_dot(t) * variances + path", "pull = (alpha * path.alpha_dot(t) * variances - path", "sign of sigma sigma' in the conditional velocity"),
    ("inverse_problems", "z.square() / c + c.log()", "z.square() / c", "log determinant forgotten in the conditional velocity"),
    ("inverse_problems", "inside + self.means.square())", "inside)", "spread between the components forgotten"),
    ("inverse_problems", "self.noise * z", "self.noise**2 * z", "variance used as the sensors' noise"),
    ("projectile", "-pull * u, -GRAVITY - pull * w]", "-pull * u, -GRAVITY]", "no drag on the vertical velocity"),
    ("projectile", "pull = drag * np.hypot(u, w)\n        return", "pull = drag\n        return", "linear drag"),
    ("projectile", "- pull * u * left**2 / 2", "+ pull * u * left**2", "the last arc speeds up"),
    ("projectile", "(metres - distance) / self.noise).square()", "(metres - distance)).square() / self.noise", "noise not squared in the likelihood"),
    ("projectile", "-0.5 * points.square().sum(1) - 0.5", "-0.5", "prior forgotten on the grid"),
    ("calibration", "(samples < truth[:, None]).sum(1)", "(samples > truth[:, None]).sum(1)", "ranks upside down"),
    ("calibration", "len(counts) - 1))", "len(counts)))", "a degree of freedom too many"),
    ("calibration", "width = (levels * (n_samples + 1))", "width = (levels * (n_samples + 1) + 2)", "intervals two ranks too wide"),
    ("calibration", "/ (n_samples * (n_samples - 1))", "/ n_samples**2", "CRPS biased by pairs with themselves"),
    ("calibration", "2 * torch.arange(1, n_samples + 1).to(samples) - n_samples - 1", "2 * torch.arange(n_samples).to(samples) - n_samples - 1", "weights of the sorted samples off by one"),
    ("calibration", "binom.sf(right - 1,", "binom.sf(right + 20,", "p-value of a better score"),
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
    holding = [f for f in (copy / "fmtutorial").rglob("*.py") if right in f.read_text(encoding="utf-8")]
    if len(holding) != 1:
        raise SystemExit(
            f"{len(holding)} files contain {right!r}, where one should: bring MUTATIONS up to date"
        )
    (file,) = holding
    source = file.read_text(encoding="utf-8")
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
