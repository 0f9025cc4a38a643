"""Whole exports: every file opens in its own runtime, and a wrong one is never left behind."""

import json
import pickletools
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors import safe_open

from realesrgan_arch import extras
from realesrgan_arch.basicsr_shims import import_shims
from realesrgan_arch.extras import MissingExtraError
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.inference import main as upscale
from realesrgan_arch.networks.spec import RRDBNetSpec, SRResNetSpec
from realesrgan_arch.training.checkpoint import NotSavedError
from realesrgan_arch.upscaling import convert
from realesrgan_arch.upscaling.export import formats, ncnn_files, record, runtimes, session
from realesrgan_arch.upscaling.export.check import NotTheSameError
from realesrgan_arch.upscaling.export.source import Blend, ExportError
from realesrgan_arch.weights.load import load_generator, load_weights
from realesrgan_arch.weights.table import WeightsError
from tests.upscaling.export.parts import COMPACT, X2, export_to, write_weights

ALL = ("pth", "safetensors", "onnx", "openvino", "ncnn")
_write_onnx = convert.write_onnx
PACKAGES = ("onnx", "onnxscript", "onnxruntime", "openvino", "pnnx", "ncnn", "spandrel")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    for package in PACKAGES[:-1]:
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("all")
    return export_to(folder / "out", write_weights(folder / "mine.pth", X2), *ALL, licence="CC-BY-4.0")


@pytest.fixture(scope="module")
def compact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compact")
    weights = write_weights(folder / "small.pth", COMPACT)
    return weights, export_to(folder / "out", weights, "pth", "safetensors")


def test_all_formats_lie_side_by_side_and_nothing_else_does(exported):
    names = {"mine.pth", "mine.safetensors", "mine.onnx", "mine.xml", "mine.bin", "mine-2x.param", "mine-2x.bin"}
    assert {path.name for path in exported.folder.iterdir()} == names | {"export.json", "README.md", "2x-mine.json"}


def test_the_record_has_size_hash_and_difference_of_every_file(exported):
    record = json.loads((exported.folder / "export.json").read_text())
    assert {file["name"]: file["sha256"] for file in record["files"]} == {
        file["name"]: hash_file(exported.folder / file["name"]) for file in record["files"]
    }
    assert all(file["size"] == (exported.folder / file["name"]).stat().st_size for file in record["files"])
    found = {(one["format"], one["runtime"]): one["max_abs"] for one in record["checks"]}
    assert found["pth", "torch"] == found["safetensors", "torch"] == 0
    assert 0 < found["onnx", "onnxruntime"] < 1e-6 and 0 < found["openvino", "openvino"] < 1e-6
    assert 1e-6 < found["ncnn", "ncnn"] < 2e-4
    assert all(one["max_levels"] == pytest.approx(255 * one["max_abs"]) for one in record["checks"])
    release, _, _ = torch.__version__.partition("+")  # the build, such as +cu130, is not always in the record of pip
    assert record["versions"]["torch"].partition("+")[0] == release
    assert record["licence"] == "CC-BY-4.0"
    assert all(side % 2 == 0 for _, *sides in record["settings"]["sizes"] for side in sides)


def test_the_onnx_file_is_one_file_with_free_batch_height_and_width(exported):
    onnx = pytest.importorskip("onnx")
    graph = (model := onnx.load(exported.folder / "mine.onnx", load_external_data=False)).graph
    assert ([one.name for one in graph.input], [one.name for one in graph.output]) == (["input"], ["output"])
    sides = graph.input[0].type.tensor_type.shape.dim
    assert [bool(side.dim_param) for side in sides] == [True, False, True, True]
    assert sides[1].dim_value == 3
    assert [one.version for one in model.opset_import if one.domain == ""] == [18]
    assert not any(tensor.external_data for tensor in graph.initializer)


def test_the_openvino_files_keep_fp32_and_free_sides(exported):
    model = pytest.importorskip("openvino").Core().read_model(exported.folder / "mine.xml")
    assert [port.get_any_name() for port in (*model.inputs, *model.outputs)] == ["input", "output"]
    assert [side.is_dynamic for side in model.inputs[0].partial_shape] == [True, False, True, True]
    parameters = sum(value.numel() for value in load_weights(exported.folder / "mine.pth").state.values())
    assert (exported.folder / "mine.bin").stat().st_size > 3 * parameters


