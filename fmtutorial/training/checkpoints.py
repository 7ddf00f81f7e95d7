"""Saving and loading a model without ever leaving half a file behind."""

import os
import pickle
import tempfile
from os import PathLike
from pathlib import Path

import torch
from torch import nn

FORMAT = "fmtutorial-checkpoint-1"


def save_checkpoint(file: str | PathLike, model: nn.Module, **extra) -> Path:
    """Write the model's weights, and `extra` tensors, numbers, strings, lists or dicts, atomically.

    The bytes go to a temporary file in the same folder, which then takes the name `file` in one step: a
    crash leaves the old file or the new one, never a mixture.
    """
    # the whole content, in a temporary file beside the final one
    file = Path(file)
    content = {"format": FORMAT, "model": model.state_dict(), "extra": extra}
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            torch.save(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        # refuse what could not be read back safely, then change the name
        load_checkpoint(temporary)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return file


def load_checkpoint(
    file: str | PathLike, model: nn.Module | None = None, map_location: str | torch.device = "cpu"
) -> dict:
    """Read a checkpoint, load its weights into `model` if one is given, and return its `extra`.

    Only tensors and plain values are read, never code (`weights_only=True`). A file that is truncated,
    foreign, or of another architecture raises ValueError; one that is missing, FileNotFoundError.
    """
    content = _read(file, map_location)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{file} is not a checkpoint of this course (no format {FORMAT!r} in it)")
    if model is not None:
        try:
            model.load_state_dict(content["model"])
        except RuntimeError as error:
            raise ValueError(f"{file} holds the weights of another architecture: {error}") from error
    return content["extra"]


def _read(file: str | PathLike, map_location: str | torch.device) -> object:
    """What a file of torch holds; ValueError if it cannot be read, FileNotFoundError if it is missing."""
    try:
        return torch.load(file, map_location=map_location, weights_only=True)
    except FileNotFoundError:
        raise
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{file} cannot be read as a checkpoint: truncated, or not written by this course"
        ) from error
