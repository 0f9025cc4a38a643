"""Titles: what remains of a file name when counters, sizes and marks of cameras and programs are gone."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realesrgan_arch.data.stems import stem_of


@pytest.mark.parametrize(
    "name",
    [
        "villa-savoye-03.jpg",
        "villa_savoye (2).png",
        "Villa Savoye 4 of 12.JPG",
        "VILLA SAVOYE.tif",
        "villa-savoye-1024x683.jpg",
        "villa-savoye-14-1024x683.jpg",
        "villa-savoye-scaled.jpg",
        "villa-savoye_1920w.webp",
        "villa savoye - Copy (3).jpg",
        "03 villa savoye.jpg",
        "villa-savoye-north.jpg",
        "villa-savoye-view-3.jpg",
        "villa_savoye3.jpg",
        "villa_savoye_02a.jpg",
        "villa-savoye-e1623423423.jpg",
        "IMG_0012 villa savoye.jpg",
        "villa.savoye.2.jpg.jpg",
    ],
)
def test_views_of_one_title_have_one_stem(name):
    assert stem_of(name) == "villa savoye"


@pytest.mark.parametrize(
    "name",
    [
        "IMG_0001.JPG",
        "IMG-20230101-WA0001.jpg",
        "img0001.jpg",
        "_MG_1234.CR2.jpg",
        "DSC0001.jpg",
        "DSC_6466.JPG",
        "_DSC1234.jpg",
        "DSCF1234.jpg",
        "P1010003.JPG",
        "PXL_20230101_120000123.jpg",
        "MVIMG_20190101_120000.jpg",
        "DJI_0042.JPG",
        "GOPR0001.jpg",
        "WhatsApp Image 2023-01-01 at 10.10.10.jpg",
        "Screenshot 2023-01-01 101010.png",
        "image (3).png",
        "photo-12.jpg",
        "train_img_542.jpg",
        "19144401003_5d0dee05f5_o.jpg",
        "550e8400-e29b-41d4-a716-446655440000.jpg",
        "d41d8cd98f00b204e9800998ecf8427e.png",
        "100_1234.jpg",
        "25.jpg",
        "a.jpg",
        "view 3.jpg",
        "(1).jpg",
        ".jpg",
    ],
)
def test_names_of_cameras_and_programs_say_nothing(name):
    assert stem_of(name) == ""


def test_titles_stay_apart():
    names = [
        "house-by-architect-14-1024x683.jpg",
        "house-12-by-architect.jpg",
        "cafe-1.jpg",
        "北京-1.jpg",
        "東京駅 2.jpg",
    ]
    assert [stem_of(name) for name in names] == [
        "house by architect", "house 12 by architect", "cafe", "北京", "東京駅",
    ]  # fmt: skip


def test_accents_are_one_however_they_are_stored():
    for form in ("NFC", "NFD"):
        assert stem_of(unicodedata.normalize(form, "École-Zürich-2.jpg")) == unicodedata.normalize(
            "NFC", "école zürich"
        )


@given(st.text(st.characters(exclude_characters="/\0"), max_size=40))
def test_any_name_has_a_stem_or_none_and_a_counter_does_not_change_it(name):
    stem = stem_of(f"villa {name}.jpg")
    assert stem == stem_of(f"{stem}.jpg") or not stem
    assert stem_of("\udcff villa \udce9.jpg") == "villa"
