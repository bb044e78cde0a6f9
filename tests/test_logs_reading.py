"""Files of the reference implementation are read as they are, and what is wrong is named."""

import gzip
import json
import shutil

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax

from sklearn_carto import DataMap, TrainingDynamics
from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto.exceptions import LogRowsWarning, SampleAlignmentError
from sklearn_carto.logs import read_dynamics

HUGE = 4734364254410  # a guid of the reference: more than 32 bits
LOGITS = {  # by epoch and guid; the order of rows differs
    0: {HUGE: [2.0, 0.0], 7: [0.0, 1.0], 5: [0.0, 0.0]},
    1: {5: [1.0, 3.0], HUGE: [0.5, 0.5], 7: [2.0, 1.0]},
}
GOLD = {HUGE: 0, 7: 1, 5: 1}


def line(epoch, guid, logits=None, gold=None, **more):
    logits = LOGITS[epoch % 2][guid] if logits is None else logits
    gold = GOLD[guid] if gold is None else gold
    return json.dumps({"guid": guid, f"logits_epoch_{epoch}": logits, "gold": gold, **more})


def write(folder, epoch, lines=None):
    lines = [line(epoch, guid) for guid in LOGITS[epoch % 2]] if lines is None else lines
    path = folder / f"dynamics_epoch_{epoch}.jsonl"
    path.write_text("".join(f"{one}\n" for one in lines))
    return path


def test_dynamics_are_matched_by_guid_and_other_files_are_left_out(tmp_path):
    for epoch in (0, 1):
        write(tmp_path, epoch)
    (tmp_path / ".DS_Store").write_bytes(b"\0\1")
    (tmp_path / "dynamics_epoch_1.jsonl.bak").write_text("{")
    dynamics = read_dynamics(tmp_path)
    assert dynamics.sample_ids.tolist() == [HUGE, 7, 5]
    assert dynamics.labels.tolist() == [0, 1, 1]
    gold = [[softmax(LOGITS[e][guid])[GOLD[guid]] for e in (0, 1)] for guid in (HUGE, 7, 5)]
    assert_allclose(dynamics.true_proba, gold, rtol=1e-6)
    assert dynamics.correct.tolist() == [[True, True], [True, False], [False, True]]
    assert DataMap.from_dynamics(dynamics).forgetting.tolist() == [0, 1, 0]
    assert (dynamics.record, dynamics.margin_from) == ("training", "logits")


def test_files_and_the_folder_above_are_read_like_the_folder(tmp_path):
    folder = tmp_path / "training_dynamics"
    folder.mkdir()
    files = [write(folder, epoch) for epoch in (0, 1)]
    (tmp_path / "td_metrics.jsonl").write_text("")  # the reference writes it there
    expected = read_dynamics(folder).true_proba
    assert_array_equal(read_dynamics(files[::-1]).true_proba, expected)
    assert_array_equal(read_dynamics(f"{folder}/dynamics_*.jsonl").true_proba, expected)
    assert_array_equal(read_dynamics(str(tmp_path)).true_proba, expected)


def test_extra_keys_blank_lines_and_gzip_are_tolerated(tmp_path):
    write(tmp_path, 0, [line(0, guid, device="cuda:0") for guid in LOGITS[0]] + ["", "  "])
    with gzip.open(tmp_path / "dynamics_epoch_1.jsonl.gz", "wt") as file:
        file.write("\n".join(line(1, guid) for guid in LOGITS[1]))
    assert read_dynamics(tmp_path).n_epochs == 2


def test_an_epoch_that_is_missing_in_the_middle_is_reported(tmp_path):
    for epoch in (0, 1, 3):
        write(tmp_path, epoch)
    with pytest.warns(LogRowsWarning, match=r"lacks the epochs \[2\]"):
        dynamics = read_dynamics(tmp_path)
    assert dynamics.n_epochs == 4
    assert dynamics.n_seen.tolist() == [3, 3, 3]


def test_missing_rows_have_the_statistics_of_their_other_epochs(tmp_path):
    write(tmp_path, 0)
    write(tmp_path, 1, [line(1, 7), line(1, HUGE)])
    with pytest.warns(
        LogRowsWarning, match=r"lacks 1 of 3 rows at 1 places in all, among them \[5"
    ):
        dynamics = read_dynamics(tmp_path)
    assert dynamics.n_seen.tolist() == [2, 2, 1]
    assert DataMap.from_dynamics(dynamics).confidence[2] == 0.5


