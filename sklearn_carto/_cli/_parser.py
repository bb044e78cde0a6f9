"""The arguments of all commands; nothing but argparse is imported to read them."""

from __future__ import annotations

import argparse

from sklearn_carto._cli._argument_parser import CommandParser, Parser
from sklearn_carto._version import __version__

PROGRAM = "sklearn-carto"


def build_parser():
    """Return the parser of the command line."""
    parser = Parser(
        prog=PROGRAM,
        description="Data maps of tables: which rows teach a model, which confuse it, and which "
        "labels are probably wrong.",
        epilog="example: sklearn-carto map reviews.csv --target label --text review --out map\n"
        "Each command has its own help: sklearn-carto map --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="command", required=True, parser_class=CommandParser
    )
    for add in (_map, _issues, _select, _compare, _from_logs, _explore, _apply):
        add(commands)
    return parser


def _command(commands, name, help_, description, example):
    command = commands.add_parser(
        name,
        help=help_,
        description=description,
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    general = command.add_argument_group("general")
    general.add_argument(
        "--overwrite", action="store_true", help="replace files that exist already"
    )
    general.add_argument("--quiet", action="store_true", help="print nothing but errors")
    general.add_argument(
        "--json", action="store_true", help="print a summary as JSON; all else goes to stderr"
    )
    general.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return command


def _add_table(command, *, optional=False):
    """Add the table, and which of its columns are what."""
    if optional:
        command.add_argument("file", nargs="?", metavar="FILE", help=_FILE)
    else:
        command.add_argument("file", metavar="FILE", help=_FILE)
    table = command.add_argument_group("table")
    table.add_argument(
        "--target", required=not optional, metavar="COL", help="column of the labels"
    )
    table.add_argument(
        "--id",
        metavar="COL",
        help="column of a unique id of each row (default: its number, from 0)",
    )
    table.add_argument("--delimiter", metavar="CHAR", help="of CSV (default: found)")
    table.add_argument("--encoding", help="of CSV and JSON lines (default: UTF-8)")
    return table


_FILE = "table: .csv, .tsv, .jsonl (each also .gz) or .parquet"


def _add_features(table):
    """Add what is learned from."""
    what = table.add_mutually_exclusive_group()
    what.add_argument("--text", metavar="COL", help="learn from the text of this column alone")
    what.add_argument(
        "--image", metavar="COL", help="learn from the images whose paths this column holds"
    )
    table.add_argument(
        "--column", metavar="COL", action="append", help="a column to learn from (default: all)"
    )
    table.add_argument(
        "--ignore", metavar="COL", action="append", help="a column not to learn from"
    )
    table.add_argument(
        "--image-size", type=_positive, default=32, metavar="N",
        help="images are resized to N x N pixels (default: 32)",
    )  # fmt: skip
    table.add_argument(
        "--drop-missing-target", action="store_true", help="leave out rows without a label"
    )


def _add_training(command):
    """Add the estimator and how it is trained."""
    training = command.add_argument_group("training")
    training.add_argument(
        "--estimator", default="auto", metavar="NAME",
        help="sgd, mlp, hgb, lgbm, or module:factory, a function or class that returns a "
        "classifier (default: hgb for columns, sgd for text and --chunks, mlp for images)",
    )  # fmt: skip
    training.add_argument(
        "--epochs", type=_positive, metavar="N",
        help="epochs, or trees of hgb and lgbm (default: 20, or 50 trees)",
    )  # fmt: skip
    training.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="random seed (default: 0)"
    )
    training.add_argument(
        "--n-jobs", type=_jobs, metavar="N",
        help="trainings that run in parallel; -1: one for each core (default: 1)",
    )  # fmt: skip
    return training


def _add_page(command):
    """Add what limits the thumbnails of the interactive page."""
    page = command.add_argument_group("page")
    page.add_argument(
        "--thumbnail-size", type=_thumbnail, default=48, metavar="N",
        help="longest side of a thumbnail of --image, in pixels; the images of --image-size are "
        "not enlarged (default: 48)",
    )  # fmt: skip
    page.add_argument(
        "--thumbnail-mb", type=_megabytes, default=20.0, metavar="N",
        help="limit of all thumbnails of a page, in MB; those of easy rows are left out first "
        "(default: 20)",
    )  # fmt: skip


