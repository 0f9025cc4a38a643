"""The installation agrees with itself: ranges, pins, the packages that the code imports, what the documents name."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch import __version__
from realesrgan_arch.environment.packages import OPTIONAL, REQUIRED
from realesrgan_arch.python_version import NEWEST, OLDEST

ROOT = Path(__file__).parents[1]
MODULE_OF = {name: module for name, module, _ in REQUIRED}


def read_requirements(name):
    """Distribution (as in the file) -> specifiers, comments left out."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    return dict(re.fullmatch(r"([\w.-]+)(.*)", line).groups() for line in lines if line)


def comparable(version):
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


REQUIREMENTS = read_requirements("requirements.txt")
DEVELOPMENT = read_requirements("requirements-dev.txt")
PINS = {normal(name): pin for name, pin in read_requirements("constraints.txt").items()}


@pytest.mark.parametrize("name", [*REQUIREMENTS, *DEVELOPMENT])
def test_a_requirement_is_a_range_and_its_pin_lies_within(name):
    limits = (REQUIREMENTS | DEVELOPMENT)[name]
    assert "==" not in limits, f"{name} is pinned in the requirements: pins belong into constraints.txt"
    pin = comparable(PINS[normal(name)])
    lower, upper = re.search(r">=([\d.]+)", limits), re.search(r"<([\d.]+)", limits)
    assert lower or upper
    assert lower is None or pin >= comparable(lower[1])
    assert upper is None or pin < comparable(upper[1])


@pytest.mark.parametrize("name", PINS)
def test_constraints_are_exact_and_free_of_local_builds(name):
    assert re.fullmatch(r"==\d[\w.]*", PINS[name]), f"{name}{PINS[name]} is no exact public version"


def test_doctor_knows_the_oldest_release_of_every_requirement():
    lower = {name: re.search(r">=([\d.]+)", limits) for name, limits in REQUIREMENTS.items()}
    assert {name: oldest for name, _, oldest in REQUIRED} == {name: match[1] for name, match in lower.items() if match}


def test_opencv_is_recent_enough_to_write_colour_profiles():
    oldest = {name: comparable(release) for name, _, release in REQUIRED}
    assert oldest["opencv-python"] >= comparable("4.13"), "4.12 warns and writes the picture without its profile"


def test_every_package_that_the_code_imports_is_required():
    imported = set()
    for path in (ROOT / "realesrgan_arch").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.split(".")[0])
    foreign = imported - sys.stdlib_module_names - {"realesrgan_arch"} - {module for _, _, module in OPTIONAL}
    assert foreign <= set(MODULE_OF.values()), f"add {sorted(foreign - set(MODULE_OF.values()))} to requirements.txt"


def test_every_extra_is_declared_in_setup():
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    for extra, distribution, _ in OPTIONAL:
        assert f'"{extra}": ["{distribution}>=' in setup


def test_setup_tells_name_version_and_supported_pythons():
    command = [sys.executable, "setup.py", "--name", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["realesrgan-arch", __version__]
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    assert f'python_requires=">={OLDEST[0]}.{OLDEST[1]},<{NEWEST[0]}.{NEWEST[1] + 1}"' in setup


def test_an_installed_copy_holds_every_file_of_the_package(tmp_path):
    command = [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    ours = {path.relative_to(ROOT) for path in (ROOT / "realesrgan_arch").rglob("*.*") if path.suffix != ".pyc"}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")} == ours


def run_make(*arguments):
    if shutil.which("make") is None:
        pytest.skip("make is not on this machine")
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def pretended_python(tmp_path):
    """A `python` that says it is of another version."""

    def write(version):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\necho {version}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.mark.parametrize("version", ["3.10", "3.13"])
def test_make_on_another_python_says_one_sentence_and_makes_nothing(pretended_python, tmp_path, version):
    python = pretended_python(version)
    done = run_make("venv", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: realesrgan_arch needs Python 3.11 or 3.12, but found {python} ({version});")
    assert not (tmp_path / "venv").exists()


def test_make_without_any_python_says_so(tmp_path):
    done = run_make("venv", f"PYTHON={tmp_path / 'nowhere'}", f"VENV={tmp_path / 'venv'}")
    assert "but found none; install one of them" in done.stderr


def test_ready_environment_is_not_installed_again(tmp_path):
    stamp = tmp_path / "venv" / ".ready"
    stamp.parent.mkdir()
    stamp.touch()
    assert "--no-build-isolation" in run_make("--dry-run", "test", f"VENV={tmp_path / 'other'}").stdout
    assert "--no-build-isolation" not in run_make("--dry-run", "test", f"VENV={stamp.parent}").stdout


def make_targets():
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docs/architecture.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_make_targets_and_option_files_that_exist(document):
    if not document.exists():
        pytest.skip(f"{document.name} is not written yet")
    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"^\s*(?:\$ )?make ([a-z]+)", text, re.MULTILINE)) | set(
        re.findall(r"`make ([a-z]+)`", text)
    )
    assert named <= make_targets()
    missing = [name for name in set(re.findall(r"options/\w+\.yml", text)) if not (ROOT / name).exists()]
    assert missing == []


TORCHRUN = ("--nproc_per_node", "--nnodes", "--rdzv_id", "--rdzv_backend", "--rdzv_endpoint", "--standalone")
"""Flags of torchrun itself."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_flags_that_the_code_declares(document):
    if not document.exists():
        pytest.skip(f"{document.name} is not written yet")
    ours = r"^.*(?:realesrgan-arch |realesrgan_arch[/.]|scripts/).*$"
    commands = re.findall(ours, document.read_text(encoding="utf-8"), re.MULTILINE)
    flags = {flag for line in commands for flag in re.findall(r"(?<=\s)--?[a-zA-Z][\w-]*", line)}
    folders = (ROOT / "realesrgan_arch", ROOT / "scripts")
    code = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    unknown = sorted(flag for flag in flags - {"-m", "-h", "--help", *TORCHRUN} if f'"{flag}"' not in code)
    assert unknown == []