def test_the_ncnn_files_have_upscayls_blobs_and_its_scale_in_their_name(exported):
    words = [line.split() for line in (exported.folder / "mine-2x.param").read_text().splitlines()[2:]]
    assert words[0][0] == "Input" and words[0][4] == "data"
    assert [line[4 + int(line[2])] for line in words][-1] == "output"
    assert not {"in0", "out0"} & {word for line in words for word in line[4:]}
    assert ncnn_files.scale_upscayl_reads("mine-2x") == 2


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_spandrel_loads_both_weight_files_with_the_same_output_bit_for_bit(compact, suffix):
    import_shims()
    spandrel = pytest.importorskip("spandrel")
    weights, outcome = compact
    found = spandrel.ModelLoader(device="cpu").load_from_file(outcome.folder / f"small{suffix}")
    pictures = torch.rand(1, 3, 13, 22)
    with torch.inference_mode():
        assert torch.equal(found.model(pictures), load_generator(weights)[0].eval()(pictures))
    assert (found.architecture.name, found.scale) == ("RealESRGAN Compact", 4)


def test_spandrel_knows_the_exported_rrdbnet_and_has_checked_it(exported):
    import_shims()
    spandrel = pytest.importorskip("spandrel")
    model = spandrel.ModelLoader(device="cpu").load_from_file(exported.folder / "mine.pth")
    assert (model.architecture.name, model.scale, model.tags[:2]) == ("ESRGAN", 2, ["8nf", "1nb"])
    found = [one.max_abs for one in exported.record.checks if one.runtime == "spandrel"]
    assert len(found) == 2 and max(found) < 1e-6


def test_the_pth_holds_tensors_only(compact):
    path = compact[1].folder / "small.pth"
    contents = torch.load(path, weights_only=True)
    assert set(contents) == {"params", "params_ema"}
    assert all(torch.equal(value, contents["params"][key]) for key, value in contents["params_ema"].items())
    with zipfile.ZipFile(path) as archive:
        pickled = archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
    named = {str(argument) for opcode, argument, _ in pickletools.genops(pickled) if opcode.name == "GLOBAL"}
    assert named == {"collections OrderedDict", "torch FloatStorage", "torch._utils _rebuild_tensor_v2"}


def test_the_safetensors_file_says_what_it_is(compact):
    weights, outcome = compact
    with safe_open(outcome.folder / "small.safetensors", "pt") as file:
        facts = {key.removeprefix("realesrgan_arch."): value for key, value in file.metadata().items()}
    assert (facts["format"], facts["type"], facts["scale"], facts["num_feat"]) == ("pt", "SRVGGNetCompact", "4", "8")
    assert facts["source_sha256"] == hash_file(weights)
    assert "licence" not in facts


def test_both_weight_files_give_the_same_bytes_as_the_source_in_our_own_upscaler(compact, tmp_path):
    weights, outcome = compact
    picture = np.random.default_rng(0).integers(0, 256, (20, 27, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "p.png"), picture)
    models = [weights, outcome.folder / "small.pth", outcome.folder / "small.safetensors"]
    for index, model in enumerate(models):
        assert upscale(["-i", str(tmp_path / "p.png"), "-n", str(model), "-o", str(tmp_path / str(index))]) == 0
    results = [next((tmp_path / str(index)).glob("*.png")).read_bytes() for index in range(3)]
    assert results[0] == results[1] == results[2]


def test_a_file_with_wrong_weights_is_refused_and_nothing_is_left(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    weights = write_weights(tmp_path / "small.pth", COMPACT)
    # Of the same shape, with other weights.
    monkeypatch.setattr(convert, "write_onnx", lambda net, path: _write_onnx(type(net)(num_feat=8, num_conv=2), path))
    with pytest.raises(
        NotTheSameError, match=r"--to onnx: onnxruntime gives pictures that differ from the source's by"
    ):
        export_to(tmp_path / "out", weights, "pth", "onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.pth"]
    assert NotTheSameError.exit_code == 4


@pytest.mark.parametrize(("entry", "runtime"), [("params_ema", "torch"), ("params", r"torch \(params\)")])
def test_one_wrong_bit_in_either_entry_of_the_pth_is_refused(tmp_path, monkeypatch, entry, runtime):
    weights = write_weights(tmp_path / "small.pth", COMPACT)
    save = formats.save_weights

    def save_rounded(path, **states):
        return save(path, **states | {entry: {key: value.bfloat16().float() for key, value in states[entry].items()}})

    monkeypatch.setattr(formats, "save_weights", save_rounded)
    with pytest.raises(NotTheSameError, match=f"--to pth: {runtime} gives"):
        export_to(tmp_path / "out", weights, "pth")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("error", [NotSavedError("cannot write x"), OSError(28, "No space left on device")])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch, error):
    weights = write_weights(tmp_path / "small.pth", COMPACT)

    def fail(*_args, **_settings):
        raise error

    monkeypatch.setattr(formats, "save_weights", fail)
    with pytest.raises((ExportError, NotSavedError), match="cannot write"):
        export_to(tmp_path / "out", weights, "pth")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("package", [*PACKAGES[:-1]])
