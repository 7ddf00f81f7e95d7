"""Checkpoints: exact, atomic, and safe against what is not one."""

import os
import pickle

import numpy as np
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
    with pytest.raises(TypeError, match=r"code must be a tensor, a number.* got builtins\.type"):
        save_checkpoint(file, VelocityNet(hidden_dim=8), step=3, code=VelocityNet)
    with pytest.raises(TypeError, match=r"loss must be .* got numpy\.float64"):
        save_checkpoint(file, VelocityNet(hidden_dim=8), loss=np.mean([1.0, 2.0]))
    assert file.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_file_has_the_permissions_of_any_other(tmp_path):
    before = os.umask(0o027)
    try:
        new = save_checkpoint(tmp_path / "new.pt", VelocityNet(hidden_dim=8))
    finally:
        os.umask(before)
    assert new.stat().st_mode & 0o777 == 0o640
    new.chmod(0o664)
    save_checkpoint(new, VelocityNet(hidden_dim=8))
    assert new.stat().st_mode & 0o777 == 0o664


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    link = tmp_path / "model.pt"
    link.symlink_to(shared / "model.pt")
    save_checkpoint(link, VelocityNet(hidden_dim=8), step=1)
    save_checkpoint(link, VelocityNet(hidden_dim=8), step=2)
    assert link.is_symlink() and load_checkpoint(shared / "model.pt") == {"step": 2}


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder of .*nowhere.*model\.pt does not exist"):
        save_checkpoint(tmp_path / "nowhere" / "model.pt", VelocityNet(hidden_dim=8))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_weights_of_wrapped_models_load_into_plain_ones(tmp_path, prefix):
    plain, wrapped = VelocityNet(hidden_dim=8), VelocityNet(hidden_dim=8)
    file = save_checkpoint(tmp_path / "model.pt", plain)
    content = torch.load(file, weights_only=True)
    content["model"] = {prefix + name: value for name, value in wrapped.state_dict().items()}
    torch.save(content, file)
    load_checkpoint(file, plain)
    for ours, theirs in zip(plain.parameters(), wrapped.parameters(), strict=True):
        assert torch.equal(ours, theirs)


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
