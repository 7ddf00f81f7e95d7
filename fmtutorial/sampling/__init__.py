"""From noise to data: solvers of the flow, diffusion samplers, Langevin dynamics and guidance."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "steps": ["euler_step", "midpoint_step", "rk4_step"],
        "solvers": ["FIXED_STEP", "ADAPTIVE", "integrate_flow", "CountEvaluations"],
        "diffusion": [
            "starting_noise",
            "ddim_step",
            "ddpm_step",
            "heun_step",
            "variance_rate",
            "reverse_diffusion_rate",
            "sde_step",
            "run_sampler",
            "karras_times",
        ],
        "langevin_dynamics": ["langevin_step", "langevin", "annealed_langevin"],
        "guidance": ["guided", "clamped"],
        "posterior_guidance": [
            "guidance_factor",
            "predicted_data",
            "posterior_guided",
            "likelihood_score_field",
            "plug_in_score_field",
            "matched_score_field",
        ],
    },
)