def test_of_a_doubled_row_the_first_counts(tmp_path):
    write(tmp_path, 0, [*(line(0, guid) for guid in LOGITS[0]), line(0, 7, [9.0, 0.0])])
    with pytest.warns(LogRowsWarning, match=r"holds 1 rows several times .* \[7\]; the first"):
        dynamics = read_dynamics(tmp_path)
    assert_allclose(dynamics.true_proba[1], softmax([0.0, 1.0])[1], rtol=1e-6)


def test_rows_follow_the_data_set_and_foreign_ones_are_reported(tmp_path):
    write(tmp_path, 0)
    with pytest.warns(
        LogRowsWarning, match=r"1 rows that are none .*\[4734.*lacks 1 of 3"
    ) as found:
        dynamics = read_dynamics(tmp_path, sample_ids=[5, 6, 7])
    assert len(found) == 1
    assert dynamics.sample_ids.tolist() == [5, 6, 7]
    assert dynamics.n_seen.tolist() == [1, 0, 1]
    with pytest.raises(SampleAlignmentError, match=r"no row of sample_ids; its rows are \[5, 7"):
        read_dynamics(tmp_path, sample_ids=["5", "6", "7"])


def test_ids_that_collide_are_an_error(tmp_path):
    write(tmp_path, 0, [line(0, 5), line(0, 5, gold=0)])
    with pytest.raises(SampleAlignmentError, match=r"1 ids with several labels, .*\[5\]"):
        read_dynamics(tmp_path)


def test_guids_may_be_text_or_of_both_types(tmp_path):
    write(tmp_path, 0, [line(0, "1", [1.0, 0.0], 0), line(0, 1, [0.0, 1.0], 1)])
    dynamics = read_dynamics(tmp_path)
    assert dynamics.sample_ids.tolist() == ["1", 1]
    assert dynamics.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("guids", "known", "found"),
    [
        ([1, "x"], [1], [1]),  # among text
        (["a", "b"], ["b", 5], ["b"]),  # sample_ids of two types
        ([2**70, 2**53 + 1, 2**53], np.array([2**53, 2**53 + 1]), [2**53, 2**53 + 1]),
        ([2**53 + 1, 5], np.array([2.0**53, 5.0]), [5]),  # not rounded
        ([7, 5], np.array([2**64 - 1, 5], dtype=np.uint64), [5]),
        (["5", "7"], [2**70, 5], []),  # text is no number
        (['"a"', "b"], ["a", 1], []),
        ([0, 1], [True, False], []),  # and a boolean is none
        (["2020-01-01", "b"], np.array(["2020-01-01"], dtype="datetime64[D]"), ["2020-01-01"]),
    ],
    ids=str,
)
def test_guids_are_compared_by_value_whatever_the_other_ones_are(guids, known, found, tmp_path):
    write(tmp_path, 0, [line(0, guid, [i, 0.0], 0) for i, guid in enumerate(guids)])
    metrics = tmp_path / "td_metrics.jsonl"
    write_metrics(metrics, [METRICS[0] | {"guid": guid, "confidence": i / 10}
                            for i, guid in enumerate(guids)])  # fmt: skip
    files = [tmp_path / "dynamics_epoch_0.jsonl", metrics]
    if not found:
        for file in files:
            with pytest.raises(SampleAlignmentError, match="holds no row of sample_ids"):
                read_dynamics(file, sample_ids=known, n_epochs=6)
        return
    with pytest.warns(LogRowsWarning):
        dynamics = read_dynamics(files[0], sample_ids=known)
    with pytest.warns(LogRowsWarning):
        data_map = read_dynamics(metrics, sample_ids=known, n_epochs=6)
    for i, one in enumerate(np.asarray(known, dtype=object).tolist()):
        place = [j for j, guid in enumerate(guids) if str(one) == str(guid) and guid in found]
        place = place or [j for j, guid in enumerate(guids) if one == guid and guid in found]
        expected = softmax([place[0], 0.0])[0] if place else np.nan
        assert_allclose(dynamics.true_proba[i, 0], expected, rtol=1e-6)
        assert_allclose(data_map.confidence[i], place[0] / 10 if place else np.nan)


def test_planned_epochs_set_the_window_of_the_dual_score(tmp_path):
    for epoch in range(8):
        write(tmp_path, epoch)
    found = {n: DataMap.from_dynamics(read_dynamics(tmp_path, n_epochs=n)).dual for n in (8, 4)}
    assert not np.allclose(found[8], found[4])  # windows of 4 epochs, and of 2
    assert_array_equal(found[8], DataMap.from_dynamics(read_dynamics(tmp_path)).dual)


