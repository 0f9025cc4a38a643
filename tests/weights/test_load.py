"""Any checkpoint is loaded safely and recognised, or refused in one sentence."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from realesrgan_arch.networks.build import build_network
from realesrgan_arch.networks.spec import CompactSpec, PatchDiscriminatorSpec, RRDBNetSpec, UNetDiscriminatorSpec
from realesrgan_arch.weights import read
from realesrgan_arch.weights.detect import detect_spec
from realesrgan_arch.weights.load import load_generator, load_into, load_weights
from realesrgan_arch.weights.table import WeightsError

SMALL = RRDBNetSpec(num_feat=8, num_block=2, num_grow_ch=4)


def random_network(spec=SMALL, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build_network(spec)


def small_state() -> dict[str, torch.Tensor]:
    return random_network().state_dict()


def saved(contents: object, path: Path) -> Path:
    torch.save(contents, path)
    return path


# --- what is understood


@pytest.mark.parametrize(
    ("wrap", "key"),
    [
        (lambda state: {"params": {"x": torch.zeros(1)}, "params_ema": state}, "params_ema"),
        (lambda state: {"params": state, "iter": 5}, "params"),
        (lambda state: {"state_dict": state}, "state_dict"),
        (lambda state: {"model": state}, "model"),
        (lambda state: state, "(flat)"),
        (lambda state: {"params": {f"module.{name}": tensor for name, tensor in state.items()}}, "params"),
    ],
    ids=["params_ema first", "params", "state_dict", "model", "flat", "module."],
)
def test_every_usual_wrapping_gives_the_same_weights(tmp_path, wrap, key):
    state = small_state()
    loaded = load_weights(saved(wrap(state), tmp_path / "w.pth"))
    assert loaded.key == key
    assert loaded.spec == SMALL
    assert list(loaded.state) == list(state)
    assert all(torch.equal(loaded.state[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_to_float32(tmp_path, dtype):
    half = {name: tensor.to(dtype) for name, tensor in small_state().items()}
    loaded = load_weights(saved({"params": half}, tmp_path / "w.pth"))
    assert loaded.dtypes == (str(dtype).removeprefix("torch."),)
    assert all(tensor.dtype == torch.float32 for tensor in loaded.state.values())
    assert torch.equal(loaded.state["conv_last.weight"], half["conv_last.weight"].float())


def test_a_safetensors_file_is_understood(tmp_path):
    state = small_state()
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    network, spec = load_generator(tmp_path / "w.safetensors")
    assert spec == SMALL
    assert torch.equal(network.state_dict()["conv_hr.bias"], state["conv_hr.bias"])


def old_esrgan_name(name: str, *, num_block: int) -> str:
    """Write a name of today in the layout of xinntao/ESRGAN before May 2019."""
    places = {"conv_first": "0", "conv_up1": "3", "conv_up2": "6", "conv_hr": "8", "conv_last": "10"}
    module, kind = name.rsplit(".", 1)
    if module == "conv_body":
        return f"model.1.sub.{num_block}.{kind}"
    if module in places:
        return f"model.{places[module]}.{kind}"
    _, block, dense, conv = module.split(".")
    return f"model.1.sub.{block}.{dense.upper()}.{conv}.0.{kind}"


def middle_esrgan_name(name: str) -> str:
    """Write a name of today in the layout of RRDB_ESRGAN_x4.pth."""
    for ours, theirs in (("conv_body", "trunk_conv"), ("body.", "RRDB_trunk."), ("rdb", "RDB"), ("conv_hr", "HRconv")):
        name = name.replace(ours, theirs)
    return name.replace("conv_up", "upconv")


def test_both_older_esrgan_layouts_are_renamed(tmp_path):
    state = small_state()
    old = {old_esrgan_name(name, num_block=2): tensor for name, tensor in state.items()}
    middle = {middle_esrgan_name(name): tensor for name, tensor in state.items()}
    assert {"model.0.weight", "model.1.sub.1.RDB3.conv5.0.bias", "model.1.sub.2.weight"} <= old.keys()
    assert {"RRDB_trunk.1.RDB3.conv5.bias", "trunk_conv.weight", "upconv2.bias"} <= middle.keys()
    for index, layout in enumerate((old, middle)):
        network, spec = load_generator(saved(layout, tmp_path / f"{index}.pth"))
        assert spec == SMALL
        assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    "spec",
    [
        SMALL,
        RRDBNetSpec(scale=2, num_feat=12, num_block=3, num_grow_ch=5),
        RRDBNetSpec(scale=1, num_feat=8, num_block=1, num_grow_ch=4),
        RRDBNetSpec(scale=2, num_in_ch=1, num_out_ch=1, num_feat=8, num_block=1, num_grow_ch=4),
        CompactSpec(num_feat=8, num_conv=5, upscale=2),
        CompactSpec(num_feat=8, num_conv=0, upscale=4, act_type="relu"),
        UNetDiscriminatorSpec(num_in_ch=3, num_feat=4),
        PatchDiscriminatorSpec(num_feat=4),
        PatchDiscriminatorSpec(num_feat=6, depth=1, unshuffle=2),
        PatchDiscriminatorSpec(num_feat=4, depth=5, unshuffle=4),
    ],
)
def test_the_architecture_is_read_from_the_tensors(spec):
    assert detect_spec(random_network(spec).state_dict()) == spec


def test_a_generator_is_built_from_its_file_alone(tmp_path):
    original = random_network(RRDBNetSpec(scale=2, num_feat=8, num_block=1, num_grow_ch=4))
    network, spec = load_generator(saved({"params": original.state_dict()}, tmp_path / "w.pth"))
    image = torch.rand(1, 3, 6, 8)
    assert spec.scale == 2
    assert torch.equal(network(image), original(image))


def test_params_are_taken_where_params_ema_is_asked_for_and_absent_as_upstream(tmp_path, caplog):
    path = saved({"params": small_state()}, tmp_path / "w.pth")
    loaded = load_weights(path, key="params_ema")
    assert (loaded.key, loaded.spec) == ("params", SMALL)
    assert caplog.messages == [f"{path} has no entry 'params_ema': its 'params' are taken."]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_flat_file_is_taken_whatever_key_is_asked_for(tmp_path, caplog, suffix):
    path = tmp_path / f"w{suffix}"
    (safetensors.torch.save_file if suffix == ".safetensors" else torch.save)(small_state(), path)
    assert load_weights(path, key="params_ema").key == "(flat)"
    assert caplog.messages == [f"{path} has no entry 'params_ema': it is flat, and is taken as it is."]


# --- what is refused


def test_an_asked_key_that_is_absent_names_those_that_are_there(tmp_path):
    path = saved({"params": small_state(), "note": 1}, tmp_path / "w.pth")
    assert load_weights(path, key="params").key == "params"
    with pytest.raises(WeightsError, match="no entry 'param_ema'; it has params, note"):
        load_weights(path, key="param_ema")


class Attack:
    """Runs a program when it is unpickled without care."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)

    def run(self) -> None:
        function, arguments = self.__reduce__()
        function(*arguments)


