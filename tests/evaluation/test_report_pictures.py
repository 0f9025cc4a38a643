"""Pictures in a page: all of them as well as they fit, nothing from elsewhere, errors where they are."""

import base64
from pathlib import Path

import numpy as np
import pytest

from realesrgan_arch.evaluation.proof import ShownPicture
from realesrgan_arch.evaluation.report_maps import BRIGHTEST, error_map, errors, gain_map
from realesrgan_arch.evaluation.report_pictures import hang
from realesrgan_arch.image_formats import Pixels
from realesrgan_arch.images import decode_rgb, read_rgb
from tests.evaluation.proof_builders import SCALE, SIDE, noise, shown_picture

PLENTY = 10_000_000


def decoded(source: str) -> Pixels:
    """Return the pixels of a `data:` address."""
    return decode_rgb(base64.b64decode(source.split(",")[1]), Path("picture"))


def test_with_room_every_picture_is_exact(tmp_path: Path):
    gallery = hang([shown_picture(tmp_path, "house", "worst")], tmp_path, room=PLENTY)
    [exhibit] = gallery.exhibits
    assert [shot.method for shot in exhibit.shots] == ["lq", "bicubic", "base", "tuned", "ground truth"]
    assert (exhibit.width, exhibit.height) == (SIDE, SIDE)
    for shot in exhibit.shots:
        written = read_rgb(tmp_path / "pictures" / "house" / f"{shot.method}.png")
        assert np.array_equal(decoded(shot.source), written)
    assert gallery.notes == ()


def test_with_less_room_they_are_jpeg_and_the_page_says_so_but_the_input_stays_exact(tmp_path: Path):
    picture = shown_picture(tmp_path, "house", "worst")
    whole = hang([picture], tmp_path, room=PLENTY).exhibits[0].size
    gallery = hang([picture], tmp_path, room=whole - 1)
    shots = {shot.method: shot.source for shot in gallery.exhibits[0].shots}
    assert shots["lq"].startswith("data:image/png")
    assert shots["tuned"].startswith("data:image/jpeg")
    assert "JPEG at quality 95" in gallery.notes[0]
    assert gallery.exhibits[0].size < whole


def test_with_little_room_fewer_are_shown_one_of_each_kind_first(tmp_path: Path):
    pictures = [
        shown_picture(tmp_path, f"{why}{number}", why, seed=number) for why in ("worst", "best") for number in range(3)
    ]
    smallest = max(exhibit.size for exhibit in hang(pictures, tmp_path, room=6 * 30_000).exhibits)
    gallery = hang(pictures, tmp_path, room=int(2.5 * smallest))
    assert [exhibit.picture.name for exhibit in gallery.exhibits] == ["worst0", "best0"]
    assert sum(exhibit.size for exhibit in gallery.exhibits) <= 2.5 * smallest
    assert gallery.notes[0] == "4 of 6 places are not shown, as the page would be too large."


def test_a_picture_that_is_gone_or_damaged_is_left_out_with_a_note(tmp_path: Path):
    picture = shown_picture(tmp_path, "house", "worst")
    (tmp_path / picture.files["bicubic"]).unlink()
    (tmp_path / picture.files["base"]).write_bytes(b"no picture")
    gallery = hang([picture], tmp_path, room=PLENTY)
    assert [shot.method for shot in gallery.exhibits[0].shots] == ["lq", "tuned", "ground truth"]
    assert len(gallery.notes) == 2
    assert not any(str(tmp_path) in note for note in gallery.notes)
    assert gallery.exhibits[0].first_pair() == ("lq", "tuned")


def test_a_proof_cannot_bring_pictures_of_other_folders_into_the_page(tmp_path: Path):
    outside = tmp_path / "outside"
    shown_picture(outside, "private", "worst")
    folder = tmp_path / "results"
    folder.mkdir()
    files = {"tuned": "../outside/pictures/private/tuned.png", "base": str(outside / "pictures/private/base.png")}
    gallery = hang([ShownPicture("x", "x", "worst", 0.0, files)], folder, room=PLENTY)
    assert gallery.exhibits == ()
    assert all("outside the folder" in note for note in gallery.notes)


def test_error_maps_say_how_far_off_each_model_is_and_where_tuned_is_nearer(tmp_path: Path):
    [exhibit] = hang([shown_picture(tmp_path, "house", "worst")], tmp_path, room=PLENTY).exhibits
    assert [one.title for one in exhibit.maps] == ["Error, base", "Error, tuned", "Gained and lost"]
    assert exhibit.maps[0].note == "8.0 levels of 255 off on average"
    assert exhibit.maps[1].note == "4.0 levels of 255 off on average"
    assert "(100 % of pixels)" in exhibit.maps[2].note


def test_without_truth_there_are_no_error_maps(tmp_path: Path):
    picture = shown_picture(tmp_path, "house", "random")
    files = {method: file for method, file in picture.files.items() if method != "ground truth"}
    [exhibit] = hang([ShownPicture("house", "", "random", 0.0, files)], tmp_path, room=PLENTY).exhibits
    assert exhibit.maps == ()


def test_the_size_of_a_place_is_that_of_the_result_and_not_of_the_input(tmp_path: Path):
    picture = shown_picture(tmp_path, "house", "worst", side=32 * SCALE)
    assert hang([picture], tmp_path, room=PLENTY).exhibits[0].width == 32 * SCALE


def test_errors_are_means_over_the_channels_in_levels():
    truth = noise(1)
    assert errors(np.clip(truth, 0, 200) + 6, np.clip(truth, 0, 200)) == pytest.approx(6)


def test_right_is_black_and_far_off_is_bright():
    none, much = np.zeros((4, 4), np.float32), np.full((4, 4), BRIGHTEST, np.float32)
    assert error_map(none).max() < 10
    assert error_map(much).min() > 150
    assert error_map(none).shape == (2, 2, 3)


def test_gained_is_green_and_lost_is_orange():
    low, high = np.zeros((8, 8), np.float32), np.full((8, 8), 30, np.float32)
    red, green, _ = gain_map(high, low)[0, 0].tolist()
    assert green > red + 50
    red, green, _ = gain_map(low, high)[0, 0].tolist()
    assert red > green + 50
    assert len({*gain_map(low, low).ravel().tolist()}) <= 2
