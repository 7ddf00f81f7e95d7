"""The same idea elsewhere: few steps by learnt flow maps, and jumps between tokens."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "flow_maps": [
            "exact_flow_map",
            "exact_average_velocity",
            "meanflow_floor",
            "flow_map_trajectories",
            "paired_gap",
        ],
        "average_velocity": ["AverageVelocityNet", "velocity_and_derivative", "jump", "renoised_jumps"],
        "few_steps": [
            "distillation_loss",
            "meanflow_loss",
            "lagrangian_loss",
            "progressive_loss",
            "consistency_loss",
        ],
        "token_paths": ["MaskPath", "UniformPath", "all_states"],
        "discrete": [
            "token_marginal",
            "token_marginal_derivative",
            "token_posterior",
            "posterior_field",
            "checkerboard_table",
            "draw_strings",
            "jump_rates",
            "generator_matrix",
        ],
        "jumps": [
            "euler_probabilities",
            "sampler_law",
            "one_at_a_time_law",
            "sample_tokens",
            "unmask_one_at_a_time",
        ],
        "tokens": [
            "entropy",
            "total_variation",
            "token_loss_floor",
            "excess_token_loss",
            "TokenNet",
            "token_loss",
            "train_tokens",
            "learnt_posterior",
        ],
        "bridges": ["Bridge", "sample_bridge"],
        "bridged_mixtures": ["bridge_log_prob", "bridge_score", "bridge_velocity", "bridge_fields"],
        "schroedinger": ["gaussian_bridge", "bridge_moments", "markovian_projection"],
        "text": ["ALPHABET", "sonnets", "encode", "decode"],
    },
)
