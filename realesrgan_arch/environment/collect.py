"""Gather every fact; importing a broken package cannot stop it."""

import importlib
import platform
from pathlib import Path

from realesrgan_arch import __version__
from realesrgan_arch.environment.attempt import attempt
from realesrgan_arch.environment.facts import Environment
from realesrgan_arch.environment.machine import describe_resources, device_findings, list_devices, resource_findings
from realesrgan_arch.environment.packages import REQUIRED, clash_findings, package, package_findings
from realesrgan_arch.environment.weight_files import list_weights, weight_folders, weights_findings


def collect_environment(folder: Path) -> Environment:
    """Return the facts about this process's Python, its packages and devices, and the disk that holds `folder`."""
    # First, since torchvision, basicsr and realesrgan cannot be imported without the shims on some machines.
    attempt(lambda: importlib.import_module("realesrgan_arch.basicsr_shims").import_shims())
    packages = tuple(package(*row) for row in REQUIRED)
    resources = describe_resources(folder)
    weights = list_weights()
    return Environment(
        version=__version__,
        python=platform.python_version(),
        system=platform.platform(),
        packages=packages,
        devices=list_devices(),
        resources=resources,
        weights=weights,
        weight_folders=weight_folders(),
        findings=(
            *package_findings(packages),
            *clash_findings(),
            *device_findings(),
            *resource_findings(resources),
            *weights_findings(weights),
        ),
    )
