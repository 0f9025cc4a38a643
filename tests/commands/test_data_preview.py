import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from realesrgan_arch.commands import data
from realesrgan_arch.data.assembly import build_training_set
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.sampler import StepSampler
from realesrgan_arch.errors import UserError
from realesrgan_arch.images import read_rgb, write_image
from realesrgan_arch.options.load import load_options
from realesrgan_arch.training.assembly import assemble_synthesis
from realesrgan_arch.training.steps import as_float
from tests.data.pictures import write_truncated
from tests.tiny_run import tiny_options, write_options, write_pictures


@pytest.fixture
def options_file(in_tmp_path):
    write_pictures(in_tmp_path / "photos")
    return write_options(in_tmp_path / "x.yml", tiny_options(in_tmp_path / "photos", in_tmp_path))


def pictures_of(page):
    """Decode the PNGs of a page, in their order, as RGB."""
    found = re.findall(r'src="data:image/png;base64,([^"]+)" width="(\d+)" height="(\d+)"', page)
    decoded = [
        cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR_RGB) for text, *_ in found
    ]
    return decoded, [(int(width), int(height)) for _, width, height in found]


def lq_of_training(file, *, step):
    """Return the LQ batch (B, H, W, 3) that a run's own parts make in `step`, with its pool still empty."""
    options = load_options(file).options
    dataset = build_training_set(options.datasets.train, scale=4, gt_size=32, seed=options.manual_seed)
    sampler = StepSampler(len(dataset), 2, options.manual_seed, start_step=step, num_steps=1)
    batch = next(iter(DataLoader(dataset, batch_sampler=sampler)))
    synthesis = assemble_synthesis(options)
    assert synthesis.pool is not None
    lq, _ = synthesis.make_pairs(as_float(batch["gt"], device=torch.device("cpu")), step=step)
    return lq.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("step", [1, 3])
def test_the_first_row_holds_the_very_bytes_that_training_sees(options_file, step):
    assert data.main(["preview", str(options_file), "--images", "2", "--step", str(step), "--draws", "2"]) == 0
    pictures, _ = pictures_of(Path("preview/tiny.html").read_text())
    expected = lq_of_training(options_file, step=step)
    assert len(pictures) == 2 * (1 + 2 * 2)  # for each: the GT, and each of two draws enlarged and at its own size
    for slot, row in enumerate((pictures[:5], pictures[5:])):
        assert np.array_equal(row[1], expected[slot]) and np.array_equal(row[2], expected[slot])
        assert not np.array_equal(row[3], row[1])


def test_the_page_shows_the_gate_and_the_ranges_only_where_something_is_drawn_from_them(options_file):
    command = ["preview", str(options_file), "--images", "2", "--draws", "4"]
    gate = "gate={clean: 0.3, one_order: 0.7}"
    assert data.main([*command, "--out", "both.html", "--set", gate, "jpeg_range=[41, 42]"]) == 0
    page = Path("both.html").read_text()
    assert "<th>clean</th><td>30%</td><td>MATLAB&#39;s bicubic alone</td>" in page and "41 to 42" in page
    assert "gate one_order" in page
    assert data.main([*command, "--out", "clean.html", "--set", "gate={clean: 1}", "jpeg_range=[41, 42]"]) == 0
    page = Path("clean.html").read_text()
    assert "<td>100%</td>" in page and "41 to 42" not in page and "MATLAB" in page


def test_the_page_shows_each_lq_at_both_sizes_with_words_and_needs_nothing_else(options_file, capsys):
    assert data.main(["preview", str(options_file), "--images", "3", "--draws", "1", "--out", "p/sheet.html"]) == 0
    page = Path("p/sheet.html").read_text()
    _, sizes = pictures_of(page)
    assert sizes == [(32, 32), (32, 32), (8, 8)] * 3
    for words in ("image-rendering: pixelated", "first pass", "quality ", "PSNR of bicubic", "0.15 to 1.5", "seed 0"):
        assert words in page
    assert "http" not in page
    said = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("note: ")]
    assert said[0] == "3 training samples of steps 1 to 2, seed 0" and said[1] == "wrote p/sheet.html"


def test_changed_options_change_the_page(options_file):
    arguments = ["preview", str(options_file), "--images", "1", "--draws", "1"]
    assert data.main([*arguments, "--set", "noise_range=[7,7]", "manual_seed=5"]) == 0
    page = Path("preview/tiny.html").read_text()
    assert "seed 5" in page and "<td>7, 50% of batches</td>" in page


