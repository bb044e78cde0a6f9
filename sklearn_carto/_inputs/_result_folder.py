"""Finished parts of a long call, kept in a folder, from which the same call continues."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import sklearn

from sklearn_carto._inputs._code import estimator_hash, library_names
from sklearn_carto._inputs._fingerprint import value_fingerprint
from sklearn_carto._utils._archive import read_archive, write_archive
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._files import new_file, part_name, sync_folder
from sklearn_carto._utils._plain_values import from_tree, to_tree
from sklearn_carto._utils._random_state import draw_seed
from sklearn_carto._utils._warnings import warn
from sklearn_carto._version import __version__
from sklearn_carto.exceptions import ResumeWarning

RESUME = [str, os.PathLike, None]  # constraints of the parameter `resume`
_CALL = "call.json"  # the file that describes the call
_KIND = "finished part"
_ABANDONED = 24 * 3600  # seconds after which a file that was not completed is deleted


class ResultFolder:
    """Keep the finished parts of a call in a folder, one file each.

    A file is written to the disk whole, or not at all. The folder belongs to one call: it keeps the
    digests of what the results depend on.

    Parameters
    ----------
    folder : str or path-like
        The folder; it is created if it does not exist.
    owner : str
        Name of the function that is called.
    models : dict of str to estimator
        Estimators that the results depend on, by the name of the parameter.
    data : dict of str to object
        Whatever else the results depend on.
    random_state : int, RandomState instance or None
        The `random_state` of the call. For None, a seed is drawn and kept in the folder.

    Attributes
    ----------
    random_state : int or RandomState instance
        The random state to use.

    Raises
    ------
    InvalidParameterError
        If the folder holds the results of another call, cannot be written, or if something that the
        results depend on cannot be identified by its value.
    """

    def __init__(self, folder, owner, models, data, random_state):
        subject = f"The 'resume' parameter of {owner}"
        if not os.fspath(folder):
            raise InvalidParameterError(f"{subject} must name a folder. Got an empty path.")
        path = os.path.expanduser(os.fsdecode(folder))
        self.folder = Path(path).absolute()  # the working directory may change
        self._stores = True
        parts = _digest_parts(subject, models, {**data, "random_state": _value_of(random_state)})
        call = {"function": owner, "parts": parts}
        call["seed"] = draw_seed(None) if random_state is None else None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._delete_abandoned()
            call = self._open(call, subject)
        except (OSError, ValueError) as error:
            if isinstance(error, InvalidParameterError):
                raise
            reason = getattr(error, "strerror", None) or error
            raise InvalidParameterError(
                f"{subject} must name a folder that can be read and written. Got "
                f"{str(folder)!r} ({reason})."
            ) from error
        self.random_state = call["seed"] if random_state is None else random_state
        self._digest = sha256(json.dumps(call, sort_keys=True).encode()).hexdigest()

    def load(self, name, decode):
        """Return the value of a finished part as `decode` makes it, or None if there is none.

        Warns
        -----
        ResumeWarning
            If there is a file that cannot be read, or that is not one of this call.
        """
        path = self.folder / f"{name}.npz"
        if not path.exists():
            return None
        try:
            arrays, header = read_archive(path, _KIND)
            if header["call"] != self._digest or header["name"] != name:
                raise ValueError(f"{path} does not belong to this call.")
            return decode(from_tree(header["tree"], arrays))
        except Exception as error:  # whatever a damaged file leads to
            warn(f"{path} is ignored, and computed again: {error}", ResumeWarning)
            return None

    def store(self, name, value):
        """Write the value of a finished part.

        Warns
        -----
        ResumeWarning
            If it cannot be written. The call goes on, and there is one warning only.
        """
        arrays: dict[str, np.ndarray] = {}
        try:
            tree = to_tree(value, arrays)
            metadata = {"call": self._digest, "name": name, "tree": tree}
            write_archive(self.folder / f"{name}.npz", _KIND, arrays, metadata)
        except (OSError, TypeError, ValueError) as error:  # such as a folder of that name
            if self._stores:
                self._stores = False
                warn(
                    f"The finished part {name!r} could not be stored in {str(self.folder)!r} "
                    f"({error}), nor perhaps later ones. The call goes on, but an interrupted one "
                    "would compute them again. Make room, or check the folder.",
                    ResumeWarning,
                )

    def _open(self, call, subject):
        """Return the call that the folder describes; describe this one, if it describes none."""
        path = self.folder / _CALL
        for _ in range(2):
            if path.exists():
                known = self._read(path)
                if known is not None:
                    return _check_same(known, call, f"{subject} names {str(self.folder)!r}")
                path.unlink(missing_ok=True)
            part = self.folder / part_name(_CALL)
            with new_file(part) as file:
                file.write(json.dumps(call, indent=1).encode())
            try:
                os.link(part, path)  # unless another process was faster
            except FileExistsError:
                continue
            except OSError:  # a file system without links
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            sync_folder(self.folder)
            return call
        return _check_same(self._read(path) or call, call, f"{subject} names {str(self.folder)!r}")

    def _read(self, path):
        try:
            known = json.loads(path.read_text())
            seed = known["seed"]
            if (
                isinstance(known["function"], str)
                and all(isinstance(one, str) for one in known["parts"].values())
                and (seed is None or (type(seed) is int and 0 <= seed < 2**32))
            ):
                return {name: known[name] for name in ("function", "parts", "seed")}
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        warn(
            f"{path} is damaged, so that the finished parts beside it are not used.", ResumeWarning
        )
        return None

    def _delete_abandoned(self):
        """Delete files that a process which was killed has not completed."""
        for path in self.folder.glob(".*.*"):
            is_ours = len(path.name.rpartition(".")[2]) == 32
            with suppress(OSError):
                if is_ours and time.time() - path.stat().st_mtime > _ABANDONED:
                    path.unlink()


def _value_of(random_state):
    """Return what identifies a random state: None, the int, or the state of a generator."""
    if isinstance(random_state, np.random.RandomState):
        return random_state.get_state()
    return None if random_state is None else int(random_state)


def _digest_parts(subject, models, data):
    """Digest what the results depend on."""
    parts = {name: estimator_hash(model) for name, model in models.items()}
    parts |= {name: value_fingerprint(value) for name, value in data.items()}
    unknown = [name for name, digest in parts.items() if digest is None]
    if unknown:
        raise InvalidParameterError(
            f"{subject} requires that data and parameters can be identified by their values, in "
            f"a later process too, which {', '.join(unknown)} cannot. Pass arrays or data frames, "
            "and functions and objects that can be pickled, or set resume=None."
        )
    parts["versions"] = _versions(models.values())
    return parts


def _versions(models):
    """Name the versions of this library, scikit-learn, numpy and the libraries of the models."""
    parts = [*models]
    for model in models:
        parts += model.get_params(deep=True).values() if hasattr(model, "get_params") else ()
    versions = {"sklearn_carto": __version__, "scikit-learn": sklearn.__version__}
    for package in library_names(parts) - {"sklearn", "sklearn_carto"} | {"numpy"}:
        version = getattr(sys.modules.get(package), "__version__", None)
        if version is not None:
            versions[package] = str(version)
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _check_same(known, call, subject):
    """Return the known call; raise an error that names what differs from it."""
    if known["function"] != call["function"]:
        problem = f"holds the results of {known['function']}"
    else:
        ours, theirs = call["parts"], known["parts"]
        names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        if not names:
            return known
        problem = f"holds the results of a call that differs in {', '.join(names)}"
        if "versions" in names:
            problem += f" (there {theirs.get('versions')}; here {ours['versions']})"
        if "cv" in names:
            problem += "; a cv that shuffles needs an int as its random_state"
    raise InvalidParameterError(
        f"{subject}, which {problem}. Pass the same arguments, another folder, or delete this one."
    )
