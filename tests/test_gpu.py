"""Recording on a GPU: it stays there, with one transfer an epoch."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_carto.integrations.torch import DynamicsRecorder

torch = pytest.importorskip("torch")
N, K = 640, 4


def run(device):
    """Record three epochs of batches of 32 rows; return the map."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, N, K, generator=generator).to(device)
    labels = torch.randint(K, (N,), generator=generator)
    recorder = DynamicsRecorder(N, labels=labels.numpy(), n_epochs=3)
    for epoch in range(3):
        for rows in torch.randperm(N, generator=generator).split(32):
            recorder.update(rows, logits[epoch][rows.to(device)])
        recorder.end_epoch()
    return recorder.data_map()


@pytest.fixture
def n_transfers(monkeypatch):
    """Count the tensors that are fetched from a device."""
    fetched, fetch = [], torch.Tensor.cpu

    def cpu(tensor, *args, **kwargs):
        fetched.extend([tensor.shape] * (tensor.device.type != "cpu"))
        return fetch(tensor, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)
    return fetched


@pytest.mark.gpu
def test_an_epoch_is_one_transfer_from_the_device(n_transfers):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    on_device = run("cuda")
    assert len(n_transfers) == 3
    on_cpu = run("cpu")
    for name in ("confidence", "variability", "aum", "el2n", "loss"):
        assert_allclose(getattr(on_device, name), getattr(on_cpu, name), atol=1e-5, err_msg=name)


def test_the_same_batches_give_the_same_map_on_the_cpu(n_transfers):
    one, other = run("cpu"), run("cpu")
    assert not n_transfers
    assert np.array_equal(one.confidence, other.confidence)
