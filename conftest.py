"""Settings of the whole test run: it must give the same results whatever the machine's number of cores."""

import os

# The notebooks' kernels inherit these.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
os.environ["MPLBACKEND"] = os.environ.get("MPLBACKEND", "agg")
