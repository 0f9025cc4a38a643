import random
import struct
import zlib

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import tests.shims  # noqa: F401  isort: skip
from basicsr.data.transforms import augment

from realesrgan_arch.data.dataset import GtDataset, PairedDataset, Turn, draw_turn
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.sampler import SampleRequest
from realesrgan_arch.images import Box, ImageError, decode_rgb_part, read_rgb, write_image
from realesrgan_arch.seeding import numpy_generator
from tests.data.pictures import noise, write_noise, write_truncated


def place_of(crop: torch.Tensor, pixels: np.ndarray) -> list[tuple[int, int]]:
    """Every top-left corner at which the crop (3, H, W) lies in the picture."""
    wanted = crop.permute(1, 2, 0).numpy()
    height, width = wanted.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (height, width), axis=(0, 1)).transpose(0, 1, 3, 4, 2)
    return [tuple(place) for place in np.argwhere((windows == wanted).all(axis=(2, 3, 4)))]


def plain(paths, crop_size=16, **kwargs) -> GtDataset:
    return GtDataset(paths, crop_size=crop_size, seed=1, use_hflip=False, use_rot=False, **kwargs)


def test_a_sample_is_a_contiguous_uint8_crop_of_its_picture(tmp_path):
    path = write_noise(tmp_path / "a.png", seed=0)
    sample = plain([path])[SampleRequest(0, step=4, slot=2)]
    assert sample["gt"].dtype == torch.uint8 and sample["gt"].shape == (3, 16, 16) and sample["gt"].is_contiguous()
    assert len(place_of(sample["gt"], noise(0))) == 1
    assert (sample["gt_path"], sample["failed_path"], sample["padded"]) == (str(path), "", False)


def test_the_crop_depends_on_seed_step_and_slot_and_on_nothing_else(tmp_path):
    dataset = plain([write_noise(tmp_path / "a.png", seed=0)])
    first = dataset[SampleRequest(0, 4, 2)]["gt"]
    torch.manual_seed(1)
    random.seed(1)
    assert dataset[SampleRequest(0, 4, 2)]["gt"].equal(first)
    assert not dataset[SampleRequest(0, 4, 3)]["gt"].equal(first)
    assert not dataset[SampleRequest(0, 5, 2)]["gt"].equal(first)
    other = GtDataset(dataset.paths, crop_size=16, seed=2, use_hflip=False, use_rot=False)
    assert not other[SampleRequest(0, 4, 2)]["gt"].equal(first)


