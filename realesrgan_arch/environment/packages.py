"""Required packages: installed, importable, recent enough; and packages that overwrite each other."""

import importlib
import importlib.metadata
import re
import sys
from collections.abc import Sequence

from realesrgan_arch.environment.attempt import attempt, module_or_none
from realesrgan_arch.environment.facts import Finding, Package

# (distribution, module, oldest release); the releases are those of requirements.txt, and a test compares them.
REQUIRED = (
    ("torch", "torch", "2.10"),
    ("torchvision", "torchvision", "0.25"),
    ("basicsr", "basicsr", "1.4.2"),
    ("realesrgan", "realesrgan", "0.3.0"),
    ("scipy", "scipy", "1.13"),
    ("requests", "requests", "2.32"),
    ("opencv-python", "cv2", "4.13"),
    ("numpy", "numpy", "2.0"),
    ("jinja2", "jinja2", "3.1"),
    ("pillow", "PIL", "12.3"),
    ("psutil", "psutil", "6"),
    ("pydantic", "pydantic", "2.10"),
    ("pyyaml", "yaml", "6.0"),
    ("safetensors", "safetensors", "0.5"),
    ("tensorboard", "tensorboard", "2.18"),
    ("tqdm", "tqdm", "4.66"),
)
# (extra, distribution, module): `pip install 'realesrgan-arch[extra]'`; setup.py has their releases.
OPTIONAL = (
    ("cluster", "ray", "ray"),
    ("export", "onnx", "onnx"),
    ("export-ncnn", "pnnx", "pnnx"),
    ("kaggle", "kagglehub", "kagglehub"),
    ("lmdb", "lmdb", "lmdb"),
    ("notebook", "ipykernel", "IPython"),
    ("onnxruntime", "onnxruntime", "onnxruntime"),
    ("openvino", "openvino", "openvino"),
    ("perceptual", "torchmetrics", "torchmetrics"),
)
OPENCV_FLAVOURS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def installed_version(distribution: str) -> str | None:
    """Return the version that the installation's records give, without importing the package."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def package(distribution: str, module: str, oldest: str) -> Package:
    """Import one required package and tell what came of it."""
    version = installed_version(distribution) or opencv_version(distribution)
    loaded, problem = attempt(lambda: importlib.import_module(module))
    # torch's wheels from the package index are recorded as 2.13.0 and know themselves as 2.13.0+cu130.
    built = str(getattr(loaded, "__version__", ""))
    if version is not None and built.startswith(f"{version}+"):
        version = built
    if version is None:
        problem = problem and "not installed"
    elif problem is None and release(version) < release(oldest):
        problem = f"older than {oldest}"
    return Package(name=distribution, version=version, problem=problem)


def opencv_version(distribution: str) -> str | None:
    """Any flavour of OpenCV provides `cv2`: return the version of the one that is installed instead."""
    if distribution != "opencv-python":
        return None
    return next(filter(None, map(installed_version, OPENCV_FLAVOURS)), None)


def release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: "2.13.0+cpu" -> (2, 13, 0)."""
    return tuple(int(number) for number in re.findall(r"\d+", version.split("+")[0])[:3])


def package_findings(packages: Sequence[Package]) -> list[Finding]:
    """One finding for each required package that cannot be used."""
    return [
        Finding(
            text=f"{package.name} {package.version or ''}".strip() + f" cannot be used: {package.problem}",
            mend=remedy(package),
            blocks_training=True,
        )
        for package in packages
        if package.problem is not None
    ]


def remedy(package: Package) -> str:
    """Return the command that mends a package."""
    problem = package.problem or ""
    if "libGL" in problem:
        return "apt-get install libgl1 (OpenCV needs it; a bare container has none)"
    if package.version is None or problem.startswith("older"):
        return "make venv, or: pip install -r requirements.txt -c constraints.txt"
    return f"pip install --force-reinstall --no-deps {package.name} -c constraints.txt"


def clash_findings() -> list[Finding]:
    """Packages that overwrite each other's files, and a torchvision that works only through our shim."""
    findings = []
    flavours = [name for name in OPENCV_FLAVOURS if installed_version(name)]
    if len(flavours) > 1:
        findings.append(
            Finding(
                text=f"{' and '.join(flavours)} share the folder cv2 and overwrite each other",
                mend=f"pip uninstall -y {' '.join(flavours)} && pip install opencv-python -c constraints.txt",
                blocks_training=False,
            )
        )
    if installed_version("tb-nightly") and installed_version("tensorboard"):
        findings.append(
            Finding(
                text="tb-nightly (brought by basicsr) overwrites files of tensorboard; "
                "that works with setuptools before 82, until one of the two is removed",
                mend="pip uninstall -y tb-nightly tensorboard && pip install tensorboard -c constraints.txt",
                blocks_training=False,
            )
        )
    if torchvision_lacks_operators():
        findings.append(
            Finding(
                text="torchvision has no compiled operators beside this torch; a shim stands in, nothing calls them",
                mend="no need; a torch and a torchvision of the same build (both CPU or both CUDA) would have them",
                blocks_training=False,
            )
        )
    return findings


def torchvision_lacks_operators() -> bool:
    """Whether torchvision is imported, but its `nms` is only a declared name without code (see `basicsr_shims`)."""
    torch = module_or_none("torch")
    if torch is None or "torchvision" not in sys.modules:
        return False
    has_kernel, _ = attempt(lambda: torch._C._dispatch_has_kernel_for_dispatch_key("torchvision::nms", "CPU"))
    return has_kernel is False
