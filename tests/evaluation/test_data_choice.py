"""What a person names becomes a set: the same pictures and the same LQ as `data freeze` would make."""

from dataclasses import replace

import pytest
import torch

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.manifest import write_split
from realesrgan_arch.data.split_folder import SplitCard, write_card
from realesrgan_arch.evaluation.chosen_set import UnreadablePairError
from realesrgan_arch.evaluation.data_choice import open_data
from tests.data.frozen import freeze, rows_below, write_blocks, write_villas


@pytest.fixture
def photos(tmp_path):
    return write_villas(tmp_path / "photos")


@pytest.fixture
def split(tmp_path, photos):
    folder = tmp_path / "data_split" / "houses"
    write_split([replace(row, tags=f"tag {row.scene[-1]}") for row in rows_below(photos)], folder)
    write_card(SplitCard(str(photos), "folder", 0, 0.5, 0.0), folder)
    return folder


@pytest.mark.parametrize("preset", ["full", "mild"])
def test_a_part_of_a_split_has_the_pairs_that_freezing_makes(split, photos, tmp_path, preset) -> None:
    freeze(photos, tmp_path / "frozen" / "val", preset=preset, max_size=64)
    cold = open_data(str(tmp_path / "frozen" / "val"))
    warm = open_data(str(split / "val"), preset=preset, max_size=64)
    assert cold.pairs.names == warm.pairs.names
    for frozen, made in zip(cold.pairs, warm.pairs, strict=True):
        assert frozen.name == made.name
        assert torch.equal(frozen.gt, made.gt) and torch.equal(frozen.lq, made.lq)


def test_a_folder_has_them_too_whatever_the_pictures_are_called(photos, tmp_path) -> None:
    before = open_data(str(photos), max_size=64).pairs[0]
    (photos / "villa 0" / "0.png").rename(photos / "villa 0" / "z.png")
    after = {pair.name: pair for pair in open_data(str(photos), max_size=64).pairs}
    assert before.name not in after
    assert torch.equal(after["villa 0/z.png"].lq, before.lq)


def test_scenes_groups_and_titles(split, photos, tmp_path) -> None:
    card = freeze(photos, tmp_path / "frozen" / "val", max_size=64)
    cold, warm, folder = (open_data(str(place)) for place in (tmp_path / "frozen" / "val", split / "val", photos))
    assert [one.title for one in (cold, warm, folder)] == ["frozen/val", "houses/val", "photos"]
    assert cold.scenes == warm.scenes == folder.scenes
    assert warm.scenes["villa 1/3.png"] == "villa 1"
    assert warm.groups["tags"]["villa 1/3.png"] == "tag 1"
    assert warm.groups["folder"]["villa 1/3.png"] == "villa 1"
    assert "tags" not in cold.groups, "all are of one tag"
    assert (cold.set_hash, warm.set_hash, cold.identity) == (card.short_hash, "", card.hash)


def test_the_csv_of_a_part_names_it_too(split) -> None:
    assert open_data(str(split / "val.csv")).identity == open_data(str(split / "val")).identity


def test_the_identity_changes_with_all_that_changes_pixels(split, photos) -> None:
    text = str(split / "val")
    sets = [
        open_data(text),
        open_data(text, seed=1),
        open_data(text, preset="mild"),
        open_data(text, max_size=None),
        open_data(text, scale=2),
        open_data(text, max_images=2),
        open_data(str(photos)),
    ]
    assert len({one.identity for one in sets}) == len(sets)
    before = open_data(str(photos)).identity
    write_blocks(photos / "villa 0" / "0.png", seed=77)
    assert open_data(str(photos)).identity != before


def test_a_share_of_a_frozen_set_has_not_its_hash(photos, tmp_path) -> None:
    freeze(photos, tmp_path / "val", max_size=64)
    share = open_data(str(tmp_path / "val"), max_images=2)
    assert (len(share.pairs), share.set_hash) == (2, "")
    assert [pair.name for pair in share.pairs] == list(share.pairs.names) == ["villa 0/0.png", "villa 1/1.png"]


