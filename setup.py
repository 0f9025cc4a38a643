"""Build and install realesrgan_arch; its dependencies are read from requirements.txt."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def read(name: str) -> str:
    """Return the text of a file beside this one, or an empty string where it is absent."""
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def read_requirements(name: str) -> list[str]:
    """Return the requirements that a file lists, without its comments."""
    lines = (line.split("#")[0].strip() for line in read(name).splitlines())
    return [line for line in lines if line]


def read_version() -> str:
    """Return the version that the package declares, without importing it (torch may not be there yet)."""
    match = re.search(r'^__version__ = "(.+)"$', read("realesrgan_arch/__init__.py"), re.MULTILINE)
    if match is None:
        raise RuntimeError("realesrgan_arch/__init__.py has no line '__version__ = \"...\"'")
    return match.group(1)


setup(
    name="realesrgan-arch",
    version=read_version(),
    description="Fine-tune Real-ESRGAN on your own photographs, and know whether it became better.",
    long_description=read("README.md"),
    long_description_content_type="text/markdown",
    license="BSD-3-Clause",
    license_files=["LICENSE"],
    packages=find_packages(include=["realesrgan_arch", "realesrgan_arch.*"]),
    package_data={"realesrgan_arch": ["py.typed", "**/*.yml", "**/*.safetensors", "templates/*.html"]},
    python_requires=">=3.11,<3.13",
    install_requires=read_requirements("requirements.txt"),
    extras_require={
        "cluster": ["ray>=2.40,<3"],
        "dev": read_requirements("requirements-dev.txt"),
        "export": ["onnx>=1.17,<2", "onnxscript>=0.5,<1", "onnxruntime>=1.20,<2", "spandrel>=0.4.2"],
        "export-ncnn": ["pnnx>=20250101", "ncnn>=1.0.20250101,<2"],
        "kaggle": ["kagglehub>=0.3,<2"],
        "lmdb": ["lmdb>=1.4,<4"],
        "notebook": ["ipykernel>=7,<8"],
        "onnxruntime": ["onnxruntime>=1.20,<2", "onnx>=1.17,<2", "onnxscript>=0.5,<1"],
        "openvino": ["openvino>=2025.0,<2027"],
        "perceptual": ["torchmetrics>=1.9,<2"],
        "trackio": ["trackio>=0.2,<1"],
        "wandb": ["wandb>=0.16,<1"],
    },
    entry_points={"console_scripts": ["realesrgan-arch = realesrgan_arch.cli:main_process"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Multimedia :: Graphics",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
)