def interlaced_png(pixels: np.ndarray) -> bytes:
    """Adam7: seven smaller pictures, each row without a filter."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = [row.tobytes() for top, left, down, across in passes for row in pixels[top::down, left::across]]
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 1)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    parts = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("write", ["cv2", "pillow", "interlaced", "16-bit", "gray", "jpeg", "oriented"])
def test_a_part_equals_the_same_part_of_the_whole_picture(tmp_path, write):
    path = tmp_path / ("a.jpg" if write == "jpeg" else "a.png")
    image = Image.fromarray(noise(0, 50, 70))
    exif = Image.Exif()
    exif[274] = 6 if write == "oriented" else 1
    if write == "cv2":
        write_image(path, noise(0, 50, 70))
    elif write == "16-bit":
        write_image(path, noise(0, 50, 70).astype(np.uint16) * 255)
    elif write == "interlaced":
        path.write_bytes(interlaced_png(noise(0, 50, 70)))
        assert np.array_equal(read_rgb(path), noise(0, 50, 70))
    else:
        (image.convert("L") if write == "gray" else image).save(path, exif=exif)
    for box in (Box(0, 0, 1, 1), Box(3, 5, 20, 60), Box(10, 0, 49, 50), Box(0, 0, 50, 50)):
        part = decode_rgb_part(path.read_bytes(), path, lambda height, width, box=box: box)
        assert np.array_equal(part, read_rgb(path)[box.top : box.bottom, box.left : box.right])


def test_only_the_rows_above_the_end_of_the_part_are_decoded(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(noise(0, 400, 400)).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) * 9 // 10] ^= 1
    path.write_bytes(data)
    assert np.array_equal(
        decode_rgb_part(path.read_bytes(), path, lambda *_: Box(10, 0, 40, 30)), noise(0, 400, 400)[10:40, :30]
    )
    with pytest.raises(ImageError, match="damaged PNG"):
        read_rgb(path)


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("vflip", [False, True])
@pytest.mark.parametrize("transpose", [False, True])
def test_undoing_a_turn_finds_the_part_that_becomes_the_box(hflip, vflip, transpose):
    turn, box, whole = Turn(hflip, vflip, transpose), Box(2, 5, 11, 30), noise(0)
    before = turn.undo(box, height=40, width=60)
    part = whole[before.top : before.bottom, before.left : before.right]
    assert np.array_equal(turn.apply(part), turn.apply(whole)[box.top : box.bottom, box.left : box.right])


def test_crops_reach_every_place_of_the_picture(tmp_path):
    dataset = plain([write_noise(tmp_path / "a.png", seed=0, height=19, width=17)])
    places = {place_of(dataset[SampleRequest(0, step, 0)]["gt"], noise(0, 19, 17))[0] for step in range(150)}
    assert places == {(top, left) for top in range(4) for left in range(2)}


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("vflip", [False, True])
@pytest.mark.parametrize("transpose", [False, True])
def test_a_turn_equals_basicsr_augment(hflip, vflip, transpose, monkeypatch):
    # basicsr draws hflip, vflip, rot90 in this order, each when below 0.5.
    draws = iter(0.0 if flag else 1.0 for flag in (hflip, vflip, transpose))
    monkeypatch.setattr(random, "random", lambda: next(draws))
    expected = augment(noise(0), hflip=True, rotation=True)
    assert np.array_equal(Turn(hflip, vflip, transpose).apply(noise(0)), expected)


def test_all_eight_turns_are_drawn_equally_often_and_switches_hold():
    turns = [draw_turn(numpy_generator(0, i, 7), use_hflip=True, use_rot=True) for i in range(4000)]
    counts = [turns.count(Turn(h, v, t)) for h in (0, 1) for v in (0, 1) for t in (0, 1)]
    assert min(counts) > 420 and sum(counts) == 4000  # 500 each; the standard deviation is 21.
    assert {t.hflip for t in turns[:50] if not t.vflip} == {False, True}
    only_flip = [draw_turn(numpy_generator(0, i, 7), use_hflip=True, use_rot=False) for i in range(50)]
    assert {(t.hflip, t.vflip, t.transpose) for t in only_flip} == {(False, False, False), (True, False, False)}
    assert draw_turn(numpy_generator(0, 3, 7), use_hflip=False, use_rot=False) == Turn(False, False, False)


@pytest.mark.parametrize(("height", "width"), [(10, 60), (60, 10), (5, 5), (2, 3), (1, 1), (1, 40)])
def test_a_small_picture_is_padded_by_reflection_as_often_as_needed(tmp_path, height, width):
    dataset = plain([write_noise(tmp_path / "a.png", seed=0, height=height, width=width)])
    sample = dataset[SampleRequest(0, 0, 0)]
    padding = ((0, max(0, 16 - height)), (0, max(0, 16 - width)), (0, 0))
    assert (
        sample["padded"] and len(place_of(sample["gt"], np.pad(noise(0, height, width), padding, mode="reflect"))) >= 1
    )


def test_padding_happens_after_the_turn_as_upstream(tmp_path):
    path = write_noise(tmp_path / "a.png", seed=0, height=9, width=60)
    dataset = GtDataset([path], crop_size=16, seed=0)
    for step in range(12):
        crop = dataset[SampleRequest(0, step, 0)]["gt"].permute(1, 2, 0).numpy()
        mirrored_rows = np.array_equal(crop[9:16], crop[7:0:-1])
        mirrored_columns = np.array_equal(crop[:, 9:16], crop[:, 7:0:-1])
        assert mirrored_rows or mirrored_columns


def test_an_unreadable_file_is_replaced_by_another_the_same_every_time(tmp_path):
    paths = [write_noise(tmp_path / f"{i}.png", seed=i) for i in range(6)]
    write_truncated(paths[2])
    dataset = plain(paths)
    sample = dataset[SampleRequest(2, step=8, slot=1)]
    assert sample["failed_path"] == str(paths[2]) and sample["gt_path"] != str(paths[2])
    again = dataset[SampleRequest(2, step=8, slot=1)]
    assert again["gt_path"] == sample["gt_path"] and again["gt"].equal(sample["gt"])
    stand_ins = {dataset[SampleRequest(2, step, 0)]["gt_path"] for step in range(60)}
    assert stand_ins == {str(path) for i, path in enumerate(paths) if i != 2}


def test_a_data_set_of_broken_files_stops_with_one_sentence(tmp_path):
    paths = [write_truncated(tmp_path / f"{i}.png") for i in range(3)]
    with pytest.raises(DataError, match=r"6 images in a row cannot be read; .*First: .*1.png is a truncated PNG"):
        plain(paths)[SampleRequest(1, 0, 0)]
    with pytest.raises(DataError, match="6 images in a row"):
        plain(paths[:1])[SampleRequest(0, 0, 0)]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_plain_indices_give_new_crops_in_every_epoch(tmp_path, num_workers):
    loader = DataLoader(plain([write_noise(tmp_path / "a.png", seed=0)]), batch_size=1, num_workers=num_workers)
    crops = [next(iter(loader))["gt"] for _ in range(4)]
    assert len({crop.numpy().tobytes() for crop in crops}) == 4
    assert len(place_of(crops[0][0], noise(0))) == 1


# Pairs


def write_pair(folder, seed: int = 0, lq_height: int = 12, lq_width: int = 20, scale: int = 4):
    """The gt is the lq with every pixel repeated, so that alignment can be read from the pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    lq = noise(seed, lq_height, lq_width)
    write_image(folder / f"lq{seed}.png", lq)
    write_image(folder / f"gt{seed}.png", cv2.resize(lq, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST))
    return folder / f"gt{seed}.png", folder / f"lq{seed}.png"


