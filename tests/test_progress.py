"""Progress: a bar where tqdm is installed, lines where it is not."""

import sys

import pytest

from sklearn_carto._utils import _progress
from sklearn_carto._utils._progress import progress


def test_nothing_is_shown_unless_requested(capsys):
    assert list(progress(range(3), description="epochs", verbose=0)) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_plain_lines_without_tqdm(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "is_installed", lambda name: False)
    assert list(progress(iter("ab"), description="epochs", verbose=1, total=2)) == ["a", "b"]
    assert capsys.readouterr().err == "epochs: 1/2\nepochs: 2/2\n"


def test_a_bar_with_tqdm(capsys):
    pytest.importorskip("tqdm")
    assert list(progress(range(3), description="epochs", verbose=1)) == [0, 1, 2]
    assert "epochs: 100%" in capsys.readouterr().err


def test_tqdm_is_loaded_only_when_requested(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "tqdm"]:
        monkeypatch.delitem(sys.modules, name)
    list(progress(range(3), description="epochs", verbose=0))
    assert "tqdm" not in sys.modules
