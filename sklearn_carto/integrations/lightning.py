"""A callback of Lightning that records training dynamics."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

import numpy as np

from sklearn_carto._utils._compat import InvalidParameterError
from sklearn_carto._utils._packages import is_installed
from sklearn_carto._utils._typing import ArrayLike, PathType
from sklearn_carto._utils._validation import check_params
from sklearn_carto.exceptions import SampleAlignmentError
from sklearn_carto.integrations._callback import check_given_ids
from sklearn_carto.integrations._torch_loop import TorchLoopCallback
from sklearn_carto.integrations._torch_training import Hook

_OLDER_NAME = "pytorch_lightning" in sys.modules and "lightning" not in sys.modules
_NAME = (
    "lightning.pytorch" if is_installed("lightning") and not _OLDER_NAME else "pytorch_lightning"
)
Callback: Any = import_module(_NAME).Callback


class DataMapCallback(TorchLoopCallback, Callback):
    """Record the training dynamics of a LightningModule for classification.

    Probabilities are taken from the training forward pass itself, without an extra pass. The
    sampler of the loader identifies the rows: no column of indices is required. The training is
    not changed.

    Parameters
    ----------
    forward : str, default=None
        Name of the submodule that `training_step` calls for the class scores, as in ``"net.head"``.
        None: the LightningModule itself, ``self(x)``. It must be called once for each batch; if an
        optimizer evaluates a batch several times (LBFGS), the first call is recorded.
    labels : array-like of shape (n_samples,), default=None
        The label of each row of the training set. None: read once from its rows, which are pairs of
        an input and a label, or mappings with `labels`, `label` or `label_ids`.
    classes : array-like of shape (n_classes,), default=None
        The labels in the order of the model's outputs. None: the outputs 0, 1, ... themselves, or,
        for labels that are not whole numbers, those that occur, sorted.
    from_logits : bool, default=True
        Whether the model returns logits. False: probabilities.
    keep_history : bool or "float16", default=True
        Whether to keep every epoch beside the running statistics, see :class:`TrainingDynamics`.
    sample_ids : array-like of shape (n_samples,), default=None
        Names of the rows.
    log : str or path-like, default=None
        Folder to write each epoch to as it ends, see :mod:`sklearn_carto.logs`. It holds the log of
        one training: that of another one raises a LogConflictError. In a
        distributed run each rank writes its share of the rows. This requires pyarrow.
    history_dir : str or path-like, default=None
        A folder for the values of every epoch, which `dynamics_` then reads as memory maps, see
        :class:`TrainingDynamics`. Each training writes to a subfolder of its own, which is not
        removed.

    Attributes
    ----------
    dynamics_ : TrainingDynamics
        The training dynamics of the last training.
    data_map_ : DataMap
        Their data map, made once unless further epochs are recorded.
    confidence, variability, correctness : ndarray of shape (n_samples,)
        Statistics of the map; `correctness` is the share of the epochs at which the label was the
        most probable class, whatever its probability.

    Notes
    -----
    Each ``fit`` starts a new map. Checkpoints hold the state of the recording: after
    ``fit(ckpt_path=...)`` the map is that of the whole run, also if the checkpoint was saved within
    an epoch (in a distributed run that epoch is left out). Lightning then begins the rest of the
    epoch with its first rows, unless the loader has a state of its own. A checkpoint of other rows,
    labels or settings raises a ValueError; one without a recording draws a MissingEpochsWarning,
    and the map covers the later epochs.

    Incomplete epochs (`max_steps`) are left out. The statistics of rows that are missing from an
    epoch (``drop_last``, `limit_train_batches`, a sampler that does not draw them) are computed
    over the other epochs. Of a row that a sampler draws several times in an epoch, the first pass
    counts. In a distributed run each rank holds the map of all rows; strategies that start their
    own processes (ddp_spawn, ddp_notebook) discard it when these end.

    The rows of a batch are those that the sampler has drawn, in their order. The labels of each
    batch are compared with the labels of these rows, so that a collate function that sorts or
    replaces rows is an error; in batches that carry no classes, rows are taken as they come.

    Without `labels`, the data set is read once before the training. If reading draws from a random
    generator of the data set itself, this changes its later draws: pass `labels`.

    Examples
    --------
    >>> import lightning.pytorch as L
    >>> import torch
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> from sklearn_carto.integrations.lightning import DataMapCallback
    >>> class Model(L.LightningModule):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = torch.nn.Linear(4, 2)
    ...     def forward(self, rows):
    ...         return self.layer(rows)
    ...     def training_step(self, batch, i):
    ...         return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])
    ...     def configure_optimizers(self):
    ...         return torch.optim.SGD(self.parameters(), lr=1.0)
    >>> rows = TensorDataset(torch.rand(20, 4), torch.arange(20) % 2)
    >>> callback = DataMapCallback()
    >>> quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    >>> quiet |= {"enable_model_summary": False, "accelerator": "cpu"}
    >>> trainer = L.Trainer(max_epochs=5, callbacks=[callback], **quiet)
    >>> trainer.fit(Model(), DataLoader(rows, batch_size=5, shuffle=True))
    >>> callback.data_map_
    <DataMap: 20 rows of 2 classes, 5 epochs>
    """

    way_out = (
        "Name the submodule that training_step calls once for each batch: "
        "DataMapCallback(forward='net')."
    )

    _stage = "fit"

    def __init__(
        self,
        forward: str | None = None,
        labels: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        from_logits: bool = True,
        keep_history: bool | Literal["float16"] = True,
        sample_ids: ArrayLike | None = None,
        log: PathType | None = None,
        history_dir: PathType | None = None,
    ) -> None:
        check_params(self._owner, {"forward": [str, None]}, {"forward": forward})
        check_given_ids(sample_ids, self._owner)
        super().__init__(labels, classes, from_logits, keep_history, sample_ids, log, history_dir)
        self.forward = forward
        self._state_key = self._generate_state_key(
            forward=forward,
            classes=None if classes is None else np.asarray(classes).tolist(),
            from_logits=bool(from_logits),
            keep_history=bool(keep_history),
        )

    @property
    def state_key(self) -> str:
        """Name of the state in checkpoints, which several callbacks may share."""
        return self._state_key

    def on_load_checkpoint(
        self, trainer: Any, pl_module: Any, checkpoint: Mapping[str, Any]
    ) -> None:
        """Find the state of a callback with other settings, which is then refused by name.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        pl_module : LightningModule
            The trained module.
        checkpoint : dict
            The checkpoint.
        """
        states = checkpoint.get("callbacks", {})
        start = self._generate_state_key(forward=self.forward)[:-1]
        alike = [key for key in states if isinstance(key, str) and key.startswith(start)]
        if self._state_key not in states and alike:
            self.load_state_dict(states[alike[0]])

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue a recording whose state was saved, in the training that runs or comes next.

        The map of that training also covers the epochs of the state. ``fit(ckpt_path=...)`` calls
        this method.

        Parameters
        ----------
        state : dict
            What :meth:`state_dict` has returned, in a training on the same rows and labels.

        Raises
        ------
        ValueError
            If this is no such state; and, as soon as the training begins, if the state is that of
            other rows, labels, classes or settings.
        """
        if self._stage == "fit":  # a test or validation of a checkpoint does not continue it
            super().load_state_dict(state)

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Start a new map, and observe the loader, which may be made before the training begins.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        pl_module : LightningModule
            The trained module.
        stage : str
            A map is started if it is "fit".
        """
        self._stage = stage
        if stage != "fit":
            return
        self.start()
        connector = trainer._data_connector
        prepare = connector._prepare_dataloader

        def prepare_and_observe(loader, *args, mode, **kwargs):
            loader = prepare(loader, *args, mode=mode, **kwargs)
            if mode == "train":
                self.observe_loader(loader)
            return loader

        connector._prepare_dataloader = prepare_and_observe
        self._hooks.callback(vars(connector).pop, "_prepare_dataloader", None)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Remove the hooks; a training that had ended already has the map of its checkpoint.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        pl_module : LightningModule
            The trained module.
        stage : str
            The stage that ends.
        """
        self._stage = "fit"
        if stage == "fit":
            if self._state_ is not None and self._dataset is not None:
                self._watched_name_, self._n_epochs = type(pl_module).__name__, None
                self._load_state()
                self.stop()
                self._end_training()
            self.stop()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Observe the model."""
        loader = trainer.train_dataloader
        if isinstance(loader, (dict, list, tuple)) and len(loader) != 1:
            raise SampleAlignmentError(
                f"The {type(trainer).__name__} must train on a single loader; got {len(loader)} "
                "loaders. Use one loader, or call "
                "sklearn_carto.integrations.torch.DynamicsRecorder in training_step."
            )
        model = self._model_of(pl_module)
        # strategies of several ranks call training_step through a call of the module itself
        through_itself = model is pl_module and trainer.strategy.model is not pl_module
        self._depth, self._own_depth = 0, 2 if through_itself else 1
        self._hooks.callback(model.register_forward_pre_hook(Hook(self._enter)).remove)
        n_epochs = trainer.max_epochs
        self.observe_model(model, n_epochs if n_epochs and n_epochs > 0 else None)
        leave = model.register_forward_hook(Hook(self._leave), always_call=True)
        self._hooks.callback(leave.remove)
        self._resume_training(trainer, loader)

    def _model_of(self, pl_module):
        if self.forward is None:
            return pl_module
        names = [name for name, _ in pl_module.named_modules() if name]
        if self.forward not in names:
            raise InvalidParameterError(
                f"The 'forward' parameter of {self._owner} must be the name of a submodule of "
                f"{type(pl_module).__name__}, such as {names[:5]}. Got {self.forward!r} instead."
            )
        return pl_module.get_submodule(self.forward)

    def _resume_training(self, trainer, loader):
        """Continue the training of a checkpoint, whose state was loaded ahead."""
        if not (trainer.ckpt_path and trainer.global_step):
            return
        progress = trainer.fit_loop.epoch_loop.batch_progress.current
        n_batches = trainer.num_training_batches
        # a checkpoint that is saved as a batch ends counts this one as ready, not as completed
        n_done = progress.ready % n_batches
        # a loader with a state skips these batches, or its sampler does; others begin anew
        resumable = all(hasattr(part, "load_state_dict") for part in _flat(loader))
        self.resume(n_done, n_batches, redraws=None if resumable else False)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin an epoch; not called for one within which the checkpoint was saved."""
        self.begin_epoch()

    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: Any
    ) -> None:
        """Begin a batch."""
        self._depth = 0
        loaders = trainer.train_dataloader
        if isinstance(loaders, dict):
            (batch,) = batch.values()
        elif isinstance(loaders, (list, tuple)):
            (batch,) = batch
        self.begin_batch(batch)

    def on_before_backward(self, trainer: Any, pl_module: Any, loss: Any) -> None:
        """Do not record further forward passes of the batch."""
        self.end_backward()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: Any
    ) -> None:
        """End the batch; one that is None has not begun."""
        if not self._epoch.in_batch:
            self.begin_batch()
        self.end_batch()

    def _enter(self, module, args):
        self._depth += 1

    def _on_forward(self, *args):
        if self._depth == self._own_depth:
            super()._on_forward(*args)

    def _leave(self, module, args, output):
        self._depth -= 1

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the epoch."""
        self.end_epoch(trainer.num_training_batches)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Remove the hooks, and make the map."""
        self.stop()
        self._end_training()

    def on_exception(self, trainer: Any, pl_module: Any, exception: Any) -> None:
        """Remove the hooks; recorded epochs are kept."""
        self.stop()


def _flat(loaders):
    """List the loaders in a container, or a single one."""
    if isinstance(loaders, dict):
        return list(loaders.values())
    return list(loaders) if isinstance(loaders, (list, tuple)) else [loaders]
