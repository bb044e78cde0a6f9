"""Data maps in the local stores of MLflow, Weights & Biases and TensorBoard."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_carto import DataMap, TrainingDynamics
from sklearn_carto.integrations import mlflow as with_mlflow
from sklearn_carto.integrations import tensorboard as with_tensorboard
from sklearn_carto.integrations import wandb as with_wandb

PNG = b"\x89PNG"
MAP = DataMap(
    confidence=[0.9, 0.5, 0.1, np.nan],
    variability=[0.1, 0.4, 0.1, np.nan],
    correctness=[1, 0.5, 0, np.nan],
    forgetting=[0, 1, np.inf, np.nan],
    n_epochs=6,
    labels=["a", "<b>|", "a", "c\nd"],
    sample_ids=np.array(["2026-01-02", "2026-01-01", "2026-01-03", "2026-01-04"], dtype="M8[D]"),
)
# of the three rows that were seen
SUMMARY = {"confidence": 0.5, "variability": 0.2, "correctness": 0.5, "share_ambiguous": 1 / 3}
SUMMARY |= {"share_easy-to-learn": 1 / 3, "share_hard-to-learn": 1 / 3}


def make_dynamics():
    dynamics = TrainingDynamics([0, 1, 1])
    dynamics.update(0, [[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])  # of the labels .5, .1 and .8
    dynamics.update(1, [[1.0, 0.0]], [0])  # the others are not seen
    return dynamics


class InMlflow:
    log_data_map, log_dynamics = with_mlflow.log_data_map, with_mlflow.log_dynamics
    package = "mlflow"

    def __init__(self, folder):
        self.mlflow = pytest.importorskip("mlflow")
        pytest.importorskip("pandas")
        self.mlflow.set_tracking_uri(str(folder / "runs"))
        self.options = {}

    def __enter__(self):
        self.run = self.mlflow.start_run()
        return self

    def __exit__(self, *_):
        self.mlflow.end_run()

    def figure(self, name):
        return self._artifact(f"{name}.png").read_bytes()

    def table(self, name):
        held = json.loads(self._artifact(f"{name}.json").read_text())
        return held["columns"], held["data"]

    def scalars(self):
        client, run_id = self.mlflow.MlflowClient(), self.run.info.run_id
        found = client.get_run(run_id).data.metrics
        histories = {name: client.get_metric_history(run_id, name) for name in found}
        return {name: {m.step: m.value for m in one} for name, one in histories.items()}

    def _artifact(self, name):
        place = f"runs:/{self.run.info.run_id}/{name}"
        return Path(self.mlflow.artifacts.download_artifacts(place))


class InWandb:
    log_data_map, log_dynamics = with_wandb.log_data_map, with_wandb.log_dynamics
    package = "wandb"

    def __init__(self, folder):
        self.wandb = pytest.importorskip("wandb")
        self.folder, self.options, self.logged = folder, {}, []

    def __enter__(self):
        self.run = self.wandb.init(mode="offline", dir=str(self.folder))
        log = self.run.log

        def keep(values, **options):
            self.logged.append(values)
            log(values, **options)

        self.run.log = keep
        return self

    def __exit__(self, *_):
        self.run.finish()

    def figure(self, name):
        (path,) = self.folder.glob(f"**/media/images/{name}/figure_*.png")
        return path.read_bytes()

    def table(self, name):
        (path,) = self.folder.glob(f"**/media/table/{name}/table_*.json")
        held = json.loads(path.read_text())
        return held["columns"], held["data"]

    def scalars(self):
        found = {}
        for values in self.logged:
            epoch = next((values[name] for name in values if name.endswith("/epoch")), 0)
            for name, value in values.items():
                if isinstance(value, float):
                    found.setdefault(name, {})[epoch] = value
        for name, steps in found.items():  # and they are in the run
            assert self.run.summary[name] == steps[max(steps)]
        return found


class InTensorboard:
    log_data_map, log_dynamics = with_tensorboard.log_data_map, with_tensorboard.log_dynamics
    package = "tensorboard"

    def __init__(self, folder):
        pytest.importorskip("tensorboard")
        pytest.importorskip("torch")
        self.folder, self.options = folder, {"writer": folder}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def events(self):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        return EventAccumulator(str(self.folder)).Reload()

    def figure(self, name):
        return self.events().Images(f"{name}/figure")[0].encoded_image_string

    def table(self, name):
        (event,) = self.events().Tensors(f"{name}/table/text_summary")
        lines = event.tensor_proto.string_val[0].decode().splitlines()
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return cells[0], [[self._read(cell) for cell in row] for row in cells[2:]]

    def scalars(self):
        events = self.events()
        names = events.Tags()["scalars"]
        return {name: {e.step: e.value for e in events.Scalars(name)} for name in names}

    def _read(self, cell):
        for code, sign in (("&#60;", "<"), ("&#62;", ">"), ("&#124;", "|")):
            cell = cell.replace(code, sign)
        try:
            return json.loads(cell) if cell else None
        except ValueError:
            return cell


@pytest.fixture(params=[InMlflow, InWandb, InTensorboard], ids=lambda kind: kind.package)
def tracker(request, tmp_path):
    pytest.importorskip("matplotlib")
    tracker = request.param(tmp_path)
    tracker.log = lambda *given, **more: request.param.log_data_map(
        *given, **tracker.options, **more
    )
    tracker.log_epochs = lambda *given: request.param.log_dynamics(*given, **tracker.options)
    with tracker:
        yield tracker


def test_the_figure_the_table_and_the_summary_are_in_the_store(tracker):
    tracker.log(MAP, "maps/first")
    assert tracker.figure("maps/first")[:4] == PNG
    columns, rows = tracker.table("maps/first")
    table = [dict(zip(columns, row, strict=True)) for row in rows]
    # lowest confidence first, a row that was never seen last
    assert [one["row"] for one in table] == [2, 1, 0, 3]
    assert [one["confidence"] for one in table] == [0.1, 0.5, 0.9, None]
    assert [one["forgetting"] for one in table] == [None, 1.0, 0.0, None]
    assert [one["label"].replace(" ", "\n") for one in table] == ["a", "<b>|", "a", "c\nd"]
    assert [one["sample_id"] for one in table][0] == "2026-01-03"
    assert [one["region"] for one in table] == [
        "hard-to-learn", "ambiguous", "easy-to-learn", "unseen"
    ]  # fmt: skip
    found = {name.removeprefix("maps/first/"): one for name, one in tracker.scalars().items()}
    assert {name: one[0] for name, one in found.items()} == pytest.approx(SUMMARY)


def test_the_table_holds_the_rows_of_lowest_confidence(tracker):
    tracker.log(MAP, max_rows=2, region_names=False)
    columns, rows = tracker.table("data_map")
    assert [row[columns.index("row")] for row in rows] == [2, 1]


def test_each_epoch_has_the_means_of_the_rows_that_were_seen(tracker):
    tracker.log_epochs(make_dynamics())
    found = tracker.scalars()
    assert found["dynamics/true_proba"] == pytest.approx({0: (0.5 + 0.1 + 0.8) / 3, 1: 1.0})
    assert found["dynamics/accuracy"][1] == 1.0
    assert found["dynamics/accuracy"][0] == pytest.approx(2 / 3)


MODULES = {"mlflow": with_mlflow, "wandb": with_wandb, "tensorboard": with_tensorboard}
WRITER = {"mlflow": {}, "wandb": {}, "tensorboard": {"writer": "folder"}}


@pytest.mark.parametrize("package", MODULES)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data_map": [0.5]}, "'data_map'"),
        ({"name": ""}, "'name'"),
        ({"name": "../up"}, "'name'"),
        ({"name": "/root"}, "'name'"),
        ({"name": 3}, "'name'"),
        ({"step": -1}, "'step'"),
        ({"step": True}, "'step'"),
        ({"max_rows": 0}, "'max_rows'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_arguments_are_named(package, given, message):
    with pytest.raises(ValueError, match=message):
        MODULES[package].log_data_map(**{"data_map": MAP, **WRITER[package], **given})


@pytest.mark.parametrize("package", MODULES)
def test_dynamics_are_no_map_and_need_their_history(package):
    with pytest.raises(ValueError, match="'dynamics'"):
        MODULES[package].log_dynamics(MAP, **WRITER[package])
    dynamics = TrainingDynamics([0, 1], keep_history=False)
    dynamics.update(0, np.full((2, 2), 0.5))
    pytest.importorskip(package)
    options = {"run": RUN} if package == "wandb" else WRITER[package]
    with pytest.raises(ValueError, match="history"):
        MODULES[package].log_dynamics(dynamics, **options)


RUN = SimpleNamespace(log=print, define_metric=lambda *_, **__: None)


@pytest.mark.parametrize("package", MODULES)
@pytest.mark.parametrize("function", ["log_data_map", "log_dynamics"])
def test_without_the_package_the_error_names_the_extra(package, function, without):
    pytest.importorskip("matplotlib")
    without(package)
    given = MAP if function == "log_data_map" else make_dynamics()
    with pytest.raises(ImportError, match=rf"sklearn-carto\[{package}\]"):
        getattr(MODULES[package], function)(given, **WRITER[package])


def test_a_run_of_wandb_is_required():
    wandb = pytest.importorskip("wandb")
    assert wandb.run is None
    for function, given in (("log_data_map", MAP), ("log_dynamics", make_dynamics())):
        with pytest.raises(ValueError, match=r"wandb\.init"):
            getattr(with_wandb, function)(given)
        with pytest.raises(ValueError, match="'run' parameter"):
            getattr(with_wandb, function)(given, run="run-1")


def test_a_writer_that_is_given_remains_open(tmp_path):
    pytest.importorskip("tensorboard")
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with pytest.raises(ValueError, match="'writer' parameter"):
        with_tensorboard.log_dynamics(make_dynamics(), writer=3)
    with tensorboard.SummaryWriter(tmp_path) as writer:
        with_tensorboard.log_dynamics(make_dynamics(), writer=writer)
        with_tensorboard.log_dynamics(make_dynamics(), "again", writer=writer)
        assert len(list(tmp_path.iterdir())) == 1


def test_a_map_without_a_row_to_draw_leaves_nothing_in_the_store(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("tensorboard")
    nothing = DataMap(confidence=[np.nan], variability=[np.nan], correctness=[np.nan], n_epochs=1)
    with pytest.raises(ValueError, match="nothing to draw"):
        with_tensorboard.log_data_map(nothing, writer=tmp_path)
    assert not list(tmp_path.iterdir())
