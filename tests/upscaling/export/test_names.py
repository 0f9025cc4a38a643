"""What the files of an export may be called."""

import pytest

from realesrgan_arch.upscaling.export import session
from realesrgan_arch.upscaling.export.source import ExportError
from tests.upscaling.export.parts import COMPACT, export_to, write_weights


@pytest.mark.parametrize("name", [".hidden", "a/b", "a\nb"])
def test_a_name_that_is_none_for_a_file_is_refused(tmp_path, name):
    weights = write_weights(tmp_path / "small.pth", COMPACT)
    with pytest.raises(ExportError, match="--name: expected a name for files"):
        export_to(tmp_path / "out", weights, "pth", name=name)


@pytest.mark.parametrize(("name", "read"), [("arch2x", 2), ("ARCHX2", 2), ("my-3x", 3)])
def test_a_name_from_which_upscayl_reads_another_scale_is_refused_for_ncnn_only(tmp_path, name, read, monkeypatch):
    monkeypatch.setattr(session, "check_packages", lambda chosen: None)
    weights = write_weights(tmp_path / "small.pth", COMPACT)
    with pytest.raises(ExportError, match=f"would take {name}-4x for a x{read} model, but it is x4; choose a --name"):
        export_to(tmp_path / "out", weights, "ncnn", name=name)
    assert export_to(tmp_path / "out", weights, "pth", name=name).record.name == name
