"""Print one of README's two set-up commands, so that nothing else needs a copy of it.

python tools/readme_command.py open           # the command that opens the course
python tools/readme_command.py test windows   # the one that runs every test, for Windows
"""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def readme_command(name: str, system: str = "unix") -> str:
    """The single line of code under README's mark `<!-- command: name system -->`."""
    mark = re.escape(f"<!-- command: {name} {system} -->")
    found = re.findall(mark + r"\s*```\w*\n([^\n]+)\n```", README.read_text(encoding="utf-8"))
    if len(found) != 1:
        raise SystemExit(f"README must have one command marked {name} {system}, found {len(found)}")
    return found[0]


if __name__ == "__main__":
    print(readme_command(*sys.argv[1:]))