def test_what_has_no_effect_on_a_frozen_set_is_said(photos, tmp_path) -> None:
    freeze(photos, tmp_path / "val", max_size=64)
    whole = open_data(str(tmp_path / "val"))
    assert whole.notes == ()
    said = "a frozen set is scored whole; --max-size has no effect"
    assert open_data(str(tmp_path / "val"), max_size=32).notes == (said,)
    share = f"2 of 4 pictures of frozen {whole.set_hash}: scores carry no hash"
    assert open_data(str(tmp_path / "val"), max_images=2).notes == (share,)
    assert open_data(str(photos), max_size=32, max_images=2).notes == ()


def test_several_lq_of_one_picture_have_names_of_their_own(photos, tmp_path) -> None:
    freeze(photos, tmp_path / "val", per_image=2, max_size=64)
    choice = open_data(str(tmp_path / "val"))
    assert len(set(choice.pairs.names)) == 8
    assert choice.scenes[choice.pairs.names[0]] == "villa 0"


def test_nothing_is_read_before_it_is_asked_for(photos) -> None:
    choice = open_data(str(photos))
    (photos / "villa 0" / "0.png").write_bytes(b"broken")
    assert choice.pairs[1].gt.shape == (3, 56, 72)
    with pytest.raises(UnreadablePairError, match="is not an image"):
        choice.pairs[0]


def test_a_picture_that_is_too_small_is_one_that_cannot_be_used(photos) -> None:
    write_blocks(photos / "tiny.png", seed=0, width=8, height=8)
    choice = open_data(str(photos), scale=16, max_size=None)
    with pytest.raises(UnreadablePairError, match=r"at least 16 pixels a side, got 8 x 8"):
        choice.pairs[choice.pairs.names.index("tiny.png")]


def test_a_changed_frozen_picture_spoils_the_set(photos, tmp_path) -> None:
    freeze(photos, tmp_path / "val", max_size=64)
    choice = open_data(str(tmp_path / "val"))
    write_blocks(next((tmp_path / "val" / "lq" / "villa 0").rglob("0*.png")), seed=9, width=16, height=8)
    with pytest.raises(DataError, match="other pixels than were frozen") as caught:
        choice.pairs[0]
    assert not isinstance(caught.value, UnreadablePairError)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere", "does not exist"),
        ("data_split/houses", "Expected one part of .*houses, got all of it; name .*houses.val"),
        ("frozen", "Expected one part of .*frozen, got all of it; name .*frozen.val"),
        ("data_split/houses/test", "Expected the part test in .*, got only val"),
    ],
)
def test_what_is_no_set_is_one_sentence(split, photos, tmp_path, name, sentence) -> None:
    freeze(photos, tmp_path / "frozen" / "val", max_size=64)
    with pytest.raises(DataError, match=sentence):
        open_data(str(tmp_path / name))


def test_a_split_whose_pictures_changed_is_refused(split, photos) -> None:
    write_blocks(photos / "villa 0" / "0.png", seed=77)
    with pytest.raises(DataError, match="changed since the manifest was written"):
        open_data(str(split / "val"))


def test_another_root_is_taken_where_it_is_named(split, photos, tmp_path) -> None:
    photos.rename(tmp_path / "moved")
    with pytest.raises(DataError, match="does not exist"):
        open_data(str(split / "val"))
    assert len(open_data(str(split / "val"), root=tmp_path / "moved").pairs) == 4


@pytest.mark.parametrize("size", [1, 3])
def test_a_max_size_below_the_scale_is_refused(photos, size) -> None:
    with pytest.raises(DataError, match="at least the scale 4"):
        open_data(str(photos), max_size=size)


def test_the_identity_is_that_of_the_pictures_and_not_of_how_the_folder_was_typed(
    photos, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_data("photos").identity == open_data(str(photos)).identity


def test_a_reason_names_the_file_below_the_folder(photos) -> None:
    (photos / "villa 0" / "0.png").write_bytes(b"broken")
    with pytest.raises(UnreadablePairError, match=r"^(?!.*photos).*villa 0/0\.png") as caught:
        open_data(str(photos)).pairs[0]
    assert str(photos.parent) not in str(caught.value)
