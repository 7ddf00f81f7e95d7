"""Judging: distances between samples, likelihoods and the calibration of posteriors."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "distances": [
            "excess_loss",
            "sliced_wasserstein",
            "sliced_wasserstein_floor",
            "energy_distance",
            "straightness",
        ],
        "frechet": ["frechet_distance", "gaussian_frechet"],
        "likelihood": [
            "log_prob",
            "divergence",
            "hutchinson_divergence",
            "kl_to_model",
            "bits_per_dimension",
        ],
        "calibration": ["sbc_ranks", "rank_histogram", "uniformity", "coverage", "crps", "two_sample_test"],
    },
)