def test_logits_whose_margin_is_no_single_number_are_an_error(tmp_path):
    write(tmp_path, 0, [line(0, 7, [3e38, -3e38])])
    with pytest.raises(ValueError, match="line 1: logits_epoch_0 must hold .* finite numbers"):
        read_dynamics(tmp_path)


def test_classes_name_the_columns_of_logits(tmp_path):
    write(tmp_path, 0)
    dynamics = read_dynamics(tmp_path, classes=["no", "yes"])
    assert dynamics.labels.tolist() == ["no", "yes", "yes"]
    with pytest.raises(InvalidParameterError, match="must name the 2 columns"):
        read_dynamics(tmp_path, classes=["a", "b", "c"])


WRONG = {  # the second line of a file, and what the error says of it
    "torn": ('{"guid": 7, "logits_epo', "is no JSON"),
    "array": ("[1, 2]", "must hold an object"),
    "bytes": (b'{"guid": "\xff"}', "is no JSON"),
    "no guid": (line(0, None, [1.0, 0.0], 0), "guid must be"),
    "flag": (line(0, True, [1.0, 0.0], 0), "guid must be"),
    "half": (line(0, 1.5, [1.0, 0.0], 0), "guid must be"),
    "no logits": ('{"guid": 7, "gold": 0}', "logits_epoch_0 is missing"),
    "other epoch": (line(1, 7), r"logits_epoch_0 is missing; got \['logits_epoch_1'\]"),
    "nan": (line(0, 7, [float("nan"), 0.0]), "must hold 2 finite numbers"),
    "infinite": (line(0, 7, [float("inf"), 0.0]), "must hold 2 finite numbers"),
    "huge": (line(0, 7, [10**400, 0.0]), "must hold 2 finite numbers"),
    "text": (line(0, 7, ["a", 0.0]), "must hold 2 finite numbers"),
    "wide": (line(0, 7, [0.0, 0.0, 0.0]), "must hold 2 finite numbers"),
    "gold": (line(0, 7, gold=2), "gold must be the number of a class, 0 to 1; got 2"),
    "negative": (line(0, 7, gold=-1), "gold must be"),
    "name": (line(0, 7, gold="a"), "gold must be"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_line_that_cannot_be_read_is_named(kind, tmp_path):
    wrong, message = WRONG[kind]
    wrong = wrong if isinstance(wrong, bytes) else wrong.encode()
    path = tmp_path / "dynamics_epoch_0.jsonl"
    path.write_bytes(line(0, HUGE).encode() + b"\n" + wrong)
    with pytest.raises(ValueError, match=rf"dynamics_epoch_0.jsonl, line 2.*{message}"):
        read_dynamics(tmp_path)


def test_a_torn_last_line_says_that_the_file_was_not_written_to_its_end(tmp_path):
    path = write(tmp_path, 0)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match="line 3 is no JSON .*not written to its end"):
        read_dynamics(tmp_path)
    with gzip.open(tmp_path / "dynamics_epoch_1.jsonl.gz", "wt") as file:
        file.write("\n".join(line(1, guid) for guid in LOGITS[1]))
    whole = (tmp_path / "dynamics_epoch_1.jsonl.gz").read_bytes()
    (tmp_path / "dynamics_epoch_1.jsonl.gz").write_bytes(whole[:-12])
    with pytest.raises(ValueError, match="line 3 cannot be read"):
        read_dynamics(tmp_path / "dynamics_epoch_1.jsonl.gz")


def test_files_that_do_not_belong_together_are_errors(tmp_path):
    write(tmp_path, 0)
    (tmp_path / "dynamics_epoch_1.jsonl").write_text(line(1, 7, [0.0, 0.0, 1.0], 1))
    with pytest.raises(ValueError, match="logits of as many classes. Got 2 in .* and 3 in"):
        read_dynamics(tmp_path)
    (tmp_path / "dynamics_epoch_1.jsonl").write_text("")
    with pytest.raises(ValueError, match=r"dynamics_epoch_1\.jsonl holds no row"):
        read_dynamics(tmp_path)
    shutil.copy(tmp_path / "dynamics_epoch_0.jsonl", tmp_path / "dynamics_epoch_00.jsonl")
    with pytest.raises(ValueError, match="are of the same epoch"):
        read_dynamics(tmp_path)
    (tmp_path / "td_metrics.jsonl").write_text("")
    with pytest.raises(InvalidParameterError, match="files of one kind"):
        read_dynamics([tmp_path / "dynamics_epoch_0.jsonl", tmp_path / "td_metrics.jsonl"])


METRICS = [  # of six epochs: forgetfulness 1000 stands for never learned
    {"guid": 9, "index": 0, "threshold_closeness": 0.09, "confidence": 0.9, "variability": 0.1,
     "correctness": 6, "forgetfulness": 0},
    {"guid": 3, "index": 1, "threshold_closeness": 0.24, "confidence": 0.4, "variability": 0.3,
     "correctness": 2, "forgetfulness": 2},
    {"guid": 4, "index": 2, "threshold_closeness": 0.09, "confidence": 0.1, "variability": 0.0,
     "correctness": 0, "forgetfulness": 1000},
]  # fmt: skip


def write_metrics(path, records=METRICS):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_metrics_are_a_data_map(tmp_path):
    data_map = read_dynamics(write_metrics(tmp_path / "td_metrics.jsonl"), n_epochs=6)
    assert data_map.sample_ids.tolist() == [9, 3, 4]
    assert data_map.confidence.tolist() == [0.9, 0.4, 0.1]
    assert_allclose(data_map.correctness, [1, 1 / 3, 0])
    assert data_map.forgetting.tolist() == [0, 2, np.inf]
    assert data_map.n_epochs == 6
    assert data_map.labels is None


def test_the_number_of_epochs_is_given_or_in_the_name(tmp_path):
    with pytest.raises(InvalidParameterError, match="'n_epochs' parameter of read_dynamics"):
        read_dynamics(write_metrics(tmp_path / "td_metrics.jsonl"))
    with pytest.raises(ValueError, match="line 1: correctness must be a number of the 5 epochs"):
        read_dynamics(tmp_path / "td_metrics.jsonl", n_epochs=5)
    path = write_metrics(tmp_path / "mnli_roberta_0_8_data_map_coordinates.jsonl")
    assert read_dynamics(path).n_epochs == 8


def test_metrics_follow_the_data_set(tmp_path):
    path = write_metrics(tmp_path / "td_metrics.jsonl", [*METRICS, METRICS[0] | {"confidence": 0}])
    with pytest.warns(LogRowsWarning, match="several times.*none of the data set.*lacks 1 of 3"):
        data_map = read_dynamics(path, n_epochs=6, sample_ids=[4, 8, 9])
    assert_array_equal(data_map.confidence, [0.1, np.nan, 0.9])
    assert data_map.sample_ids.tolist() == [4, 8, 9]


@pytest.mark.parametrize(
    "change",
    [{"confidence": 1.5}, {"confidence": None}, {"variability": "a"}, {"variability": 0.7},
     {"correctness": 2.5}, {"correctness": -1}, {"guid": None}, {"forgetfulness": "x"},
     {"forgetfulness": -1}, {"forgetfulness": 0.5}, {"forgetfulness": 1000},
     {"forgetfulness": None}],
    ids=str,
)  # fmt: skip
def test_metrics_out_of_range_are_errors_that_name_the_file(change, tmp_path):
    path = write_metrics(tmp_path / "td_metrics.jsonl", [METRICS[0], METRICS[1] | change])
    with pytest.raises(ValueError, match=r"td_metrics\.jsonl"):
        read_dynamics(path, n_epochs=6)


def test_a_row_that_was_never_learned_is_known_by_its_correctness(tmp_path):
    records = [METRICS[2] | {"forgetfulness": 0, "guid": 1}, *METRICS]
    data_map = read_dynamics(write_metrics(tmp_path / "td_metrics.jsonl", records), n_epochs=6)
    assert data_map.forgetting.tolist() == [np.inf, 0, 2, np.inf]


def test_forgetfulness_that_some_lines_lack_is_an_error_that_names_one(tmp_path):
    lacking = {name: value for name, value in METRICS[0].items() if name != "forgetfulness"}
    path = write_metrics(tmp_path / "td_metrics.jsonl", [METRICS[1], lacking])
    with pytest.raises(ValueError, match="line 2: forgetfulness must be a number"):
        read_dynamics(path, n_epochs=6)
    write_metrics(path, [lacking, METRICS[1]])
    with pytest.raises(ValueError, match="line 2: .* missing in the lines before"):
        read_dynamics(path, n_epochs=6)
    path = write_metrics(tmp_path / "td_metrics.jsonl", [lacking])
    assert read_dynamics(path, n_epochs=6).forgetting is None
    with pytest.raises(InvalidParameterError, match="'classes' parameter .* holds no labels"):
        read_dynamics(path, n_epochs=6, classes=["a", "b"])


@pytest.mark.parametrize("path", [3, None, [], [3], {"a": 1}, "", object()], ids=["number", "none",
                         "empty", "numbers", "dict", "blank", "object"])  # fmt: skip
def test_what_is_no_path_is_an_error(path):
    with pytest.raises(InvalidParameterError, match="log of read_dynamics must be a path"):
        read_dynamics(path)


def test_files_that_do_not_exist_and_folders_without_a_log_are_errors(tmp_path):
    for name in ("dynamics_epoch_0.jsonl", "td_metrics.jsonl", "a.parquet", "folder"):
        with pytest.raises(FileNotFoundError, match=name):
            read_dynamics(tmp_path / name, n_epochs=3)
    with pytest.raises(FileNotFoundError, match="holds no log"):
        read_dynamics(tmp_path)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"sample_ids": 3}, "'sample_ids' parameter of read_dynamics"),
        ({"sample_ids": [5, 5]}, "'sample_ids' parameter of read_dynamics"),
        ({"sample_ids": [5, None]}, "'sample_ids' parameter of read_dynamics"),
        ({"classes": 3}, "'classes' parameter of read_dynamics"),
        ({"classes": ["a", "a"]}, "must name each class once"),
        ({"n_epochs": 0}, "'n_epochs' parameter of read_dynamics"),
    ],
    ids=str,
)
def test_arguments_are_checked(params, message, tmp_path):
    write(tmp_path, 0)
    with pytest.raises(InvalidParameterError, match=message):
        read_dynamics(tmp_path, **params)


