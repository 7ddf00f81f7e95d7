"""Running commands for the tests of Colab and Binder."""

import subprocess


def run(*command, cwd=None, environment=None) -> str:
    """Run a command; its output, or a failure that shows it."""
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr
