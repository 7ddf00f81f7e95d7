"""Saving and loading a model without ever leaving half a file behind."""

import io
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
    _check_extra(extra)
    # the whole content, in a temporary file beside the final one (where a link leads, not in its place)
    file = Path(os.path.realpath(Path(file).expanduser()))
    if not file.parent.is_dir():
        raise FileNotFoundError(f"the folder of {file} does not exist")
    content = {"format": FORMAT, "model": model.state_dict(), "extra": extra}
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            torch.save(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        # refuse what could not be read back safely, then change the name
        load_checkpoint(temporary)
        os.chmod(temporary, _mode_for(file))
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
            model.load_state_dict(_weights_for(model, content["model"]))
        except RuntimeError as error:
            raise ValueError(f"{file} holds the weights of another architecture: {error}") from error
    return content["extra"]


def _check_extra(extra: dict) -> None:
    """Raise TypeError, with its name, for an extra that could not be read back safely."""
    for name, value in extra.items():
        buffer = io.BytesIO()
        try:
            torch.save(value, buffer)
            buffer.seek(0)
            torch.load(buffer, weights_only=True)
        except (pickle.PickleError, AttributeError, TypeError) as error:
            kind = f"{type(value).__module__}.{type(value).__name__}"
            raise TypeError(
                f"{name} must be a tensor, a number, a string, or a list or dict of such, got {kind}: "
                "convert it, for instance with float(...)"
            ) from error


def _mode_for(file: Path) -> int:
    """The permissions of the file that is replaced, or those that a new file would get."""
    if file.exists():
        return file.stat().st_mode & 0o777
    umask = os.umask(0)  # it cannot be read without being set
    os.umask(umask)
    return 0o666 & ~umask


def _weights_for(model: nn.Module, weights: dict) -> dict:
    """Weights by the names of `model`, whether or not either was compiled or wrapped in DataParallel."""

    def bare(name: str) -> str:
        """The name without the prefixes of such wrappers."""
        for prefix in ("module.", "_orig_mod."):
            name = name.replace(prefix, "") if name.startswith(prefix) else name
        return name

    theirs = {bare(name): value for name, value in weights.items()}
    ours = {bare(name): name for name in model.state_dict()}
    if theirs.keys() != ours.keys():  # let torch say what is missing
        return weights
    return {ours[name]: value for name, value in theirs.items()}


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