def _add_out(command, metavar, help_):
    command.add_argument("--out", required=True, metavar=metavar, help=help_)


def _map(commands):
    command = _command(
        commands,
        "map",
        "draw the data map of a table",
        "Train a classifier on a table, record each row after each epoch, and write the data map:\n"
        "its picture (map.png), an interactive page (map.html), the statistics of each row\n"
        "(statistics.csv or .parquet) and the map itself (map.npz).",
        "sklearn-carto map reviews.csv --target label --text review --out map",
    )
    table = _add_table(command)
    _add_features(table)
    training = _add_training(command)
    training.add_argument(
        "--cv", type=_folds, metavar="N", help="record each row out of fold, with N folds"
    )
    training.add_argument(
        "--chunks", action="store_true",
        help="read the table in parts, for files larger than memory; sgd, mlp or module:factory",
    )  # fmt: skip
    training.add_argument(
        "--chunk-rows", type=_positive, default=10_000, metavar="N",
        help="rows of a part (default: 10000)",
    )  # fmt: skip
    _add_page(command)
    _add_out(command, "DIR", "folder for the results")


def _issues(commands):
    command = _command(
        commands,
        "issues",
        "find labels that are probably wrong",
        "Find labels that are probably wrong by cross-validation, and write them worst first\n"
        "(issues.csv), with an interactive page (issues.html) and the out-of-fold map (map.npz).\n"
        "Fill in the column new_label, or relabel in the page and export, and pass the file to\n"
        "sklearn-carto apply.",
        "sklearn-carto issues reviews.csv --target label --text review --out issues",
    )
    table = _add_table(command)
    _add_features(table)
    training = _add_training(command)
    training.add_argument(
        "--cv", type=_folds, default=5, metavar="N", help="number of folds (default: 5)"
    )
    training.add_argument(
        "--n-passes", type=_positive, default=1, metavar="N",
        help="trainings of all folds; from the second on without the suspects (default: 1)",
    )  # fmt: skip
    training.add_argument(
        "--noise-rate", type=_share, metavar="P", help="share of wrong labels, if it is known"
    )
    training.add_argument(
        "--fdr", type=_share, metavar="P",
        help="expected share of right labels among the issues; needs --noise-rate",
    )  # fmt: skip
    _add_page(command)
    _add_out(command, "DIR", "folder for the results")


def _select(commands):
    command = _command(
        commands,
        "select",
        "keep a part of the rows",
        "Keep the rows of a region of the data map, and write them as a table of the same format.",
        "sklearn-carto select reviews.csv --target label --text review --region ambiguous\n"
        "         --frac 0.33 --out reduced.csv",
    )
    table = _add_table(command)
    _add_features(table)
    training = _add_training(command)
    training.add_argument("--map", metavar="NPZ", help="map.npz to use; nothing is trained")
    command.add_argument(
        "--region", required=True,
        help="ambiguous, easy, hard, random, coverage, weighted, dual-beta, median, clean, auto, "
        "prototypes, high-<statistic>, low-<statistic>, or a mixture: ambiguous=0.8,easy=0.2",
    )  # fmt: skip
    command.add_argument(
        "--frac", type=_frac, metavar="P",
        help="share of the rows to keep, or auto (default: 0.33)",
    )  # fmt: skip
    command.add_argument(
        "--noise-cut", type=_cut, default=0.0, metavar="P",
        help="share of each class to leave out first, lowest margin first, or auto (default: 0)",
    )  # fmt: skip
    command.add_argument(
        "--no-stratify", action="store_true", help="do not keep the shares of the classes"
    )
    _add_out(command, "FILE", "table to write, of the same format")


