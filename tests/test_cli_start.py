"""The command line as a process: help, Ctrl-C, a closed pipe, a full disk."""

import os
import re
import signal
import subprocess
import sys

import pytest

from sklearn_carto._cli._parser import build_parser
from tables import people, python, run, write_csv

COMMANDS = ["map", "issues", "select", "compare", "from-logs", "explore", "apply"]


def test_the_commands_are_these():
    (action,) = (one for one in build_parser()._actions if one.dest == "command")
    assert list(action.choices) == COMMANDS


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_imports_neither_numpy_nor_scikit_learn(command):
    arguments = ["--help"] if command is None else [command, "--help"]
    code = (
        f"import sys; sys.argv[1:] = {arguments!r}; from sklearn_carto._cli._main import main\n"
        "try: main()\nexcept SystemExit as end: print(end.code, *sys.modules)"
    )
    done = subprocess.run(python(code=code), capture_output=True, text=True, check=True)
    *text, modules = done.stdout.splitlines()
    code, *loaded = modules.split()
    assert code == "0"
    assert "argparse" in loaded
    assert not {"numpy", "sklearn", "scipy", "csv", "json"} & set(loaded)
    assert any(line.startswith("example: sklearn-carto ") for line in text)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_of_a_command_can_be_parsed(command):
    (action,) = (one for one in build_parser()._actions if one.dest == "command")
    example = action.choices[command].epilog.removeprefix("example: ")
    program, *arguments = example.replace("\n", " ").split()
    assert program == "sklearn-carto"
    assert build_parser().parse_args(arguments).command == command


def test_version(capsys):
    import sklearn_carto

    code, out, _ = run(capsys, "--version")
    assert (code, out) == (0, f"sklearn-carto {sklearn_carto.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["maps"],
        ["map", "x.csv"],
        ["map", "x.csv", "--target", "y", "--out", "o", "--epochs", "0"],
        ["map", "x.csv", "--target", "y", "--out", "o", "--seed", "-1"],
        ["map", "x.csv", "--target", "y", "--out", "o", "--text", "a", "--image", "b"],
        ["map", "x.csv", "--tar", "y", "--out", "o"],
        ["select", "x.csv", "--target", "y", "--out", "o", "--region", "easy", "--frac", "2"],
        ["issues", "x.csv", "--target", "y", "--out", "o", "--cv", "1"],
    ],
    ids=lambda arguments: "-".join(arguments) or "none",
)
def test_wrong_arguments_are_one_line(capsys, arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert re.match(r"sklearn-carto( \S+)?: error: .* \(see sklearn-carto", err)


def test_debug_shows_the_traceback(capsys, tmp_path):
    with pytest.raises(Exception, match="does not exist"):
        run(capsys, "map", tmp_path / "no.csv", "--target", "y", "--out", tmp_path, "--debug")


SLOW = """
import time
from sklearn.linear_model import SGDClassifier

class Slow(SGDClassifier):
    def partial_fit(self, *args, **kwargs):
        time.sleep(0.2)
        print("epoch", flush=True)
        return super().partial_fit(*args, **kwargs)

def make():
    return Slow(loss="log_loss")
"""


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is a signal on POSIX systems")
def test_ctrl_c_ends_with_130_and_keeps_the_complete_epochs(tmp_path):
    from sklearn_carto import DataMap

    table = write_csv(tmp_path / "people.csv", *people())
    (tmp_path / "slow.py").write_text(SLOW)
    command = python("map", table, "--target", "label", "--estimator", "slow:make")
    process = subprocess.Popen(
        [*map(str, command), "--epochs", "200", "--out", "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    for _ in range(3):
        assert process.stdout.readline() == "epoch\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("sklearn-carto: error: interrupted Finished before:")
    assert 1 <= DataMap.load(tmp_path / "out" / "map.npz").n_epochs < 200


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise on Windows")
def test_a_reader_that_has_gone_is_no_error(tmp_path):
    table = write_csv(tmp_path / "people.csv", *people())
    arguments = ["select", table, "--target", "label", "--region", "random", "--out", "out.csv"]
    process = subprocess.Popen(
        [*map(str, python(*arguments))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    process.stdout.close()
    with process.stderr as stream:
        err = stream.read()
    assert process.wait(60) == 141
    assert "rror" not in err
    assert (tmp_path / "out.csv").exists()


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from sklearn_carto._cli._main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
def test_what_is_finished_stays_when_the_disk_is_full(tmp_path):
    """Files of more than 20 kB cannot be written: the statistics, but not the map."""
    table = write_csv(tmp_path / "people.csv", *people(150))
    arguments = ["map", table, "--target", "label", "--epochs", "3", "--out", "out"]
    done = subprocess.run(
        [*map(str, python(*arguments, code=FULL))], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("sklearn-carto: error: File too large")
    assert "Finished before: out/map.npz" in line
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ["map.npz"]  # no part of the other one


def test_the_module_and_the_script_are_one_program(tmp_path):
    done = subprocess.run(python("--version"), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("sklearn-carto ")


def test_help_takes_half_a_second_of_work():
    """Not of the clock, which depends on what else the machine does."""
    before = os.times()
    subprocess.run(python("map", "--help"), capture_output=True, check=True)
    after = os.times()
    spent = after.children_user + after.children_system
    assert spent - before.children_user - before.children_system < 0.5
