"""Device names, and what is said where there is no such device."""

from __future__ import annotations

import pytest
import torch

from liftline.errors import UsageError
from liftline.models.devices import check_device_name, resolve_device


def test_auto_is_cuda_where_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_cpu_is_always_there():
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cpu:1", "mps", "", "cuda:0;cuda:1"])
def test_other_names_are_refused(name):
    with pytest.raises(UsageError, match="use auto, cpu, cuda or cuda:N"):
        check_device_name(name)


def test_a_missing_cuda_device_is_said_with_how_many_there_are():
    with pytest.raises(UsageError, match=r"--device cuda:99: PyTorch sees \d+ CUDA devices"):
        resolve_device("cuda:99")
