"""Other people's problems, written from their definitions: shapes, tables, and simulators with posteriors.

Every simulator has the exact posterior: in closed form, or by rejection with a bound that is exact.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from fmtutorial.distributions import Checkerboard, GaussianMixture, Moons, Spiral, eight_gaussians

N_ARM = 4000  # points of a curve, by which its density is computed


# (a) shapes: samples without end, and their exact density


def arm_log_density(x: Tensor, arm: Tensor, noise: float) -> Tensor:
    """The log density (n,) of a curve, as points (m, 2) evenly along it, blurred by Gaussian noise."""
    log_p = []
    for rows in x.double().split(500):
        squares = (rows[:, None] - arm).square().sum(2)
        log_p.append(torch.logsumexp(-0.5 * squares / noise**2, 1))
    return torch.cat(log_p) - math.log(len(arm)) - math.log(2 * math.pi * noise**2)


def moons_log_density(x: Tensor) -> Tensor:
    """Of `Moons()`: each half circle has half of the points, evenly along it."""
    angle = math.pi * (torch.arange(N_ARM // 2, dtype=torch.float64) + 0.5) / (N_ARM // 2)
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    return arm_log_density(x, torch.cat([upper, lower]), Moons().noise)


def spiral_log_density(x: Tensor) -> Tensor:
    """Of `Spiral()`: the square of the radius is uniform."""
    square = (torch.arange(N_ARM, dtype=torch.float64) + 0.5) / N_ARM
    radius = Spiral().turns * square.sqrt()
    angle = 2 * math.pi * radius
    arm = radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    return arm_log_density(x, arm, Spiral().noise)


def checkerboard_log_density(x: Tensor) -> Tensor:
    """Of `Checkerboard()` at its own points: uniform on eight squares."""
    return torch.full((len(x),), -math.log(8 * Checkerboard().side ** 2), dtype=torch.float64)


@dataclass(frozen=True)
class Shape:
    """A distribution in the plane, with its exact log density."""

    distribution: object
    log_density: object

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw n points (n, 2)."""
        return self.distribution.sample(n, generator).float()


def shapes() -> dict[str, Shape]:
    """The four shapes by name."""
    ring: GaussianMixture = eight_gaussians()
    return {
        "moons": Shape(Moons(), moons_log_density),
        "checkerboard": Shape(Checkerboard(), checkerboard_log_density),
        "spiral": Shape(Spiral(), spiral_log_density),
        "eight Gaussians": Shape(ring, ring.log_prob),
    }


# (b) tables


def tables() -> dict[str, Tensor]:
    """scikit-learn's tables, without what has no density.

    Of diabetes go sex, which has two values, and s4, a ratio that is mostly rounded to a whole number. The
    digits' grey levels 0 to 16 get uniform noise of one level (their corners are then nothing but noise).
    """
    from sklearn import datasets

    diabetes = torch.from_numpy(datasets.load_diabetes(scaled=False).data)
    digits = torch.from_numpy(datasets.load_digits().data)
    uniform = torch.rand(digits.shape, generator=Generator().manual_seed(0), dtype=torch.float64)
    return {
        "diabetes": diabetes[:, [0, 2, 3, 4, 5, 6, 8, 9]],
        "wine": torch.from_numpy(datasets.load_wine().data),
        "breast cancer": torch.from_numpy(datasets.load_breast_cancer().data),
        "digits": digits + uniform,
    }


