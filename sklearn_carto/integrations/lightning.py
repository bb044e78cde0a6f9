"""A callback of Lightning that records training dynamics."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sklearn_carto.exceptions import SampleAlignmentError
from sklearn_carto.integrations._torch_loop import Hook, TorchLoopCallback

_OLDER_NAME = "pytorch_lightning" in sys.modules and "lightning" not in sys.modules
_NAME = "lightning.pytorch" if find_spec("lightning") and not _OLDER_NAME else "pytorch_lightning"
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
    keep_history : bool, default=True
        Whether to keep every epoch beside the running statistics.

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
    Each ``fit`` starts a new map. Incomplete epochs (`max_steps`) are left out. The statistics of
    rows that are missing from an epoch (``drop_last``, `limit_train_batches`) are computed over the
    other epochs. In a distributed run each rank holds the map of all rows; strategies that start
    their own processes (ddp_spawn, ddp_notebook) discard it when these end.

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

    def __init__(
        self, forward=None, labels=None, classes=None, from_logits=True, keep_history=True
    ):
        super().__init__(labels, classes, from_logits, keep_history)
        self.forward = forward

    def setup(self, trainer, pl_module, stage):
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

    def on_train_start(self, trainer, pl_module):
        """Observe the model."""
        loader = trainer.train_dataloader
        if isinstance(loader, (dict, list, tuple)) and len(loader) != 1:
            raise SampleAlignmentError(
                f"The {type(trainer).__name__} must train on a single loader; got {len(loader)} "
                "loaders. Use one loader, or call "
                "sklearn_carto.integrations.torch.DynamicsRecorder in training_step."
            )
        model = pl_module if self.forward is None else pl_module.get_submodule(self.forward)
        # strategies of several ranks call training_step through a call of the module itself
        through_itself = model is pl_module and trainer.strategy.model is not pl_module
        self._depth, self._own_depth = 0, 2 if through_itself else 1
        self._hooks.callback(model.register_forward_pre_hook(Hook(self._enter)).remove)
        n_epochs = trainer.max_epochs
        self.observe_model(model, n_epochs if n_epochs and n_epochs > 0 else None)
        leave = model.register_forward_hook(Hook(self._leave), always_call=True)
        self._hooks.callback(leave.remove)

    def on_train_epoch_start(self, trainer, pl_module):
        """Begin an epoch."""
        self.begin_epoch()

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        """Begin a batch."""
        self._depth = 0
        self.begin_batch(batch)

    def on_before_backward(self, trainer, pl_module, loss):
        """Do not record further forward passes of the batch."""
        self.end_backward()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        """End the batch."""
        self.end_batch()

    def _enter(self, module, args):
        self._depth += 1

    def _on_forward(self, *args):
        if self._depth == self._own_depth:
            super()._on_forward(*args)

    def _leave(self, module, args, output):
        self._depth -= 1

    def on_train_epoch_end(self, trainer, pl_module):
        """Record the epoch."""
        self.end_epoch(trainer.num_training_batches)

    def on_train_end(self, trainer, pl_module):
        """Remove the hooks, and make the map."""
        self.stop()
        self._end_training()

    def on_exception(self, trainer, pl_module, exception):
        """Remove the hooks; recorded epochs are kept."""
        self.stop()