@pytest.mark.parametrize("save", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
def test_code_in_a_pickle_is_named_and_not_executed(tmp_path, save):
    marker = tmp_path / "executed"
    save({"params": Attack(marker)}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match=r"evil\.pth is refused.*posix\.system.*nothing was executed") as caught:
        load_weights(tmp_path / "evil.pth")
    assert caught.value.exit_code == 6
    assert not marker.exists()
    Attack(marker).run()
    assert marker.exists(), "the attack of this test is harmless"


def truncated(path: Path) -> None:
    torch.save({"params": small_state()}, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def truncated_legacy(path: Path) -> None:
    torch.save(small_state(), path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_at_its_end(path: Path) -> None:
    torch.save({"params": small_state()}, path)
    path.write_bytes(path.read_bytes()[:-10])


def without_a_record(path: Path) -> None:
    """A whole zip file with right checksums, in which the bytes of the tensors are missing."""
    torch.save({"params": small_state()}, path.with_suffix(".whole"))
    with zipfile.ZipFile(path.with_suffix(".whole")) as whole, zipfile.ZipFile(path, "w") as rest:
        for name in whole.namelist():
            if "/data/" not in name:
                rest.writestr(name, whole.read(name))


def without_a_directory(path: Path) -> None:
    torch.save({"params": small_state()}, path)
    path.write_bytes(path.read_bytes().replace(b"PK\x01\x02", bytes(4)))


_AGAIN = "is damaged or not a checkpoint: download or save it again."


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (truncated, "damaged or not a checkpoint"),
        (truncated_legacy, "damaged or not a checkpoint"),
        (cut_at_its_end, "damaged or not a checkpoint"),
        (without_a_directory, "damaged or not a checkpoint"),
        (without_a_record, "damaged or not a checkpoint"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(3000)), "damaged or not a checkpoint"),
        (lambda path: path.write_bytes(bytes(5000)), "damaged or not a checkpoint"),
        (lambda path: path.write_text("<!DOCTYPE html><html>Not Found</html>"), "is a web page, not weights"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_text("just some words, no weights"), "damaged or not a checkpoint"),
        (lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)), "damaged or not a checkpoint"),
        (lambda path: path.mkdir(), "got the folder"),
        (lambda path: torch.save([1, 2], path), "holds a list, expected a dictionary of tensors"),
        (lambda path: torch.save({}, path), "holds no weights"),
        (lambda path: torch.save({"params": {"a": 1}}, path), "its entry 'a' is a int, expected a tensor"),
        (lambda path: torch.save({"a": torch.tensor([1.0, float("nan")])}, path), "NaN or infinite values in a"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_in_one_sentence(tmp_path, make, message):
    path = tmp_path / "w.pth"
    make(path)
    with pytest.raises(WeightsError, match=message) as caught:
        load_weights(path)
    said = str(caught.value)
    assert said.startswith(f"{path} ") or path.is_dir()
    assert str(path) in said and "\n" not in said
    assert not any(word in said for word in ("Error", "PytorchStreamReader", "[", "enforce", "miniz", "weights_only"))
    assert not said.startswith(f"{path} is damaged") or said.endswith(_AGAIN)
    assert caught.value.exit_code == (2 if path.is_dir() else 6)


def test_a_damaged_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"\xff" * 40)
    with pytest.raises(WeightsError, match=r"is damaged or not a safetensors file: download or save it again\.$"):
        load_weights(path)


