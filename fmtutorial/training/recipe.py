"""The recipe that we recommend: a network, a loss and a schedule that suit the data."""

from functools import partial

from torch import Generator, Tensor, nn

from fmtutorial import _validate
from fmtutorial.paths import AffineGaussianPath, StraightPath
from fmtutorial.training._batches import as_tuple
from fmtutorial.training.loop import TrainingHistory, _check_data, train
from fmtutorial.training.losses import cfm_loss, stable_cfm_loss
from fmtutorial.training.networks import recommended_network


def fit(
    data,
    path: AffineGaussianPath | None = None,
    n_steps: int = 3950,
    generator: Generator | None = None,
    *,
    condition: Tensor | None = None,
    condition_dropout: float = 0.1,
    model: nn.Module | None = None,
    **options,
) -> tuple[nn.Module, TrainingHistory]:
    """The recommended network, trained by the recommended recipe: return (model, history).

    data: points (N, d), a pair (x1, y), or anything whose `.sample(n, generator)` returns such, fresh at
    every step. condition: y for points, classes (N,) or numbers (N, c), dropped for a share of
    `condition_dropout` of the examples, so that the model is the unconditional one too.
    path: `StraightPath()` unless given. The recipe is `stable_cfm_loss` (`cfm_loss` with conditions), batches
    of 256, lr 0.01 and a cosine schedule; `options` change it and go to `train`. Data of about unit scale.
    For a few hundred points `loss_fn=cfm_loss`, which is slower to memorise them, is the better choice.
    """
    path = StraightPath() if path is None else path
    if condition is not None:
        if not isinstance(data, Tensor):
            raise TypeError(
                f"condition needs data to be a tensor, got {type(data).__name__}, which holds its own"
            )
        data = (data, condition)
    _check_data(model, data, "data")
    _validate.real(condition_dropout, "condition_dropout", low=0.0, high=1.0, open_high=True)
    example = as_tuple(data.sample(1, generator) if hasattr(data, "sample") else data)
    if model is None:
        if len(example) > 1 and hasattr(data, "sample") and not example[1].is_floating_point():
            raise ValueError("model must be given for a sampler of classes, whose number is not known here")
        model = recommended_network(*example[:2], unconditional=condition_dropout > 0, generator=generator)
    conditional = partial(cfm_loss, condition_dropout=condition_dropout)
    loss_fn = conditional if len(example) > 1 else stable_cfm_loss
    recipe = {"batch_size": 256, "lr": 1e-2, "schedule": "cosine", "loss_fn": loss_fn, "generator": generator}
    return model, train(model, data, path, n_steps, **(recipe | options))