def _compare(commands):
    command = _command(
        commands,
        "compare",
        "measure what a smaller training set costs",
        "Compare by cross-validation models that are trained on regions of the data map with one\n"
        "that is trained on all rows, and with random subsets of the same size.",
        "sklearn-carto compare reviews.csv --target label --text review --ood products.csv\n"
        "         --out compared",
    )
    table = _add_table(command)
    _add_features(table)
    training = _add_training(command)
    command.add_argument(
        "--ood", metavar="FILE", action="append",
        help="a table with the same columns, out of distribution, to score on besides",
    )  # fmt: skip
    command.add_argument(
        "--region", action="append", metavar="REGION",
        help="a region to compare; several: pass it several times (default: easy, ambiguous, hard)",
    )  # fmt: skip
    command.add_argument(
        "--frac", type=_share_or_all, action="append", metavar="P",
        help="a share of the rows (default: 0.33)",
    )  # fmt: skip
    command.add_argument("--scoring", help="a metric of scikit-learn (default: accuracy)")
    training.add_argument(
        "--cv", type=_folds, default=5, metavar="N", help="number of folds (default: 5)"
    )
    training.add_argument(
        "--n-seeds", type=_positive, default=1, metavar="N", help="seeds a fold (default: 1)"
    )
    _add_out(command, "DIR", "folder for the results")


def _from_logs(commands):
    command = _command(
        commands,
        "from-logs",
        "draw the data map of a training that was logged",
        "Draw the data map of a log: a folder that log= of this library wrote, Parquet files, or\n"
        "dynamics_epoch_N.jsonl of the reference implementation.",
        "sklearn-carto from-logs training_dynamics --out map",
    )
    command.add_argument("log", metavar="LOG", help="folder or file of the log, or a pattern")
    command.add_argument(
        "--epochs",
        type=_positive,
        metavar="N",
        help="planned epochs (default: those of the log), or those of a td_metrics.jsonl",
    )
    _add_out(command, "DIR", "folder for the results")


def _explore(commands):
    command = _command(
        commands,
        "explore",
        "write an interactive page of a saved map",
        "Write a saved data map as one HTML file that works without a network, with the rows of\n"
        "the table if it is named.",
        "sklearn-carto explore map/map.npz reviews.csv --text review --out map.html",
    )
    command.add_argument("map", metavar="NPZ", help="saved map, such as map.npz")
    table = _add_table(command, optional=True)
    _add_features(table)
    _add_page(command)
    _add_out(command, "HTML", "page to write")


def _apply(commands):
    command = _command(
        commands,
        "apply",
        "apply corrected labels to a table",
        "Write the table with corrected labels: those that the interactive page exported, or the\n"
        "column new_label of issues.csv.",
        "sklearn-carto apply reviews.csv issues/issues.csv --target label --out clean.csv",
    )
    _add_table(command)
    command.add_argument(
        "corrections", metavar="CORRECTIONS", help="JSON or CSV with the new labels"
    )
    command.add_argument(
        "--new-classes", action="store_true", help="allow labels that the table does not hold"
    )
    _add_out(command, "FILE", "table to write, of the same format")


def _number(text, kind, fits, what):
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return value


def _positive(text):
    return _number(text, int, lambda n: n >= 1, "a whole number of at least 1")


def _folds(text):
    return _number(text, int, lambda n: n >= 2, "a whole number of at least 2")


def _seed(text):
    return _number(text, int, lambda n: 0 <= n < 2**32, "a whole number from 0 to 2**32 - 1")


def _jobs(text):
    return _number(text, int, lambda n: n != 0, "a whole number other than 0")


def _thumbnail(text):
    return _number(text, int, lambda n: 8 <= n <= 256, "a whole number from 8 to 256")


def _megabytes(text):
    return _number(text, float, lambda n: 0 < n <= 2000, "a number above 0, and 2000 at most")


def _share(text):
    return _number(text, float, lambda p: 0 < p < 1, "a share between 0 and 1")


def _share_or_all(text):
    return _number(text, float, lambda p: 0 < p <= 1, "a share above 0, and 1 at most")


def _frac(text):
    return text if text == "auto" else _share_or_all(text)


def _cut(text):
    if text == "auto":
        return text
    return _number(text, float, lambda p: 0 <= p < 1, "a share of at least 0, and below 1")