def scale_of(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each column."""
    return x.mean(0), x.std(0)


def split(table: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Four fifths to learn from, one fifth to judge, standardised by the first: float32."""
    order = torch.randperm(len(table), generator=Generator().manual_seed(seed))
    n_held = len(table) // 5
    held = table[order[:n_held]]
    learn = table[order[n_held:]]
    mean, std = scale_of(learn)
    return ((learn - mean) / std).float(), ((held - mean) / std).float()


# (c) simulators (Lueckmann, Boelts, Greenberg, Goncalves, Macke 2021, appendix T)


class GaussianLinear:
    """theta ~ N(0, 0.1 I) and y | theta ~ N(theta, 0.1 I), in ten dimensions; 0.1 is a variance."""

    dim = 10
    variance = 0.1
    box = None

    def prior(self, n: int, generator: Generator) -> Tensor:
        """Draw n parameters."""
        return math.sqrt(self.variance) * torch.randn(n, self.dim, generator=generator)

    def simulate(self, theta: Tensor, generator: Generator) -> Tensor:
        """One observation for each row of theta."""
        return theta + math.sqrt(self.variance) * torch.randn(theta.shape, generator=generator)

    def posterior(self, y: Tensor, n: int, generator: Generator) -> Tensor:
        """N(y / 2, 0.05 I): prior and likelihood weigh the same."""
        return y / 2 + math.sqrt(self.variance / 2) * torch.randn(n, self.dim, generator=generator)


class BoxSimulator:
    """A simulator whose prior is uniform in the box [-box, box]^dim; `candidates` are tried, and kept inside.

    `candidates(y, n, generator)` draws from the likelihood as a density of theta (the posterior of a flat
    prior), so that those inside the box are exact samples of the posterior.
    """

    dim = 2
    box = 1.0

    def prior(self, n: int, generator: Generator) -> Tensor:
        """Draw n parameters."""
        return self.box * (2 * torch.rand(n, self.dim, generator=generator) - 1)

    def posterior(self, y: Tensor, n: int, generator: Generator) -> Tensor:
        """Draw n exact samples (n, dim) by rejection, given one observation y."""
        found = []
        n_found = 0
        for _ in range(1000):
            theta = self.candidates(y, n, generator)
            theta = theta[(theta.abs() <= self.box).all(1)]
            found.append(theta)
            n_found += len(theta)
            if n_found >= n:
                return torch.cat(found)[:n]
        raise RuntimeError(f"only {n_found} of {n} samples in 1000 rounds")


class MixtureOfTwo(BoxSimulator):
    """Gaussian mixture: y | theta ~ N(theta, I) / 2 + N(theta, 0.01 I) / 2, theta uniform in [-10, 10]^2."""

    box = 10.0

    def _noise(self, n: int, generator: Generator) -> Tensor:
        wide = torch.rand(n, 1, generator=generator) < 0.5
        return torch.where(wide, 1.0, 0.1) * torch.randn(n, 2, generator=generator)

    def simulate(self, theta: Tensor, generator: Generator) -> Tensor:
        """One observation for each row of theta."""
        return theta + self._noise(len(theta), generator)

    def candidates(self, y: Tensor, n: int, generator: Generator) -> Tensor:
        """The noise is symmetric: theta = y + noise."""
        return y + self._noise(n, generator)


class TwoMoons(BoxSimulator):
    """y = crescent + (-|theta_1 + theta_2|, theta_2 - theta_1) / sqrt(2), theta uniform in [-1, 1]^2.

    The crescent is (r cos a + 0.25, r sin a) with a ~ U(-pi/2, pi/2) and r ~ N(0.1, 0.01^2).
    """

    def _crescent(self, n: int, generator: Generator) -> Tensor:
        a = math.pi * (torch.rand(n, generator=generator) - 0.5)
        r = 0.1 + 0.01 * torch.randn(n, generator=generator)
        return torch.stack([r * a.cos() + 0.25, r * a.sin()], 1)

    def simulate(self, theta: Tensor, generator: Generator) -> Tensor:
        """One observation for each row of theta."""
        total = theta.sum(1)
        difference = theta[:, 1] - theta[:, 0]
        shift = torch.stack([-total.abs(), difference], 1) / math.sqrt(2)
        return self._crescent(len(theta), generator) + shift

    def candidates(self, y: Tensor, n: int, generator: Generator) -> Tensor:
        """A crescent leaves theta_2 - theta_1, and theta_1 + theta_2 up to its sign, which is even."""
        shift = math.sqrt(2) * (y - self._crescent(n, generator))
        shift = shift[shift[:, 0] <= 0]
        positive = torch.rand(len(shift), generator=generator) < 0.5
        total = torch.where(positive, -shift[:, 0], shift[:, 0])
        return torch.stack([total - shift[:, 1], total + shift[:, 1]], 1) / 2


class SLCP(BoxSimulator):
    """Simple likelihood, complex posterior: four points y ~ N(m, S) in the plane, theta in [-3, 3]^5.

    m = (theta_1, theta_2); S has the deviations theta_3^2 and theta_4^2 and the correlation tanh(theta_5).
    Papamakarios, Sterratt, Murray 2019.
    """

    dim = 5
    box = 3.0

    def simulate(self, theta: Tensor, generator: Generator) -> Tensor:
        """Four points for each row of theta, as a row (8,)."""
        z = torch.randn(len(theta), 4, 2, generator=generator)
        s1 = theta[:, 2, None].square()
        s2 = theta[:, 3, None].square()
        rho = theta[:, 4, None].tanh()
        first = theta[:, 0, None] + s1 * z[:, :, 0]
        second = theta[:, 1, None] + s2 * (rho * z[:, :, 0] + (1 - rho**2).sqrt() * z[:, :, 1])
        return torch.stack([first, second], 2).flatten(1)

    def candidates(self, y: Tensor, n: int, generator: Generator) -> Tensor:
        """S by rejection from the prior of theta_3 to theta_5, then m | S, y ~ N(mean of y, S / 4).

        With m integrated out, the likelihood of S is |S|^(-3/2) exp(-tr(S^-1 A) / 2), where A is the scatter
        of the four points about their mean. Its greatest value is at S = A / 3.
        """
        points = y.double().reshape(4, 2)
        mean = points.mean(0)
        scatter = (points - mean).T @ (points - mean)
        log_bound = -1.5 * float(torch.logdet(scatter / 3)) - 3

        shape = self.box * (2 * torch.rand(500_000, 3, generator=generator, dtype=torch.float64) - 1)
        s1 = shape[:, 0].square()
        s2 = shape[:, 1].square()
        rho = shape[:, 2].tanh()
        det = (s1 * s2).square() * (1 - rho**2)
        cross = rho * s1 * s2
        trace = (s2**2 * scatter[0, 0] + s1**2 * scatter[1, 1] - 2 * cross * scatter[0, 1]) / det
        log_likelihood = -1.5 * det.log() - 0.5 * trace
        keep = torch.rand(len(shape), generator=generator).log() < log_likelihood - log_bound

        z = torch.randn(int(keep.sum()), 2, generator=generator, dtype=torch.float64) / 2
        s1, s2, rho = s1[keep], s2[keep], rho[keep]
        m1 = mean[0] + s1 * z[:, 0]
        m2 = mean[1] + s2 * (rho * z[:, 0] + (1 - rho**2).sqrt() * z[:, 1])
        return torch.cat([m1[:, None], m2[:, None], shape[keep]], 1).float()


SIMULATORS = {
    "two moons": TwoMoons(),
    "Gaussian linear": GaussianLinear(),
    "Gaussian mixture": MixtureOfTwo(),
    "SLCP": SLCP(),
}

# The C2ST that Lueckmann et al. 2021 publish for NPE with 100,000 simulations, the mean over their ten
# observations of each task (https://github.com/sbi-benchmark/results, main_paper.csv).
PUBLISHED_NPE = {"two moons": 0.542, "Gaussian linear": 0.506, "Gaussian mixture": 0.555, "SLCP": 0.831}
