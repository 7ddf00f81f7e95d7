"""Learning the velocity: networks, losses, couplings, the loop and the recommended recipe."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "networks": ["time_features", "VelocityNet", "ConditionalVelocityNet", "recommended_network"],
        "losses": ["FlowMatchingDataset", "cfm_loss", "pair_loss", "stable_cfm_loss"],
        "score_matching": ["dsm_loss"],
        "couplings": [
            "ot_permutation",
            "minibatch_ot",
            "sinkhorn_plan",
            "entropic_indices",
            "gaussian_ot",
            "reflow_pairs",
        ],
        "loop": ["TrainingHistory", "train"],
        "recipe": ["fit"],
        "standardized": ["StandardizedFlow", "mean_and_std"],
        "residuals": ["ResidualFlow"],
        "checkpoints": ["save_checkpoint", "load_checkpoint"],
    },
)
