"""Files of a Parquet log: their names, and the run that they belong to."""

from __future__ import annotations

import os
import re
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

from sklearn_carto._utils._archive import damage_named, read_archive
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._validation import describe
from sklearn_carto.exceptions import LogConflictError

RUN_FILE = "_run.npz"  # engines skip names that begin with an underscore, or with a dot
RUN_KIND = "run of a log"
_NAME = re.compile(r"epoch-(\d+)\.rank-(\d+)\.part-(\d+)\.([0-9a-f]{12})\.parquet")


class LogFile(NamedTuple):
    """One file of a log, and the parts of its name."""

    path: Path
    epoch: int
    rank: int
    part: int
    run: str


class Run(NamedTuple):
    """What a log knows of its run beside the epochs; arrays are None where it is not known."""

    arrays: dict  # sample_ids, labels, classes, held_out_mask, excluded_mask
    facts: dict  # run, n_samples, record, planned_epochs, margin_from


def name_of_file(epoch, rank, part, run):
    """Name the file of one epoch, rank and block of rows.

    Examples
    --------
    >>> name_of_file(3, 0, 0, "0123456789ab")
    'epoch-000003.rank-0.part-0.0123456789ab.parquet'
    """
    return f"epoch-{epoch:06d}.rank-{rank}.part-{part}.{run}.parquet"


def files_of_runs(folder):
    """List the files that runs have written to a folder, in the order of epochs."""
    found = []
    for path in Path(folder).iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            epoch, rank, part, run = match.groups()
            found.append(LogFile(path, int(epoch), int(rank), int(part), run))
    return sorted(found, key=lambda file: (file.epoch, file.rank, file.part, file.run))


def read_run(folder):
    """Read what a folder knows of its run; None if it holds no such file."""
    path = Path(folder) / RUN_FILE
    if not path.exists():
        return None
    arrays, facts = read_archive(path, RUN_KIND)
    with damage_named(path, RUN_KIND):
        _check_run(arrays, facts)
    return Run(arrays, facts)


def _check_run(arrays, facts):
    """Raise a ValueError if the entries of a file on its run do not fit together."""
    n_samples, planned = facts["n_samples"], facts["planned_epochs"]
    counts = [n_samples, *([] if planned is None else [planned])]
    if not all(type(count) is int and count >= 1 for count in counts):
        raise ValueError("numbers of rows and epochs must be whole")
    if not isinstance(facts["run"], str) or "record" not in facts or "margin_from" not in facts:
        raise ValueError("the key of the run is missing")
    if arrays["classes"].ndim != 1:
        raise ValueError("classes must have one dimension")
    for name in ("sample_ids", "labels", "held_out_mask", "excluded_mask"):
        if name in arrays and arrays[name].shape != (n_samples,):
            raise ValueError(f"{name} must have one entry for each row")


def check_folder(folder, owner, name="log"):
    """Return the path of the folder of a log, which the parameter `name` of `owner` holds."""
    valid = isinstance(folder, (str, os.PathLike)) and str(folder)
    if not valid or "\0" in os.fsdecode(folder):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be the path of a folder. Got "
            f"{describe(folder)} instead."
        )
    path = Path(os.path.expanduser(os.fsdecode(folder)))
    if path.exists() and not path.is_dir():
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be the path of a folder. Got {str(path)!r}, "
            "which is a file."
        )
    return path


def find_log(log, owner):
    """Find the Parquet files of a log.

    Parameters
    ----------
    log : str, path-like or sequence of these
        A folder, a file, a pattern of names, or several of them.
    owner : str
        Name of the function, for the errors.

    Returns
    -------
    files : list of Path
        The files, in the order of epochs where their names hold them.
    run : Run or None
        What is known of the run, if the log is the folder of one.
    """
    paths = as_paths(log, owner)
    files, folders = [], []
    for path in paths:
        if path.is_dir():
            folders.append(path)
            files += _files_of(path)
        else:
            files += files_at(path)
    of_reference = [path for path in files if ".jsonl" in path.suffixes]
    if of_reference:
        raise InvalidParameterError(
            f"The log of {owner} must be of Parquet files. Got {of_reference[0]}: read_dynamics "
            "reads the files of the reference implementation, as a folder or a list of files."
        )
    if len(set(files)) < len(files):
        raise InvalidParameterError(f"The log of {owner} must name each file once.")
    return files, _run_of(folders[0]) if len(paths) == len(folders) == 1 else None


