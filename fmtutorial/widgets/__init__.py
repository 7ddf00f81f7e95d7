"""Trying: interactive figures, each named by what it moves."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "explorer": ["Explorer"],
        "sigma_min": ["sigma_min_explorer"],
        "step_count": ["step_count_explorer"],
        "coupling": ["coupling_explorer"],
        "noise_level": ["noise_level_explorer"],
        "kernel_width": ["kernel_width_explorer"],
        "guidance_strength": ["guidance_explorer"],
        "flow_map_jumps": ["flow_map_explorer"],
        "token_steps": ["token_steps_explorer"],
        "bridge_noise": ["bridge_noise_explorer"],
        "wrapped_or_cut": ["wrapped_or_cut_explorer"],
        "fourth_sensor": ["expected_uncertainty", "fourth_sensor_explorer"],
    },
)
