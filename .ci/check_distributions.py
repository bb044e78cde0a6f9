"""Check what a wheel and a source distribution hold: python .ci/check_distributions.py FOLDER."""

import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "sklearn_carto"


def files_of(folder, *patterns):
    """Return the files below a folder, as names relative to the root of the sources."""
    found = {path for pattern in patterns for path in (ROOT / folder).rglob(pattern)}
    return {
        path.relative_to(ROOT).as_posix()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


def check(name, missing, surplus):
    """End with an error if a distribution lacks files, or holds others."""
    if missing or surplus:
        sys.exit(f"{name}: lacks {sorted(missing)[:9]}, should not hold {sorted(surplus)[:9]}")


def main(folder):
    """Check the one wheel and the one source distribution in a folder."""
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")

    # the wheel: the package as it is, the licence, and no tests
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
    held = {name for name in names if not name.startswith(f"{info}/")}
    package = files_of("sklearn_carto", "*")
    check(wheel.name, {*package, f"{info}/licenses/LICENSE"} - names, held - package)

    # the source distribution: that, and what the tests need
    with tarfile.open(source) as archive:
        names = {one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()}
    needed = package | files_of("tests", "*.py") | files_of("examples", "*.py")
    needed |= files_of("docs", "*.md", "*.png") | files_of("benchmarks", "*.py")
    needed |= {"README.md", "CHANGELOG.md", "LICENSE", "conftest.py", "pyproject.toml", "setup.cfg"}
    needed |= {"constraints.txt", "constraints-oldest.txt"}
    hidden = {name for name in names if "__pycache__" in name or name.endswith(".pyc")}
    check(source.name, needed - names, hidden)

    # the metadata
    settings = ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    version = (PACKAGE / "_version.py").read_text().split('"')[-2]
    expected = {
        "Name": "sklearn-carto",
        "Version": version,
        "License-Expression": settings["metadata"]["license_expression"],
        "Requires-Python": settings["options"]["python_requires"],
        "Description-Content-Type": "text/markdown",
    }
    found = {name: metadata[name] for name in expected}
    extras = {*settings["options.extras_require"]}
    if found != expected or extras != {*metadata.get_all("Provides-Extra")}:
        sys.exit(f"{wheel.name}: {found} and extras {metadata.get_all('Provides-Extra')}")
    print(f"{wheel.name}: {len(package)} files; {source.name}: {len(names)} files")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
