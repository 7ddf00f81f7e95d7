"""The tests run on one thread, as the notebooks do."""

import torch

torch.set_num_threads(1)
