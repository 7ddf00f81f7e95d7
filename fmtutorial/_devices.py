"""Double precision, which Apple's GPU does not have."""

import torch
from torch import Tensor


def has_double(device: torch.device) -> bool:
    """Can tensors on this device be in double precision?"""
    return device.type != "mps"


def double(x: Tensor) -> Tensor:
    """x in double precision: on its own device, or on the CPU where its device has none."""
    if has_double(x.device):
        return x.double()
    return x.cpu().double()
