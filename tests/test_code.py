"""Hashes of estimators: parameters by value, code by what it says."""

import inspect
import os
import pickle
import re
import subprocess
import sys
from importlib import import_module
from threading import Lock

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import __main__
from sklearn_carto import DataMapSelector
from sklearn_carto._inputs._code import code_hash, estimator_hash
from sklearn_carto.exceptions import NotCachedWarning

X, y = np.random.RandomState(0).normal(size=(30, 2)), np.arange(30) % 2
LOCK = Lock()


@pytest.fixture
def run_cell(monkeypatch):
    """Run code as a cell of a notebook does, and return what it names `it`."""

    def run(code):
        names = {"__name__": "__main__"}
        exec(compile(code, "cell", "exec"), names)
        for name, value in names.items():
            if not name.startswith("__"):
                monkeypatch.setattr(__main__, name, value, raising=False)
        return names["it"]

    return run


FUNCTION = "def it(X): return X * {}"
GLOBAL = "factor = {}\ndef it(X): return X * factor"
CALLED = "def inner(X): return X * {}\ndef it(X): return inner(X)"
CLASS = "class it:\n    def f(self, X): return X * {}"
BASE = "class Base:\n    def f(self, X): return X * {}\nclass it(Base): pass"
DEFAULT = "def it(X, factor={}): return X * factor"


@pytest.mark.parametrize("code", [FUNCTION, GLOBAL, CALLED, CLASS, BASE, DEFAULT])
def test_code_that_is_defined_anew_has_another_hash(run_cell, code):
    first, again = (code_hash(run_cell(code.format(2))) for _ in range(2))
    assert first == again is not None
    assert first != code_hash(run_cell(code.format(3)))


@pytest.mark.parametrize("code", [FUNCTION, GLOBAL, CALLED, CLASS, BASE, DEFAULT])
@pytest.mark.parametrize("before", ["\n", "import re\n\n\n", "# a note\n"])
def test_where_code_stands_does_not_matter(run_cell, code, before):
    code = code.format(2)
    moved = code_hash(run_cell(before + code.replace("return", "\\\n        return")))
    assert code_hash(run_cell(code)) == moved is not None


def test_use_leaves_no_trace(run_cell):
    code = """
import xml
class it:
    def __init__(self): self.a, self.b = 1, 2
    def parse(self, X): return xml.dom.minidom.parseString(X)
def parse(X): return xml.etree.ElementTree.fromstring(X)
it.function = parse
"""
    kind = run_cell(code)
    before = code_hash(kind), code_hash(kind.function)
    pickle.dumps(kind())  # sets __slotnames__
    inspect.get_annotations(kind)  # makes __annotations__
    import_module("xml.dom.minidom")
    import_module("xml.etree.ElementTree")
    assert "__slotnames__" in vars(kind)
    assert (code_hash(kind), code_hash(kind.function)) == before
    assert estimator_hash(kind()) == estimator_hash(kind())


def test_what_code_does_matters_however_alike_it_is():
    alike = [
        lambda X: X + 1, lambda X: X + 1.0, lambda X: X + True, lambda Z: Z + 1,
        lambda X, *, k=1: X + k, lambda X, k=1: X + k, lambda *X: X + 1, lambda X: X - 1,
        lambda X: X.a, lambda X: X.b, lambda X: [x + 1 for x in X], lambda X: (x + 1 for x in X),
    ]  # fmt: skip
    assert len({code_hash(function) for function in alike}) == len(alike)


def test_lambdas_and_local_code_have_hashes_of_their_own():
    def local(factor):
        def scale(X):
            return X * factor

        return scale

    assert code_hash(lambda X: X + 1) != code_hash(lambda X: X + 2)
    assert code_hash(local(1)) == code_hash(local(1)) != code_hash(local(2))


def test_what_is_imported_is_known_by_name():
    assert code_hash(re.compile) == code_hash(re.compile) != code_hash(re.match)


def test_equal_estimators_have_equal_hashes():
    for make in (
        lambda: SGDClassifier(alpha=0.1),
        lambda: make_pipeline(StandardScaler(), SGDClassifier(loss="".join(["log", "_loss"]))),
    ):
        assert estimator_hash(make()) == estimator_hash(clone(make())) is not None
    assert estimator_hash(SGDClassifier(alpha=0.1)) != estimator_hash(SGDClassifier(alpha=0.2))


def selector(function, folder):
    proxy = make_pipeline(FunctionTransformer(function), SGDClassifier(loss="log_loss", alpha=1))
    return DataMapSelector(proxy, memory=folder, random_state=0)


def test_a_cached_map_does_not_outlive_the_code_of_a_cell(tmp_path, run_cell):
    maps = [
        selector(run_cell(FUNCTION.format(factor)), tmp_path).fit(X, y).data_map_
        for factor in (1, 5, 1)
    ]
    assert not np.array_equal(maps[0].confidence, maps[1].confidence)
    assert np.array_equal(maps[0].confidence, maps[2].confidence)


def test_a_lambda_is_cached_by_its_code(tmp_path):
    one = selector(lambda X: X, tmp_path).fit(X, y).data_map_
    other = selector(lambda X: 5 * X, tmp_path).fit(X, y).data_map_
    assert not np.array_equal(one.confidence, other.confidence)


@pytest.mark.filterwarnings("ignore::sklearn_carto.exceptions.DegenerateMapWarning")
def test_code_that_cannot_be_read_is_not_cached_and_said_once(tmp_path):
    def locked(X, lock=LOCK):
        with lock:
            return X

    with pytest.warns(NotCachedWarning, match="code or the parameters of Pipeline") as caught:
        selector(locked, tmp_path).set_params(noise_cut="auto", cv=2).fit(X, y)
    assert [one.category for one in caught].count(NotCachedWarning) == 1
    assert not any(tmp_path.rglob("*.pkl"))


HASHES = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn_carto._inputs._code import code_hash, estimator_hash
from sklearn_carto._inputs._fingerprint import fingerprint
words = {"one", "two", "three", "four"}
class Stemmer:
    known = words
    def __call__(self, text):
        return [word for word in text if word in {"a", "b", "c", "d"} and word in words]
models = [
    TfidfVectorizer(tokenizer=Stemmer()), TfidfVectorizer(stop_words=frozenset(words)),
    TfidfVectorizer(tokenizer=lambda text: text in {"a", "b", "c", "d"}),
]
print([estimator_hash(one) for one in models], code_hash(Stemmer), fingerprint(words, Stemmer))
"""


def test_hashes_do_not_depend_on_the_process():
    seen = {
        subprocess.run(
            [sys.executable, "-c", HASHES], env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in "123"
    }  # fmt: skip
    assert len(seen) == 1
    assert "None" not in seen.pop()
