"""`doctor` tells the facts, names what is wrong, and never crashes on a broken package."""

import importlib
import importlib.metadata
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from realesrgan_arch import devices
from realesrgan_arch.commands import doctor
from realesrgan_arch.environment import attempt, machine, packages, weight_files
from realesrgan_arch.environment.collect import collect_environment
from realesrgan_arch.environment.facts import Resources
from realesrgan_arch.weights import table as weights_table

GIB = 1024**3
PLENTY = Resources(
    cores=2, memory=8 * GIB, memory_free=4 * GIB, shared_memory_free=GIB, disk_free=9 * GIB, disk_path="/data"
)


@pytest.fixture(scope="module")
def environment():
    return collect_environment(Path.cwd())


@pytest.fixture
def break_import(monkeypatch):
    """Make the import of one module raise."""

    def install(name, error):
        def import_module(wanted, *rest):
            if wanted.split(".")[0] == name:
                raise error
            return real(wanted, *rest)

        real = importlib.import_module
        monkeypatch.setattr(importlib, "import_module", import_module)

    return install


@pytest.fixture
def installed(monkeypatch):
    """Pretend that exactly these distributions are installed."""

    def install(**versions):
        def version(name):
            if name.replace("-", "_") not in versions:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions[name.replace("-", "_")]

        monkeypatch.setattr(importlib.metadata, "version", version)

    return install


def texts(findings):
    return [finding.text for finding in findings]


def test_the_installed_torch_and_numpy_are_named_with_their_versions(environment):
    versions = {package.name: package.version for package in environment.packages}
    assert versions["torch"] == torch.__version__
    assert versions["numpy"] == importlib.metadata.version("numpy")


def test_every_required_package_is_usable_here_and_training_can_run(environment):
    assert [(package.name, package.problem) for package in environment.packages if package.problem] == []
    assert environment.can_train


def test_report_ends_with_a_fenced_block_that_holds_versions_and_findings(capsys):
    assert doctor.main([]) == 0
    report = capsys.readouterr().out
    block = re.search(r"Paste this into a bug report:\n```\n(.+)\n```\n\Z", report, re.DOTALL)
    assert block is not None
    assert f"torch {torch.__version__}" in block[1]
    assert "Training can run here." in report


def test_bug_report_does_not_tell_the_home_folder(environment, monkeypatch):
    monkeypatch.setenv("HOME", environment.resources.disk_path)
    assert "free at ~" in "\n".join(doctor.bug_report_lines(environment))


