"""What Torch-TensorRT's compiler does before and after the library: that needs neither the library nor a GPU."""

import json

import pytest

EXPORTED = """
import sys, torch
from scripts.pytorch import gpu
from scripts.torch_tensorrt.compile import exported
network = torch.nn.Conv2d(3, 4, 3).eval()
module = network if sys.argv[1] == "fp32" else gpu.Lowered(network, gpu.DTYPES[sys.argv[1]])
served = exported(module, (torch.ones(4, 3, 8, 8),), [1, 4, 16]).module()
print(*(len(served(torch.ones(batch, 3, 8, 8))) for batch in (1, 4, 16)))
"""
PARTS = """
import json, torch
from scripts.torch_tensorrt.compile import parts

class Left(torch.nn.Module):
    def forward(self, x):
        return torch.sigmoid(torch.cumsum(x, 1))

class Whole(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self._run_on_acc_0 = torch.nn.ReLU()
        self._run_on_gpu_1 = torch.fx.symbolic_trace(Left())
        self._run_on_acc_2 = torch.nn.ReLU()

    def forward(self, x):
        return self._run_on_acc_2(self._run_on_gpu_1(self._run_on_acc_0(x)))

class Leaves(torch.fx.Tracer):
    def is_leaf_module(self, module, name):
        return name.startswith("_run_on")

whole = Whole()
print(json.dumps(parts(torch.fx.GraphModule(whole, Leaves().trace(whole)))))
"""


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_one_program_serves_a_range_of_batches(python, precision):
    """In fp16 and bf16 the network's inputs are one argument, which names its dimensions in another way."""
    assert python("torch", EXPORTED, precision).stdout.split() == ["1", "4", "16"]


def test_what_pytorch_keeps_is_looked_for_in_its_own_parts(python):
    told = json.loads(python("torch", PARTS).stdout)
    assert told == {"engines": 2, "kept": {"cumsum": 1, "sigmoid": 1}}
