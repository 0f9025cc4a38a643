"""Poisson noise by table: the exact law, and upstream's arithmetic around it."""

import numpy as np
import pytest
import torch
from scipy import stats

import tests.shims  # noqa: F401  isort: skip
from basicsr.data import degradations as upstream

from realesrgan_arch.degradation import poisson
from tests.degradation.pictures import rough_picture


def row_of(log2_photons, level):
    return 256 * log2_photons + level


@pytest.mark.parametrize(("log2_photons", "level"), [(0, 0), (0, 255), (3, 1), (7, 100), (8, 3), (8, 255)])
def test_table_holds_the_exact_law(log2_photons, level):
    table = poisson._packed_tables(torch.device("cpu")).view(-1, 512)[row_of(log2_photons, level)].numpy()
    share, alias = (table >> 9) / 2**15, table & 511
    probabilities = share / 512
    np.add.at(probabilities, alias, (1 - share) / 512)
    exact = stats.poisson.pmf(np.arange(512), 2**log2_photons * level / 255)
    # Each of the 512 shares is rounded to 2**-15 of its column.
    np.testing.assert_allclose(probabilities, exact, atol=2e-6)
    assert np.abs(probabilities - exact).sum() < 512 * 2**-24


@pytest.mark.parametrize(("log2_photons", "level"), [(1, 40), (7, 30), (8, 255)])
def test_counts_have_poisson_mean_variance_and_frequencies(log2_photons, level):
    field = torch.rand(200_000, generator=torch.Generator().manual_seed(1))
    counts = poisson._poisson_by_alias(torch.full_like(field, row_of(log2_photons, level)), field).numpy()
    mean = 2**log2_photons * level / 255
    standard_error = np.sqrt(mean / counts.size)
    assert abs(counts.mean() - mean) < 4 * standard_error
    assert abs(counts.var() / mean - 1) < 4 * np.sqrt((2 + 1 / mean) / counts.size)
    expected = stats.poisson.pmf(np.arange(512), mean) * counts.size
    observed = np.bincount(counts.astype(int), minlength=512)
    common = expected > 5
    chi_square = ((observed - expected)[common] ** 2 / expected[common]).sum()
    assert stats.chi2.sf(chi_square, df=common.sum() - 1) > 1e-3


def picture_of_levels(count, seed):
    """Return a picture (3, 16, 32) with exactly `count` distinct 8-bit levels."""
    levels = np.linspace(0, 255, count).round().astype(np.float32)
    pixels = np.resize(levels, 3 * 16 * 32)
    return torch.from_numpy(np.random.default_rng(seed).permutation(pixels).reshape(3, 16, 32) / 255)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 64, 65, 128, 129, 255, 256])
def test_distinct_levels_are_counted_up_to_the_next_power_of_two(count):
    levels = (picture_of_levels(count, 0) * 255).round()[None]
    assert poisson._log2_of_distinct(levels).item() == int(np.ceil(np.log2(count)))


def test_equals_upstream_given_the_counts(monkeypatch):
    """Upstream with `torch.poisson` replaced by our table shows the same levels, photons, gray choice and clamp."""
    image = torch.stack([picture_of_levels(4, 1), picture_of_levels(100, 2), picture_of_levels(256, 3)])
    image = (image + 0.3 / 255).clamp(0, 1)  # off the grid: upstream rounds for the law but adds to the real picture
    field = rough_picture(3, 16, 32)
    field[1] = field[1, :1]
    scale, is_gray = torch.tensor([0.4, 1.0, 2.7]), torch.tensor([False, True, False])

    def counts_for(rates):
        # Upstream also makes the gray noise of samples that do not use it; their counts do not matter.
        photons = rates.new_tensor([4.0, 256.0 if rates.shape[1] == 1 else 128.0, 256.0]).view(3, 1, 1, 1)
        law = (rates / photons * 255).round().clamp(0, 255) + 256 * photons.log2()
        return poisson._poisson_by_alias(law, field[:, : rates.shape[1]].contiguous())

    monkeypatch.setattr(torch, "poisson", counts_for)
    expected = upstream.add_poisson_noise_pt(image, scale, gray_noise=is_gray.float())
    got = poisson.add_poisson_noise(image, field, scale=scale, is_gray=is_gray)
    assert (expected - image).abs().amax(dim=(1, 2, 3)).min() > 0.05
    torch.testing.assert_close(got, expected, atol=1e-6, rtol=0)
