"""The exported files hold the tuned weights to the last bit, and a difference is found."""

import pytest
import torch
from safetensors.torch import load_file

from realesrgan_arch.guided.request import GuidedError
from realesrgan_arch.guided.step_export import _check_same, export_weights
from realesrgan_arch.networks.build import build_generator
from realesrgan_arch.networks.spec import CompactSpec
from realesrgan_arch.weights.load import load_weights

SPEC = CompactSpec(num_feat=8, num_conv=2)


def _source(folder, *, average: bool):
    states = {"params": build_generator(SPEC).state_dict()}
    if average:
        states["params_ema"] = build_generator(SPEC).state_dict()
    torch.save(states, folder / "net_g_best_composite.pth")
    return states


def _equal(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("average", [True, False])
def test_both_files_hold_what_the_run_has_found(tmp_path, average) -> None:
    states = _source(tmp_path, average=average)
    pth, flat = export_weights(tmp_path / "net_g_best_composite.pth", tmp_path / "export", "mine")
    assert (pth.name, flat.name) == ("mine.pth", "mine.safetensors")
    written = torch.load(pth, weights_only=True)
    assert written.keys() == states.keys()
    assert all(_equal(written[key], states[key]) for key in states)
    assert _equal(load_file(flat), states["params_ema" if average else "params"])


def test_a_file_with_one_other_number_is_not_the_same(tmp_path) -> None:
    state = _source(tmp_path, average=False)["params"]
    loaded = load_weights(tmp_path / "net_g_best_composite.pth")
    _check_same(state, loaded, tmp_path)
    name = next(iter(state))
    changed = {**state, name: state[name] + 1e-6}
    with pytest.raises(GuidedError, match="does not hold what was written"):
        _check_same(changed, loaded, tmp_path)