def test_an_absent_package_is_named_before_any_work(tmp_path, monkeypatch, package):
    def import_module(name):
        if name == package:
            raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(extras, "import_module", import_module)
    monkeypatch.setattr(session, "load_source", lambda *_, **__: pytest.fail("work was begun"))
    with pytest.raises(
        MissingExtraError, match=rf"needs {package}, .* pip install 'realesrgan-arch\[(export|openvino)"
    ):
        export_to(tmp_path / "out", tmp_path / "small.pth", *ALL)


def test_the_same_weights_give_the_same_weight_files(compact, tmp_path):
    weights, outcome = compact
    again = export_to(tmp_path / "again", weights, "pth", "safetensors")
    assert [file.sha256 for file in again.record.files] == [file.sha256 for file in outcome.record.files]


def test_without_a_folder_it_stands_beside_the_model(tmp_path):
    weights = write_weights(tmp_path / "small.pth", COMPACT)
    outcome = session.export(session.ExportRequest(str(weights), ("pth",)))
    assert outcome.folder == tmp_path / "small_export"
    assert (tmp_path / "small_export" / "small.pth").is_file()


def test_a_blend_is_so_much_of_each(tmp_path):
    one = write_weights(tmp_path / "one.pth", COMPACT, seed=1)
    other = write_weights(tmp_path / "other.pth", COMPACT, seed=2)
    outcome = export_to(tmp_path / "out", one, "safetensors", blend=Blend(str(other), 0.3))
    found = load_weights(outcome.folder / "one-blend.safetensors").state
    first, second = load_weights(one).state, load_weights(other).state
    for key, value in found.items():
        torch.testing.assert_close(value, 0.7 * first[key] + 0.3 * second[key], atol=1e-7, rtol=1e-5)
    blend = json.loads((outcome.folder / "export.json").read_text())["blend"]
    assert blend == {"file": "other.pth", "sha256": hash_file(other), "share": 0.3}


def test_a_blend_with_another_network_is_one_sentence(tmp_path):
    one = write_weights(tmp_path / "one.pth", COMPACT)
    other = write_weights(tmp_path / "other.pth", X2)
    with pytest.raises(WeightsError, match=r"other\.pth do not fit the network.*These weights are a RRDBNet"):
        export_to(tmp_path / "out", one, "pth", blend=Blend(str(other), 0.3))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            RRDBNetSpec(num_feat=8, num_block=1, num_grow_ch=8),
            "spandrel takes num_grow_ch to be 32, this network has 8",
        ),
        (SRResNetSpec(num_feat=8, num_block=1), "spandrel does not know SRResNet"),
    ],
)
def test_networks_that_other_tools_cannot_load_come_with_a_note_and_no_database_entry(tmp_path, spec, words):
    outcome = export_to(tmp_path / "out", write_weights(tmp_path / "odd.pth", spec), "pth", "safetensors")
    assert any(words in note for note in outcome.record.notes)
    assert {path.name for path in outcome.others} == {"README.md", "export.json"}
    assert {one.runtime for one in outcome.record.checks} == {"torch", "torch (params)"}


def test_without_spandrel_a_note_says_what_was_not_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(runtimes, "has_spandrel", lambda: False)
    monkeypatch.setattr(record, "has_spandrel", lambda: False)
    outcome = export_to(tmp_path / "out", write_weights(tmp_path / "small.pth", COMPACT), "pth")
    assert any(note.startswith("spandrel is not installed, so the .pth") for note in outcome.record.notes)
    assert "spandrel" not in {one.runtime for one in outcome.record.checks}


@pytest.mark.parametrize("spec", [SRResNetSpec(num_feat=8, num_block=1), RRDBNetSpec(num_feat=8, num_block=1, scale=1)])
def test_the_other_networks_go_to_ncnn_too(tmp_path, spec):
    for package in ("pnnx", "ncnn"):
        pytest.importorskip(package)
    outcome = export_to(tmp_path / "out", write_weights(tmp_path / "odd.pth", spec), "ncnn")
    assert 0 < outcome.record.checks[0].max_abs < 2e-4


def test_paths_of_this_machine_are_in_no_file_of_text(exported):
    texts = [path.read_text() for path in exported.folder.iterdir() if path.suffix in (".json", ".md", ".param")]
    assert len(texts) == 4
    assert not any(str(Path(exported.folder).parent) in text for text in texts)


@pytest.mark.shared_data
def test_the_released_compact_network_gives_the_ncnn_weights_that_its_authors_made(shared_data, tmp_path):
    for package in ("pnnx", "ncnn"):
        pytest.importorskip(package)
    weights = shared_data("weights/generators/realesr-general-x4v3.pth")
    outcome = export_to(tmp_path / "out", weights, "ncnn")
    assert outcome.record.checks[0].max_abs < 1e-5
    ours, theirs = outcome.folder / "realesr-general-x4v3-4x.bin", shared_data("weights/ncnn/realesr-general-x4v3.bin")
    assert ours.read_bytes() == theirs.read_bytes()
