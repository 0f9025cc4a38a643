"""Back-projection: by hand, against its definition, and equal in tiles and whole."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from realesrgan_arch.images import Picture, read_rgb
from realesrgan_arch.resampling import magnify_bicubic, resize_bicubic
from realesrgan_arch.upscaling import session
from realesrgan_arch.upscaling.consistency import REACH, ConsistentBackend, back_project
from realesrgan_arch.upscaling.engine import UpscaleError, Upscaler
from realesrgan_arch.upscaling.picture import PictureUpscaler
from realesrgan_arch.upscaling.session import RequestError, upscale
from tests.upscaling.backends_for_tests import Chooser


def _picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def _smooth(height: int, width: int) -> torch.Tensor:
    return magnify_bicubic(_picture(3, height // 4, width // 4), scale=4)


def _shrunk(image: torch.Tensor, scale: int) -> torch.Tensor:
    return resize_bicubic(image, scale=1 / scale)


def test_a_colour_cast_is_taken_away_by_the_strength() -> None:
    lq = torch.full((1, 3, 8, 8), 0.5)
    sr = torch.full((1, 3, 32, 32), 0.5)
    sr[:, 0] += 0.2
    for strength, left in ((0.5, 0.1), (1.0, 0.0)):
        found = back_project(sr, lq, strength=strength)
        torch.testing.assert_close(found[:, 0], torch.full((1, 32, 32), 0.5 + left), atol=1e-6, rtol=0)
        torch.testing.assert_close(found[:, 1:], sr[:, 1:], atol=1e-6, rtol=0)


def test_inside_a_picture_it_is_its_formula() -> None:
    sr, lq, border = _picture(1, 3, 64, 80), _picture(1, 3, 16, 20, seed=1), 6
    taps = torch.exp(-0.5 * (torch.arange(-2, 3) / 0.6) ** 2)
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    missing = lq - _shrunk(sr, 4)
    blurred = functional.conv2d(missing.transpose(0, 1), kernel[None, None], padding=2).transpose(0, 1)
    expected = sr + 0.7 * resize_bicubic(blurred, scale=4)
    inside = (..., slice(4 * border, -4 * border), slice(4 * border, -4 * border))
    torch.testing.assert_close(back_project(sr, lq, strength=0.7)[inside], expected[inside], atol=2e-6, rtol=0)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_result_made_small_is_nearer_to_its_input(scale: int) -> None:
    lq = _smooth(24, 32)
    sr = (magnify_bicubic(lq, scale=scale) * 0.9 + 0.1 * _picture(3, 24 * scale, 32 * scale)).clamp(0, 1)
    found = back_project(sr[None], lq[None], strength=1.0)[0]
    before, after = ((_shrunk(image, scale) - lq).abs().mean() for image in (sr, found))
    assert after < 0.5 * before


def test_a_result_that_is_its_input_made_large_stays() -> None:
    lq = torch.full((1, 3, 7, 5), 0.3)
    sr = torch.full((1, 3, 28, 20), 0.3)
    torch.testing.assert_close(back_project(sr, lq, strength=1.0), sr, atol=1e-6, rtol=0)


def test_what_nobody_sees_beyond_white_is_not_taken_for_light() -> None:
    lq = torch.ones(1, 3, 8, 8)
    torch.testing.assert_close(
        back_project(torch.full((1, 3, 16, 16), 1.5), lq, strength=0.5), torch.ones(1, 3, 16, 16), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("tile", [8, 20])
def test_tiles_equal_the_whole_where_the_overlap_is_its_reach_longer(scale: int, tile: int) -> None:
    image = _picture(3, 70, 61)
    backend = ConsistentBackend(Chooser(scale, radius=2), 0.8)
    pad = Chooser(scale, radius=2).reach + REACH
    whole = Upscaler(backend, tile=0).upscale(image)
    assert torch.allclose(Upscaler(backend, tile=tile, tile_pad=pad).upscale(image), whole, atol=1e-6)
    short = Upscaler(backend, tile=tile, tile_pad=pad - REACH).upscale(image)
    assert not torch.allclose(short, whole, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("is_gray", [False, True])
def test_depth_gray_and_alpha_survive_and_strips_are_the_whole(dtype: type, is_gray: bool) -> None:
    generator = np.random.default_rng(0)
    rgb = generator.integers(0, np.iinfo(dtype).max, (40, 36, 1 if is_gray else 3), dtype, endpoint=True)
    picture = Picture(np.repeat(rgb, 3, 2) if is_gray else rgb, alpha=rgb[..., 0].copy(), is_gray=is_gray)
    plain, drawn = (
        PictureUpscaler(Upscaler(backend, tile=16, tile_pad=12), outscale=2.0, alpha_upsampler="network")
        for backend in (Chooser(2), ConsistentBackend(Chooser(2), 1.0))
    )
    result = drawn.upscale(picture)
    assert (result.rgb.dtype, result.rgb.shape) == (dtype, (80, 72, 3))
    assert result.alpha is not None and result.alpha.dtype == dtype
    assert not np.array_equal(result.rgb, plain.upscale(picture).rgb)
    strips = np.concatenate(list(drawn.upscale_strips(picture)))
    assert np.array_equal(strips[..., :3], result.rgb)
    assert np.array_equal(strips[..., 3], result.alpha)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (3, 2)])
def test_pictures_smaller_than_its_reach_are_no_case_apart(size) -> None:
    found = Upscaler(ConsistentBackend(Chooser(4), 1.0)).upscale(_picture(3, *size))
    assert found.shape == (3, 4 * size[0], 4 * size[1])
    assert found.isfinite().all()


def test_values_that_are_not_finite_are_still_seen_and_computed_again() -> None:
    class Overflows(Chooser):
        def run(self, batch):
            result = super().run(batch)
            if self.dtype == torch.float16:
                result[0, 0, 5, 5] = float("inf")
            return result

        def run_exactly(self, batch):
            return super().run(batch)

    image = _picture(3, 20, 20)
    expected = Upscaler(ConsistentBackend(Chooser(2), 1.0)).upscale(image)
    found = Upscaler(ConsistentBackend(Overflows(2, dtype=torch.float16), 1.0)).upscale(image)
    assert torch.equal(found, expected)

    class Broken(Chooser):
        def run(self, batch):
            return super().run(batch).fill_(float("inf"))

    with pytest.raises(UpscaleError, match="not finite"):
        Upscaler(ConsistentBackend(Broken(2), 1.0)).upscale(image)


def test_it_takes_its_own_memory_only_where_that_is_more_than_the_networks() -> None:
    class Narrow(Chooser):
        def bytes_per_pixel(self) -> int:
            return 10

    assert ConsistentBackend(Chooser(2), 1.0).bytes_per_pixel() == 1000
    assert ConsistentBackend(Narrow(4), 1.0).bytes_per_pixel() == 12 * (4 * 16 + 8)


@pytest.mark.parametrize("strength", [0.0, 1.1, float("nan")])
def test_a_strength_that_means_nothing_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="0 < strength <= 1"):
        ConsistentBackend(Chooser(2), strength)


def test_a_run_records_it_and_another_strength_is_another_result(request_of_three) -> None:
    upscale(request_of_three)
    plain = read_rgb(request_of_three.output / "a.png")
    asked = replace(request_of_three, consistency=0.5, resume=True)
    assert len(upscale(asked).report.made) == 3
    *_, line = (request_of_three.output / "manifest.jsonl").read_text().splitlines()
    assert json.loads(line)["settings"]["consistency"] == 0.5
    assert not np.array_equal(read_rgb(request_of_three.output / "a.png"), plain)
    assert upscale(asked).report.made == ()
    assert len(upscale(replace(asked, consistency=0.6)).report.made) == 3


def test_a_run_gives_its_tiles_the_further_overlap(request_of_three, monkeypatch) -> None:
    pads = []
    real = session.Upscaler
    monkeypatch.setattr(session, "Upscaler", lambda *args, **kw: pads.append(kw["tile_pad"]) or real(*args, **kw))
    upscale(request_of_three)
    upscale(replace(request_of_three, consistency=1.0))
    assert pads == [16, 16 + REACH]


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_run_refuses_a_strength_outside_0_to_1_before_it_looks_at_anything(request_of_three, strength) -> None:
    with pytest.raises(RequestError, match="expected a consistency from 0 to 1, got"):
        upscale(replace(request_of_three, consistency=strength, model="none"))