def test_pairs_are_shown_as_they_are(in_tmp_path):
    gts = write_pictures(in_tmp_path / "gt")
    for path in gts:
        lq = in_tmp_path / "lq" / path.relative_to(in_tmp_path / "gt")
        lq.parent.mkdir(parents=True, exist_ok=True)
        write_image(lq, np.ascontiguousarray(read_rgb(path)[::4, ::4]))
    mapping = tiny_options(in_tmp_path / "gt", in_tmp_path)
    mapping["datasets"]["train"] |= {"type": "PairedImageDataset", "dataroot_lq": str(in_tmp_path / "lq")}
    mapping["datasets"]["train"].pop("crop_size")
    file = write_options(in_tmp_path / "x.yml", mapping)
    assert data.main(["preview", str(file), "--images", "2"]) == 0
    page = Path("preview/tiny.html").read_text()
    pictures, sizes = pictures_of(page)
    assert sizes == [(32, 32), (32, 32), (8, 8)] * 2 and "nothing is degraded" in page and "first pass" not in page
    assert np.array_equal(pictures[0][::4, ::4], pictures[1])


def test_an_unreadable_picture_is_named(options_file, in_tmp_path, capsys):
    for scene in range(3):
        write_truncated(in_tmp_path / f"photos/scene {scene}/broken.png")
    assert data.main(["preview", str(options_file), "--images", "8", "--draws", "1"]) == 3
    assert "broken.png: another image stands in for it" in capsys.readouterr().out
    assert "stands in for <code>" in Path("preview/tiny.html").read_text()


def test_only_a_page_of_ours_is_replaced(options_file):
    arguments = ["preview", str(options_file), "--images", "1", "--draws", "1", "--out", "page.html"]
    Path("page.html").write_text("<p>mine")
    with pytest.raises(DataError, match=r"page\.html exists already and is no page of `data preview`"):
        data.main(arguments)
    assert Path("page.html").read_text() == "<p>mine"
    Path("page.html").unlink()
    assert data.main(arguments) == 0
    first = Path("page.html").read_text()
    assert data.main([*arguments, "--step", "2"]) == 0 and Path("page.html").read_text() != first


def test_mistakes_are_one_sentence(options_file):
    with pytest.raises(DataError, match="Expected --out to name a page"):
        data.main(["preview", str(options_file), "--out", str(options_file)])
    with pytest.raises(DataError, match="Expected datasets.train in the option file"):
        data.main(["preview", str(options_file), "--set", "datasets.train=null", "train=null"])
    with pytest.raises(UserError, match="does not exist"):
        data.main(["preview", str(options_file), "--set", "datasets.train.dataroot_gt=nowhere"])
    with pytest.raises(UserError, match=r"none\.yml"):
        data.main(["preview", "none.yml"])
    with pytest.raises(SystemExit, match="2"):
        data.main(["preview", str(options_file), "--images", "0"])


def plain_options_file(folder, degradation, **changes):
    write_pictures(folder / "photos")
    mapping = tiny_options(folder / "photos", folder) | changes
    mapping["datasets"]["train"]["degradation"] = degradation
    return write_options(folder / "x.yml", mapping)


def test_bicubic_data_has_one_draw_in_one_sentence_without_a_pool(in_tmp_path):
    file = plain_options_file(in_tmp_path, "bicubic")
    assert data.main(["preview", str(file), "--images", "2", "--draws", "3"]) == 0
    page = Path("preview/tiny.html").read_text()
    pictures, sizes = pictures_of(page)
    assert sizes == [(32, 32), (32, 32), (8, 8)] * 2
    assert "shrunk by MATLAB&#39;s bicubic kernel" in page and "exactly what the network is given" in page
    for words in ("first pass", "JPEG", "nothing is degraded", "the pool deals them out"):
        assert words not in page
    options = load_options(file).options
    dataset = build_training_set(options.datasets.train, scale=4, gt_size=32, seed=0)
    batch = next(iter(DataLoader(dataset, batch_sampler=StepSampler(len(dataset), 2, 0, start_step=1, num_steps=1))))
    synthesis = assemble_synthesis(options)
    assert synthesis.pool is None
    lq, _ = synthesis.make_pairs(as_float(batch["gt"], device=torch.device("cpu")), step=1)
    seen = lq.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(pictures[1], seen[0]) and np.array_equal(pictures[4], seen[1])


def test_blurred_bicubic_data_show_the_range_and_each_draw_its_sigma(in_tmp_path):
    file = plain_options_file(in_tmp_path, "blur_bicubic")
    assert (
        data.main(["preview", str(file), "--images", "1", "--draws", "2", "--set", "datasets.train.blur_sigma=[1,2]"])
        == 0
    )
    page = Path("preview/tiny.html").read_text()
    assert "blurred by a Gaussian with a sigma of 1 to 2 px and then" in page
    sigmas = re.findall(r"Gaussian blur of sigma (\d\.\d\d) px, then bicubic", page)
    assert len(set(sigmas)) == 2 and all(1 <= float(sigma) <= 2 for sigma in sigmas)