def test_json_holds_the_same_facts(capsys):
    assert doctor.main(["--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["can_train"] is True
    assert {"name": "torch", "version": torch.__version__, "problem": None} in facts["packages"]


@pytest.mark.parametrize(
    "error", [ImportError("libtorch.so: cannot open"), RuntimeError("bad build"), OSError(8, "exec")]
)
def test_broken_torch_is_reported_not_raised_and_the_exit_code_is_2(break_import, capsys, error):
    break_import("torch", error)
    assert doctor.main([]) == 2
    report = capsys.readouterr().out
    assert f"cannot be used: {type(error).__name__}: {error}" in report
    assert "Training cannot run here until the above is mended." in report


def test_missing_package_is_called_not_installed_and_names_the_requirements(break_import, installed):
    break_import("safetensors", ModuleNotFoundError("No module named 'safetensors'"))
    installed()
    missing = packages.package("safetensors", "safetensors", "0.5")
    assert (missing.version, missing.problem) == (None, "not installed")
    (finding,) = packages.package_findings([missing])
    assert finding.blocks_training
    assert "pip install -r requirements.txt" in finding.mend


def test_package_older_than_the_requirement_blocks_training(installed):
    installed(torch="2.9.1")
    old = packages.package("torch", "torch", "2.10")
    assert texts(packages.package_findings([old])) == ["torch 2.9.1 cannot be used: older than 2.10"]


@pytest.mark.parametrize("version", ["2.10", "2.10.0", "2.13.0+cpu", "3.0.0a1"])
def test_package_of_the_required_release_or_newer_is_fine(installed, version):
    installed(torch=version)
    assert packages.package("torch", "torch", "2.10").problem is None


def test_opencv_without_its_system_library_names_the_system_package(break_import):
    break_import("cv2", ImportError("libGL.so.1: cannot open shared object file"))
    (finding,) = packages.package_findings([packages.package("opencv-python", "cv2", "4.10")])
    assert finding.mend.startswith("apt-get install libgl1")


def test_headless_opencv_alone_is_fine(installed):
    installed(opencv_python_headless="4.12.0")
    assert packages.package("opencv-python", "cv2", "4.10").version == "4.12.0"
    assert not any("cv2" in text for text in texts(packages.clash_findings()))


def test_two_flavours_of_opencv_are_a_clash_with_a_command_that_mends_it(installed):
    installed(opencv_python="5.0.0", opencv_python_headless="5.0.0")
    (finding,) = [finding for finding in packages.clash_findings() if "cv2" in finding.text]
    assert finding.mend.startswith("pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python")


def test_nightly_tensorboard_beside_tensorboard_is_a_clash(installed):
    installed(tensorboard="2.21.0")
    assert not any("tb-nightly" in text for text in texts(packages.clash_findings()))
    installed(tensorboard="2.21.0", tb_nightly="2.21.0a20251023")
    assert any(text.startswith("tb-nightly") for text in texts(packages.clash_findings()))


def test_torchvision_without_operators_is_told_only_where_they_are_missing(monkeypatch):
    for has_kernel, told in ((False, True), (True, False)):
        monkeypatch.setattr(torch._C, "_dispatch_has_kernel_for_dispatch_key", lambda *_, answer=has_kernel: answer)
        assert any("no compiled operators" in text for text in texts(packages.clash_findings())) is told


def test_nvidia_driver_that_torch_cannot_use_is_told(monkeypatch, tmp_path):
    (tmp_path / "version").write_text("NVRM version: 570")
    monkeypatch.setattr(machine, "NVIDIA_DRIVER", tmp_path / "version")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "was built for the CPU only" in texts(machine.device_findings())[0]


def test_plenty_of_everything_has_no_finding_and_little_has():
    assert machine.resource_findings(PLENTY) == []
    poor = Resources(
        cores=2, memory=None, memory_free=None, shared_memory_free=64 * 1024**2, disk_free=GIB, disk_path="/data"
    )
    assert texts(machine.resource_findings(poor)) == [
        "/dev/shm has 67.1 MB free; workers that load data need more",
        "the disk of /data has 1.0 GiB free",
    ]


def test_memory_is_the_limit_of_the_container_where_that_is_smaller(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "MEMORY_LIMIT", limit)
    whole = machine.total_memory()
    limit.write_text("1073741824\n")
    assert machine.total_memory() == GIB
    limit.write_text("max\n")
    assert machine.total_memory() == whole


def test_free_disk_is_that_of_the_folder_that_will_be_made(tmp_path):
    assert machine.describe_resources(tmp_path / "not" / "yet").disk_path == str(tmp_path)


def test_weights_are_absent_verified_or_named_with_what_is_wrong(monkeypatch, tmp_path):
    digest = "00" * 32
    monkeypatch.setenv(weights_table.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights_table, "search_folders", lambda: (tmp_path,))
    monkeypatch.setattr(weights_table, "sha256_of", lambda path: known_good if "x2plus" in path.name else digest)
    known_good = weights_table.KNOWN_WEIGHTS["RealESRGAN_x2plus"].sha256
    for name in ("RealESRGAN_x2plus.pth", "RealESRGAN_x4plus.pth"):
        (tmp_path / name).write_bytes(b"weights")
    found = {file.name: file for file in weight_files.list_weights()}
    assert weight_files.weight_folders() == (str(tmp_path),)
    assert found["RealESRGAN_x2plus"].state == "verified"
    assert found["RealESRGAN_x4plus"].state == "differs"
    assert found["RealESRNet_x4plus"].state == "absent"
    (finding,) = weight_files.weights_findings(list(found.values()))
    assert finding.text.endswith(
        f"RealESRGAN_x4plus.pth is not the published RealESRGAN_x4plus: its SHA-256 is {digest}"
    )
    assert finding.mend.endswith("realesrgan-arch weights get RealESRGAN_x4plus")
    assert not finding.blocks_training


def test_weight_file_that_cannot_be_read_is_reported_not_raised(monkeypatch, tmp_path):
    def fail(path):
        raise PermissionError("denied")

    known = weights_table.KNOWN_WEIGHTS["RealESRGAN_x4plus"]
    monkeypatch.setattr(weights_table, "present_file", lambda known: tmp_path / known.file_name)
    monkeypatch.setattr(weights_table, "verify", fail)
    assert weight_files.weight_file(weights_table, known).state == "PermissionError: denied"


def test_the_cpu_is_named_with_the_precisions_that_auto_means_there(environment):
    cpu = environment.devices[0]
    assert cpu.description == devices.describe_cpu()
    fast = "bf16" if devices.has_fast_bf16(devices.cpu_features()) else "fp32"
    assert (cpu.training_precision, cpu.upscaling_precision) == (fast, fast)


@pytest.fixture
def pretended_cuda(monkeypatch):
    properties = SimpleNamespace(name="NVIDIA L4", total_memory=24 * GIB, major=8, minor=9)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 9))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA L4")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (21 * GIB, 24 * GIB))
    monkeypatch.setattr(torch.version, "cuda", "13.0")


def test_the_report_says_where_weights_were_looked_for(environment):
    [line] = [line for line in doctor.report_lines(environment) if "looked for in" in line]
    assert "experiments/pretrained_models, weights, " in line and "REALESRGAN_ARCH_WEIGHTS names others" in line


def test_cuda_device_is_described_by_name_capability_memory_and_precision(pretended_cuda):
    _, gpu = machine.list_devices()
    assert gpu.description == "cuda:0 NVIDIA L4, compute capability 8.9, 24 GiB, 21.0 GiB free, CUDA 13.0"
    assert (gpu.training_precision, gpu.upscaling_precision) == ("bf16", "fp16")


def test_device_that_answers_with_an_error_is_reported_not_raised(pretended_cuda, monkeypatch):
    def fail(device):
        raise RuntimeError("CUDA error: device busy")

    monkeypatch.setattr(torch.cuda, "mem_get_info", fail)
    _, gpu = machine.list_devices()
    assert gpu.description == "cuda:0 cannot be used: RuntimeError: CUDA error: device busy"


def test_without_torch_the_devices_and_weights_are_unknown(monkeypatch):
    monkeypatch.setattr(machine, "module_or_none", lambda name: None)
    monkeypatch.setattr(weight_files, "module_or_none", lambda name: None)
    assert machine.list_devices() == ()
    assert machine.device_findings() == []
    assert weight_files.list_weights() == weight_files.weight_folders() == ()


def test_attempt_returns_the_first_line_of_what_went_wrong():
    def fail():
        raise RuntimeError("first line\nsecond line")

    assert attempt.attempt(fail) == (None, "RuntimeError: first line")
    assert attempt.attempt(lambda: 5) == (5, None)
