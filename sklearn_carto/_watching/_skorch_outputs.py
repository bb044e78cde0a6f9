"""The format of a skorch net's outputs, and the evaluation of a net on all samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_carto._utils._warnings import warn
from sklearn_carto.exceptions import DoubleSoftmaxWarning, SampleAlignmentError

# Samples of a table of floats that are evaluated at once: large enough that the cost of each call
# no longer counts, small enough that activations of wide layers fit into memory. A convention.
FAST_BLOCK = 2048


class OutputFormat(NamedTuple):
    """How outputs become class scores.

    Logits are recorded where the net's nonlinearity is a softmax or sigmoid, else the probabilities
    that the nonlinearity returns.
    """

    from_logits: bool
    nonlinearity: Callable | None  # None where the outputs themselves are the scores

    def class_scores(self, output):
        """Return the class scores of some outputs, an array on the CPU in single precision."""
        output = output.detach().float()
        scores = output if self.nonlinearity is None else self.nonlinearity(output)
        return scores.float().cpu().numpy()


def first_output(output):
    """Return the first output of a tuple, which is the prediction; one column is flattened."""
    output = output[0] if isinstance(output, tuple) else output
    return output.reshape(-1) if output.shape[1:] == (1,) else output


def infer_output_format(net, output):
    """Infer the OutputFormat of an initialized net from the outputs of its module for some samples.

    The `output` has shape (n_rows, n_classes) or (n_rows,). Also returns the shape of the class
    scores of these samples.
    """
    import torch

    nonlinearity = net._get_predict_nonlinearity()
    with torch.no_grad():
        output = output.detach().float()
        probabilities = nonlinearity(output).float()
    if torch.equal(probabilities, output):
        return OutputFormat(False, None), output.shape
    if output.ndim == 1:
        if torch.allclose(torch.sigmoid(output), probabilities[:, -1], atol=1e-6):
            return OutputFormat(True, None), output.shape
    elif torch.allclose(torch.softmax(output, dim=1), probabilities, atol=1e-6):
        _warn_of_double_softmax(net, output)
        return OutputFormat(True, None), output.shape
    return OutputFormat(False, nonlinearity), probabilities.shape


def _warn_of_double_softmax(net, output):
    import torch

    if bool((output >= 0).all()) and torch.allclose(
        output.sum(dim=1), torch.ones_like(output[:, 0]), atol=1e-4
    ):
        warn(
            f"The module of {type(net).__name__} returns probabilities, and "
            f"{type(net.criterion_).__name__} applies a softmax to them again: training is slow "
            "and confidences are compressed. Remove the softmax from the module.",
            DoubleSoftmaxWarning,
        )


class Evaluator:
    """Evaluate an initialized net on all samples, in order."""

    def __init__(self, net, X, y_encoded):
        self.net, self.X, self.y_encoded = net, X, y_encoded
        self.block = _block_size(net, X)

    def outputs(self):
        """Yield the rows of each batch, the batch or None, and the net's outputs for it."""
        import torch

        start, n_samples = 0, len(self.y_encoded)
        with torch.no_grad():
            for batch, output in self._in_blocks() if self.block else self._by_loader():
                output = first_output(output)
                rows = np.arange(start, start + len(output))
                start += len(output)
                if start > n_samples:
                    break
                yield rows, batch, output
        if start != n_samples:
            raise SampleAlignmentError(
                f"The net's iterator gave {start} rows of {n_samples}: an iterator that drops "
                "or repeats rows cannot be watched (drop_last, a sampler)."
            )

    def _in_blocks(self):
        import torch

        self.net._set_training(False)
        for start in range(0, len(self.X), self.block):
            block = self.X[start : start + self.block]
            if isinstance(block, np.ndarray) and min(block.strides) < 0:  # not supported by torch
                block = block.copy()
            block = torch.as_tensor(block)
            yield None, self.net.infer(block.to(self.net.device))

    def _by_loader(self):
        """Do what `forward_iter` does, with the labels, by which a change of order is detected."""
        from skorch import NeuralNet

        net = self.net
        if net.__class__.forward_iter is not NeuralNet.forward_iter:
            for output in net.forward_iter(self.X, training=False, device=None):
                yield None, output
            return
        dataset = net.get_dataset(self.X, self.y_encoded.astype(np.int64))
        for batch in net.get_iterator(dataset, training=False):
            yield batch, net.evaluation_step(batch, training=False)


def _block_size(net, X):
    """Return the number of samples to slice at once; None: the net's own iterator must be used.

    X is sliced only where everything between it and the module is skorch's own. Blocks are then as
    large as the net's batches for validation, and larger for tables of floats, where outputs do not
    depend on the size of a block.
    """
    import torch
    from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier
    from skorch.dataset import Dataset
    from torch.utils.data import DataLoader

    if not isinstance(X, (np.ndarray, torch.Tensor)) or net.device is None:
        return None
    options = {name for name in net.get_params(deep=False) if name.startswith("iterator_valid__")}
    harmless = {f"iterator_valid__{name}" for name in ("batch_size", "num_workers", "pin_memory")}
    own = (NeuralNet, NeuralNetClassifier, NeuralNetBinaryClassifier)
    names = (
        "get_dataset",
        "get_iterator",
        "evaluation_step",
        "infer",
        "predict_proba",
        "forward_iter",
    )
    if not (
        net.dataset is Dataset
        and net.iterator_valid is DataLoader
        and options <= harmless
        and all(any(getattr(net.__class__, n) is getattr(c, n) for c in own) for n in names)
    ):
        return None
    floating = X.dtype.kind == "f" if isinstance(X, np.ndarray) else X.is_floating_point()
    if X.ndim == 2 and floating:
        return FAST_BLOCK
    size = net.get_params_for("iterator_valid").get("batch_size", net.batch_size)
    return len(X) if size == -1 else size
