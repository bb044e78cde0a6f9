"""Hashes of estimators by value, which include code that cannot be imported again."""

from __future__ import annotations

import re
import sys
from hashlib import sha256
from io import BytesIO
from types import CodeType, FunctionType

from joblib.hashing import NumpyHasher

from sklearn_carto._utils._compat import cloudpickle

# what code does; the other attributes say where it stands
_CODE = (
    "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_flags", "co_code", "co_consts",
    "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_name", "co_exceptiontable",
)  # fmt: skip

# attributes of classes and functions that say where they stand, or that use has left: copyreg sets
# __slotnames__ when an instance is pickled, and modules may be imported
_TRACES = {
    "__dict__", "__weakref__", "__firstlineno__", "__static_attributes__", "__slotnames__",
    "_cloudpickle_submodules",
}  # fmt: skip


def is_code(value):
    """Whether a value is a function or a class."""
    return isinstance(value, (FunctionType, type))


def code_name(value):
    """Return the dotted name of a function or class that can be imported, or None.

    What ``__main__`` defines has no such name, since it may be defined anew.
    """
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    found: object = sys.modules.get(str(module)) if module != "__main__" else None
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}.{name}" if found is value else None


def library_names(objects):
    """Return the names of the packages that define the classes of objects, or a class above them.

    A class counts as an object of itself. The standard library is left out.
    """
    kinds = (one if isinstance(one, type) else type(one) for one in objects)
    modules = {base.__module__ for kind in kinds for base in kind.__mro__}
    return {module.partition(".")[0] for module in modules} - {"__main__"} - sys.stdlib_module_names


def code_hash(value):
    """Hash a function or class: by name if it can be imported, else by its code.

    The code is that of the functions, classes and global variables that it refers to, too.

    Returns
    -------
    digest : str or None
        Hexadecimal digest; None if the code refers to something that cannot be pickled.
    """
    name = code_name(value)
    if name is not None:
        return sha256(f"name {name}".encode()).hexdigest()
    try:
        return _pickled_hash(value)
    except Exception:  # any object that the code refers to may refuse, in its own manner
        return None


def code_parts(value):
    """Return what a function or class consists of, and the values that it refers to, in order."""
    if isinstance(value, type):
        members = {n: v for n, v in vars(value).items() if n not in _TRACES}
        return [value.__qualname__, *value.__bases__, *map(list, sorted(members.items()))]
    code, cells = value.__code__, value.__closure__ or ()
    used = [name for name in _names_in(code) if name in value.__globals__]
    return [
        _pickled_hash(code),
        value.__defaults__,
        value.__kwdefaults__,
        *(cell.cell_contents for cell in cells if _is_filled(cell)),
        *(value.__globals__[name] for name in used),
    ]


def _names_in(code):
    inner = [part for part in code.co_consts if isinstance(part, CodeType)]
    return sorted({*code.co_names, *(name for part in inner for name in _names_in(part))})


def _is_filled(cell):
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _pickled_hash(value):
    stream = BytesIO()
    _code_pickler()(stream).dump(value)
    return sha256(stream.getvalue()).hexdigest()


def _code_pickler():
    class CodePickler(cloudpickle().Pickler):  # type: ignore[misc]
        """Pickler of code by value, without what differs between processes.

        That is the random number that cloudpickle gives a class, the order of a set, where the code
        stands in its file, and what its use has left.
        """

        def persistent_id(self, obj):
            if type(obj) not in (set, frozenset):
                return None
            return type(obj).__name__, tuple(sorted(map(_pickled_hash, obj)))

        def reducer_override(self, obj):
            if isinstance(obj, CodeType):
                return CodeType, tuple(getattr(obj, name) for name in _CODE)
            reduced = super().reducer_override(obj)
            if not isinstance(reduced, tuple):
                return reduced
            make, args, *rest = reduced
            if isinstance(obj, type):
                args = tuple(None if _is_random_name(arg) else arg for arg in args)
            return make, args, *map(_without_traces, rest)

    return CodePickler


def _without_traces(state):
    """Return the state of a function or class without what its use has left in it."""
    if not isinstance(state, tuple):
        return state
    return tuple(
        {n: v for n, v in part.items() if n not in _TRACES and (n, v) != ("__annotations__", {})}
        if isinstance(part, dict)
        else part
        for part in state
    )


def _is_random_name(arg):
    return isinstance(arg, str) and re.fullmatch("[0-9a-f]{32}", arg) is not None


def estimator_hash(estimator):
    """Hash an estimator by the values of its parameters and by its code.

    Returns
    -------
    digest : str or None
        Hexadecimal digest; None if a parameter can neither be pickled nor be hashed as code.
    """
    try:
        return _EstimatorHasher("sha256").hash(estimator)
    except Exception:  # any parameter may refuse, in its own manner
        return None


class _CodeRefusedError(Exception):
    pass


class _EstimatorHasher(NumpyHasher):
    """joblib's hasher, which hashes functions and classes by name, with `code_hash` instead."""

    def save(self, obj):
        if is_code(obj) and code_name(obj) is None and obj is not type(None):
            digest = code_hash(obj)
            if digest is None:
                raise _CodeRefusedError(obj)
            obj = ("code", digest)
        elif type(obj) is frozenset:  # joblib orders sets only
            obj = ("frozenset", set(obj))
        super().save(obj)
