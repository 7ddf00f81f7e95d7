"""The kinds of data whose truth is known, and the formulas for each kind."""

from types import ModuleType

from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture
from fmtutorial.exact import finite_data, mixture


def formulas_for(data: GaussianMixture | EmpiricalDistribution) -> ModuleType:
    """The module with `read`, `log_prob`, `score` and `velocity` for data of this kind.

    Public functions call their data `mixture`, and so does the TypeError for any other kind.
    """
    if isinstance(data, GaussianMixture):
        return mixture
    if isinstance(data, EmpiricalDistribution):
        return finite_data
    raise TypeError(
        f"mixture must be a GaussianMixture or an EmpiricalDistribution, got {type(data).__name__}"
    )