def test_the_samples_of_the_reference_are_read(data_folder):
    with pytest.warns(LogRowsWarning, match="lacks 50 of 50 rows at 200 places"):
        dynamics = read_dynamics(data_folder / "allenai_cartography" / "training_dynamics")
    assert (dynamics.n_samples, dynamics.n_epochs) == (50, 5)  # ten other rows in each file
    name = "winogrande_roberta_0_6_data_map_coordinates.jsonl.gz"
    data_map = read_dynamics(data_folder / "allenai_cartography" / name)
    assert (len(data_map), data_map.n_epochs) == (40398, 6)
    counts = np.bincount((data_map.correctness * 6).round().astype(int))
    assert counts.tolist() == [27, 84, 266, 698, 2208, 12215, 24900]


# Parquet files


@pytest.fixture
def log(tmp_path):
    """Write the log of three rows at two epochs; return its folder."""
    pytest.importorskip("pyarrow")
    from sklearn_carto.logs import write_dynamics

    dynamics = TrainingDynamics([0, 1, 1], sample_ids=["a", "b", "c"])
    for epoch in range(2):
        dynamics.update(epoch, np.array([[0.5, 0.5], [0.1, 0.9], [0.7, 0.3]]))
    write_dynamics(dynamics, tmp_path)
    return tmp_path


