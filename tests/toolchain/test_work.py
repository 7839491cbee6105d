"""What a network asks of a machine, and what rounding costs it, on networks whose numbers are known."""

import json

import numpy as np

WORK = """
import json, torch
from scripts.models import work
conv = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 4, 1, bias=False))
attention = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
class Attended(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = attention
    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]
def counted(network, *shape):
    inputs = (torch.zeros(shape),)
    return work.of(torch.export.export(network, inputs).module(), inputs)
print(json.dumps([counted(conv, 1, 3, 10, 10), counted(Attended(), 1, 5, 8)]))
"""


def test_operations_and_numbers_moved_are_those_of_the_layers(python):
    conv, attended = json.loads(python("torch", WORK).stdout.splitlines()[-1])
    assert conv["flops"] == 2 * 100 * (8 * 3 * 9 + 4 * 8)
    assert conv["weights"] == 8 * 27 + 8 + 4 * 8
    assert conv["activations"] == 300 + 800 + 800 + 400, "read and written by each convolution, fused into nothing else"
    assert attended["flops"] == 2 * (5 * 8 * 24 + 5 * 8 * 8 + 2 * 2 * 5 * 5 * 4), "projections, then the two products"


ROUNDING = """
import json, torch
import numpy as np
from scripts.models import reference, rounding
network = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(inplace=True), torch.nn.Linear(64, 10)).eval()
values = np.random.default_rng(0).standard_normal((20, 64)).astype(np.float32)
outputs = reference.run(network, [values])[0]
print(json.dumps(rounding.costs(network, [values], outputs, reference.run)))
asked = (1.0, 1 + 2**-10, 1 + 2**-11 + 2**-13, -3.14159)
print(json.dumps([float(rounding._as_tf32(torch.tensor([x]))) for x in asked]))
"""


def test_rounding_costs_about_six_decibels_a_bit(python):
    costs, tf32 = map(json.loads, python("torch", ROUNDING).stdout.splitlines()[-2:])
    assert 55 < costs["fp16"] < 75 and abs(costs["fp16"] - costs["tf32"]) < 3, "both keep ten bits"
    assert 14 < costs["fp16"] - costs["bf16"] < 22, "bf16 keeps three bits fewer"
    assert tf32 == [1.0, 1 + 2**-10, 1 + 2**-10, float(np.float32(-3.140625))]


def test_untrained_weights_have_it_beside_their_reference(tiny_reference):
    known = json.loads((tiny_reference / "rounding.json").read_text())
    assert set(known) == {"tf32", "fp16", "bf16"} and known["fp16"] > known["bf16"] + 10