def _run_of(folder):
    """Return the run of the files in a folder; None if it is unknown."""
    keys = {file.run for file in files_of_runs(folder)}
    run = read_run(folder) if keys else None
    return run if run is not None and keys == {run.facts["run"]} else None


def name_of_log(files):
    """Name a log of some files, for messages."""
    folders = [*dict.fromkeys(file.parent for file in files)]
    if len(files) == 1:
        return str(files[0])
    others = f" and {len(folders) - 1} other folders" if len(folders) > 1 else ""
    return f"{folders[0]}{others}"


def as_paths(paths, owner):
    """Return one path or a sequence of them as a list of at least one Path."""
    single = isinstance(paths, (str, os.PathLike))
    listed = [paths] if single else list(paths) if isinstance(paths, (list, tuple)) else []
    if not listed or not all(isinstance(path, (str, os.PathLike)) and str(path) for path in listed):
        raise InvalidParameterError(
            f"The log of {owner} must be a path, or a list of paths. Got {describe(paths)} instead."
        )
    return [Path(os.path.expanduser(os.fsdecode(path))) for path in listed]


def check_one_run(files, folder):
    """Raise an error if files of several runs lie in one folder."""
    runs = sorted({file.run for file in files})
    if len(runs) > 1:
        epochs = ", ".join(
            f"{run}: {len({file.epoch for file in files if file.run == run})} epochs"
            for run in runs
        )
        raise LogConflictError(
            f"{folder} holds the logs of {len(runs)} runs ({epochs}), which are not read as one. "
            "Pass the files of one of them, whose names end in its key, or move those of the "
            "others away."
        )


def _files_of(folder):
    own = files_of_runs(folder)
    check_one_run(own, folder)
    if own:
        return [file.path for file in own]
    others = sorted(path for path in folder.glob("*.parquet") if path.name[0] not in "._")
    if others:
        return _expanded(others)
    hint = hint_of_folders_below(folder)
    if next(folder.glob("*.jsonl*"), None) is not None:
        hint = " read_dynamics reads its .jsonl files, as a folder or a list of files."
    raise FileNotFoundError(
        f"{folder} holds no log: no file in it has a name that ends in .parquet.{hint}"
    )


def hint_of_folders_below(folder):
    """Say what to do if there are Parquet files in folders below one that holds no log."""
    if next(folder.glob("*/**/*.parquet"), None) is None:
        return ""
    return (
        " Folders below it hold some: pass a pattern of their names, or, if the names of folders "
        "hold columns, a frame of an engine that reads them, such as "
        "polars.scan_parquet(folder, hive_partitioning=True)."
    )


def _expanded(paths):
    """Replace folders, which Spark and Dask write in place of a file, by their files."""
    found: list = []
    for path in paths:
        found += _files_of(path) if path.is_dir() else [path]
    return found


def files_at(path):
    """List the files of a name, or of a pattern of names."""
    if path.exists():
        return [path]
    found = sorted(map(Path, glob(str(path), recursive=True))) if has_magic(str(path)) else []
    found = [one for one in found if one.name[0] not in "._"]
    files = [one for one in found if one.suffix == ".parquet" or one.is_file()]
    if not files:
        hint = " as a file: it is a pattern of folders. End it in /*.parquet" if found else ""
        raise FileNotFoundError(f"{path} does not exist{hint}.")
    return [*dict.fromkeys(_expanded(files))]