def test_a_damaged_parquet_file_is_named(log):
    path = sorted(log.glob("*.parquet"))[1]
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"PAR1", whole[:-4] + b"XXXX"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"{path.name} does not hold a log"):
            read_dynamics(log)


def test_rows_of_a_log_follow_the_data_set(log):
    with pytest.warns(LogRowsWarning, match=r"1 rows that are none.*\['b'\].*lacks 1 of 3"):
        dynamics = read_dynamics(log, sample_ids=["c", "x", "a"])
    assert dynamics.sample_ids.tolist() == ["c", "x", "a"]
    assert_allclose(dynamics.true_proba[:, 0], [0.3, np.nan, 0.5])
    with pytest.raises(SampleAlignmentError, match="holds no row of sample_ids"):
        read_dynamics(log, sample_ids=[1, 2, 3])


def test_a_log_without_its_run_is_read_in_the_order_of_ids(log):
    files = sorted(log.glob("*.parquet"))
    dynamics = read_dynamics(files)
    assert dynamics.sample_ids.tolist() == ["a", "b", "c"]
    assert dynamics.labels.tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match="must be among the classes"):
        read_dynamics(files, classes=[0, 2])


def test_values_that_are_none_are_errors_that_name_the_file(log):
    import pyarrow as pa
    from pyarrow import parquet

    path = sorted(log.glob("*.parquet"))[0]
    table = parquet.read_table(path)
    wrong = {
        "true_proba": [[0.5, 1.5, 0.1], [0.5, np.nan, 0.1], [0.5, None, 0.1], ["a", "b", "c"]],
        "epoch": [[0, -1, 0], [0.5, 0.5, 0.5]],
        "correct": [[0, 2, 1], [None, True, False]],
        "margin": [[np.inf, 0.0, 0.0]],
        "sample_id": [["a", None, "c"]],
    }
    for name, columns in wrong.items():
        for column in columns:
            place = table.column_names.index(name)
            parquet.write_table(table.set_column(place, name, pa.array(column)), path)
            with pytest.raises(ValueError, match=path.name):
                read_dynamics([path])