def test_a_torchscript_program_is_refused(tmp_path):
    torch.jit.trace(torch.nn.Linear(2, 2), torch.rand(1, 2)).save(str(tmp_path / "w.pth"))
    with pytest.raises(WeightsError, match="is a TorchScript program, not weights"):
        load_weights(tmp_path / "w.pth")


def test_an_oversized_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = saved({"params": small_state()}, tmp_path / "w.pth")
    monkeypatch.setattr(read, "MAX_BYTES", 1000)
    with pytest.raises(WeightsError, match="more than the 1,000 that weights may have"):
        load_weights(path)


def test_an_unknown_architecture_is_refused_with_what_was_found(tmp_path):
    path = saved({"block1.0.weight": torch.zeros(4, 3, 9, 9)}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"1 tensors, the first are block1\.0\.weight \(4x3x9x9\)"):
        load_generator(path)
    netd = saved({"params": random_network(UNetDiscriminatorSpec(num_feat=4)).state_dict()}, tmp_path / "d.pth")
    with pytest.raises(WeightsError, match=r"holds a discriminator \(UNetDiscriminatorSN\), expected a generator"):
        load_generator(netd)


@pytest.mark.parametrize("damage", [torch.zeros(4), torch.zeros(0, 3, 3, 3), torch.zeros(4, 0, 3, 3)])
@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (UNetDiscriminatorSpec(num_feat=4), "conv0.weight"),
        (PatchDiscriminatorSpec(num_feat=4), "conv_first.weight"),
        (SMALL, "conv_first.weight"),
        (SMALL, "conv_last.weight"),
        (SMALL, "body.0.rdb1.conv1.weight"),
        (CompactSpec(num_feat=8, num_conv=1, upscale=2), "body.0.weight"),
        (CompactSpec(num_feat=8, num_conv=1, upscale=2), "body.4.weight"),
    ],
)
def test_the_right_names_with_impossible_shapes_are_no_architecture(spec, name, damage):
    state = random_network(spec).state_dict()
    assert name in state
    assert detect_spec({**state, name: damage}) is None


# --- into a network


def test_misfits_are_listed_with_counts_and_shapes():
    state = small_state()
    state["conv_last.bias"] = torch.zeros(7)
    del state["conv_hr.bias"], state["conv_hr.weight"]
    state["surplus"] = torch.zeros(1)
    message = (
        r"weights mine do not fit the network: 2 missing: conv_hr\.weight, conv_hr\.bias; 1 extra: surplus; "
        r"1 of another shape: conv_last\.bias \(7\) instead of \(3\)"
    )
    network = random_network(seed=1)
    before = network.state_dict()["conv_first.weight"].clone()
    with pytest.raises(WeightsError, match=message):
        load_into(network, state, name="mine")
    assert torch.equal(network.state_dict()["conv_first.weight"], before), "a refused load changes nothing"


def test_without_strict_what_fits_is_loaded_and_the_rest_reported():
    state = small_state()
    state["conv_last.bias"] = torch.zeros(7)
    network = random_network(seed=1)
    report = load_into(network, state, strict=False, name="mine")
    assert (report.missing, report.extra, report.wrong_shape) == ((), (), ("conv_last.bias",))
    assert torch.equal(network.state_dict()["conv_first.weight"], state["conv_first.weight"])
    with pytest.raises(WeightsError, match="do not fit"):
        load_into(network, {"surplus": torch.zeros(1)}, strict=False, name="mine")


@pytest.mark.parametrize(
    ("theirs", "hint"),
    [
        (RRDBNetSpec(scale=2, num_feat=8, num_block=2, num_grow_ch=4), "with scale 2; the options say scale 4"),
        (RRDBNetSpec(num_feat=8, num_block=1, num_grow_ch=4), "with num_block 1; the options say num_block 2"),
        (CompactSpec(num_feat=8), "These weights are a SRVGGNetCompact, the options say RRDBNet"),
    ],
)
def test_weights_of_another_network_say_how_they_differ_from_the_options(theirs, hint):
    with pytest.raises(WeightsError, match=hint):
        load_into(random_network(), random_network(theirs).state_dict(), name="theirs")


def test_one_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "flipped.pth"
    torch.save({"params": {"weight": torch.rand(100, 100)}}, path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"flipped\.pth is damaged \(checksum of "):
        load_weights(path)
