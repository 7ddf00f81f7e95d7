"""Checkpoints: exact, atomic, and safe against what is not one."""

import pickle

import pytest
import torch

from fmtutorial import VelocityNet
from fmtutorial.training import load_checkpoint, save_checkpoint


@pytest.fixture
def file(tmp_path):
    torch.manual_seed(0)
    return save_checkpoint(tmp_path / "model.pt", VelocityNet(hidden_dim=8), sigma_min=0.1, losses=[1.0, 2.0])


def test_a_round_trip_is_exact(file):
    torch.manual_seed(0)
    saved, loaded = VelocityNet(hidden_dim=8), VelocityNet(hidden_dim=8)
    assert load_checkpoint(file, loaded) == {"sigma_min": 0.1, "losses": [1.0, 2.0]}
    for a, b in zip(saved.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_failing_write_leaves_the_old_file_and_no_other(file, monkeypatch):
    before = file.read_bytes()

    def full_disk(content, stream):
        stream.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(file, VelocityNet(hidden_dim=8))
    assert file.read_bytes() == before
    assert [f.name for f in file.parent.iterdir()] == ["model.pt"]


def test_what_could_not_be_loaded_safely_is_not_saved(file):
    before = file.read_bytes()
    with pytest.raises(ValueError, match="cannot be read"):
        save_checkpoint(file, VelocityNet(hidden_dim=8), code=VelocityNet)
    assert file.read_bytes() == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_a_clear_error(file, share):
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(ValueError, match=r"model\.pt.*truncated"):
        load_checkpoint(file)


class Dangerous:
    def __reduce__(self):
        return (exec, ("raise SystemExit('code was run')",))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_is_refused_without_running_it(tmp_path):
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Dangerous()))
    with pytest.raises(ValueError, match=r"evil\.pt"):
        load_checkpoint(tmp_path / "evil.pt")


def test_a_foreign_checkpoint_is_named_as_such(tmp_path):
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="not a checkpoint of this course"):
        load_checkpoint(tmp_path / "other.pt")


def test_another_architecture_is_a_clear_error(file):
    with pytest.raises(ValueError, match="another architecture"):
        load_checkpoint(file, VelocityNet(hidden_dim=9))


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.pt")
