"""Optional packages: one sentence where they are absent, and no word to anybody that they are used."""

import subprocess
import sys

import pytest

from realesrgan_arch.extras import MissingExtraError, require_extra


def test_a_missing_package_is_said_with_how_to_install_it() -> None:
    with pytest.raises(
        MissingExtraError, match=r"^Stars needs no_such_package, which is not installed; run pip install "
    ):
        require_extra("no_such_package", extra="stars", purpose="Stars")


def test_openvino_reports_its_use_to_nobody() -> None:
    pytest.importorskip("openvino")
    script = (
        "from realesrgan_arch.extras import require_extra\n"
        "require_extra('openvino', extra='openvino', purpose='This')\n"
        "import openvino.tools.ovc as ovc\n"
        "print(ovc.telemetry.__class__.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub"]
