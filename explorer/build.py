"""Build the explorer's page and widget into the package, or check that they are up to date.

Usage: python explorer/build.py [--check]

Needs node and npm, once also their registry. The built files depend on the sources and on the
version of esbuild in package-lock.json alone. `--check` changes nothing, and returns 1 if a built
file is not what the sources give; without node it says so, and returns 0.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUNDLE = HERE.parent / "sklearn_carto" / "_explorer" / "bundle"
ENTRIES = {  # built file: entry and format
    "page.js": ("src/page.js", "iife"),
    "widget.js": ("src/widget.js", "esm"),
    "explorer.css": ("src/explorer.css", None),
}


def build(folder):
    """Build every file into a folder."""
    esbuild = HERE / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    for name, (entry, kind) in ENTRIES.items():
        command = [str(esbuild), entry, "--bundle", "--minify", "--charset=ascii"]
        command += ["--target=es2022", "--log-level=warning", f"--outfile={folder / name}"]
        command += [] if kind is None else [f"--format={kind}"]
        subprocess.run(command, cwd=HERE, check=True)


def main():
    """Build, or compare with what is built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("node and npm were not found: the explorer is not built")
        return 0 if check else 1
    if not check:
        BUNDLE.mkdir(exist_ok=True)
        build(BUNDLE)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        stale = [
            name
            for name in ENTRIES
            if not (BUNDLE / name).is_file()
            or (BUNDLE / name).read_bytes() != (Path(folder) / name).read_bytes()
        ]
    if stale:
        print(f"not up to date: {', '.join(stale)}. Run python explorer/build.py", file=sys.stderr)
        return 1
    print("the explorer is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