def repeated(lq: torch.Tensor, scale: int = 4) -> torch.Tensor:
    return lq.repeat_interleave(scale, 1).repeat_interleave(scale, 2)


@pytest.mark.parametrize("shape", [(12, 20), (5, 20), (3, 3), (1, 2)])
def test_pair_crops_are_aligned_for_every_turn_and_when_padded(tmp_path, shape):
    pair = write_pair(tmp_path, lq_height=shape[0], lq_width=shape[1])
    dataset = PairedDataset([pair], gt_size=32, scale=4, seed=0, use_hflip=True, use_rot=True)
    samples = [dataset[SampleRequest(0, step, 0)] for step in range(24)]
    for sample in samples:
        assert sample["gt"].shape == (3, 32, 32) and sample["lq"].shape == (3, 8, 8)
        assert sample["gt"].equal(repeated(sample["lq"]))
        assert sample["padded"] == (min(shape) < 8)
    assert len({sample["lq"].numpy().tobytes() for sample in samples}) >= 4


def test_a_pair_of_wrong_sizes_names_both_files(tmp_path):
    dataset = PairedDataset([write_pair(tmp_path)], gt_size=16, scale=2, seed=0)
    with pytest.raises(DataError, match=r"gt0.png to be 2 times as large as .*lq0.png, got 80 x 48 and 20 x 12"):
        dataset[SampleRequest(0, 0, 0)]
    with pytest.raises(DataError, match="gt_size to be a multiple of the scale 4, got 30"):
        PairedDataset([], gt_size=30, scale=4, seed=0)


def test_a_pair_with_an_unreadable_half_is_replaced(tmp_path):
    pairs = [write_pair(tmp_path, seed=i) for i in range(3)]
    write_truncated(pairs[1][1])
    sample = PairedDataset(pairs, gt_size=16, scale=4, seed=0)[SampleRequest(1, 0, 0)]
    assert sample["failed_path"] == str(pairs[1][0]) and sample["gt_path"] != str(pairs[1][0])
