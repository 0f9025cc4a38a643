"""The comparison of a runtime with the source."""

import numpy as np
import pytest

from realesrgan_arch.upscaling.export import ncnn_files
from realesrgan_arch.upscaling.export.check import NotReadableError, NotTheSameError, check, draw_pictures, sizes_for
from realesrgan_arch.upscaling.export.formats import FORMATS, Runtime
from realesrgan_arch.upscaling.export.runtimes import has_spandrel

PTH = FORMATS["pth"]


def _off_by(value):
    return lambda path: lambda pictures: pictures + np.float32(value)


def _examples():
    return tuple((one, one) for one in draw_pictures(1))


def test_the_largest_and_the_mean_difference_are_told_in_pictures_and_levels(tmp_path):
    found = check(PTH, Runtime("r", _off_by(0.25), 0.5), tmp_path, _examples())
    assert (found.max_abs, found.mean_abs) == (pytest.approx(0.25), pytest.approx(0.25))
    assert found.facts()["max_levels"] == pytest.approx(63.75)


@pytest.mark.parametrize("value", [0.3, float("nan"), float("inf")])
def test_more_than_the_tolerance_is_an_error_and_so_is_what_is_no_number(tmp_path, value):
    with pytest.raises(NotTheSameError, match=r"--to pth: r gives pictures that differ .* at most 0.25 is allowed"):
        check(PTH, Runtime("r", _off_by(value), 0.25), tmp_path, _examples())


def test_another_shape_is_an_error(tmp_path):
    half = Runtime("r", lambda path: lambda pictures: pictures[..., ::2], 1)
    with pytest.raises(NotTheSameError, match="gives pictures of the shape"):
        check(PTH, half, tmp_path, _examples())


@pytest.mark.parametrize("multiple", [1, 2, 4])
def test_no_size_is_one_that_an_exporter_followed(multiple):
    followed = {(24, 32), *(shape[2:] for shape in ncnn_files._SHAPES)}
    assert not followed & {sides for _, *sides in sizes_for(multiple) for sides in [tuple(sides)]}


class _ForeignError(Exception):
    pass


@pytest.mark.parametrize(
    "fault", [OSError("ncnn cannot read x"), _ForeignError("bad graph\nat line 7"), KeyError("in0")]
)
@pytest.mark.parametrize("is_at_opening", [True, False])
def test_a_fault_of_a_runtime_is_one_sentence(tmp_path, fault, is_at_opening):
    def fail(_):
        raise fault

    runtime = Runtime("r", fail if is_at_opening else lambda path: fail, 1)
    with pytest.raises(
        NotReadableError, match=r"^--to pth: r cannot read the file that was written \([^\n]+\), so"
    ) as seen:
        check(PTH, runtime, tmp_path, _examples())
    assert seen.value.exit_code == 4


@pytest.mark.parametrize("name", ["onnx", "openvino", "ncnn", "safetensors", "pth"])
def test_every_runtime_refuses_a_damaged_file_in_one_sentence(tmp_path, name):
    for suffix in ("param", "bin", "x"):
        (tmp_path / f"a.{suffix}").write_bytes(b"no network")
    for module, _ in FORMATS[name].needs:
        pytest.importorskip(module)
    for runtime in FORMATS[name].runtimes:
        if runtime.name == "spandrel" and not has_spandrel():
            continue
        with pytest.raises(NotReadableError, match="cannot read the file"):
            check(FORMATS[name], runtime, tmp_path / ("a.param" if name == "ncnn" else "a.x"), _examples())


def test_sizes_are_odd_and_not_square_where_the_network_takes_them():
    assert sizes_for(1) == [(2, 27, 35), (1, 33, 47), (1, 61, 18)]
    assert sizes_for(2) == [(2, 28, 36), (1, 34, 48), (1, 62, 18)]
    assert sizes_for(4) == [(2, 28, 36), (1, 36, 48), (1, 64, 20)]


def test_pictures_are_the_same_every_time_and_within_range():
    first, second = list(draw_pictures(2)), list(draw_pictures(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert [one.shape for one in first] == [(2, 3, 28, 36), (1, 3, 34, 48), (1, 3, 62, 18)]
    assert min(one.min() for one in first) >= 0 and max(one.max() for one in first) <= 1
    assert all(one.std() > 0.1 for one in first)
