"""The subset: the same for all, and of as many scenes as it can be."""

from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.layer_study.subset import draw_subset


def _rows(scenes: int, views: int) -> list[ManifestRow]:
    return [
        ManifestRow(f"{scene}/{view}.png", str(scene), "train", 8, 8, 1, "0")
        for scene in range(scenes)
        for view in range(views)
    ]


def test_every_scene_gives_a_picture_before_one_gives_two() -> None:
    chosen = draw_subset(_rows(10, 5), 10)
    assert {row.scene for row in chosen} == {str(scene) for scene in range(10)}
    more = [row.scene for row in draw_subset(_rows(10, 5), 13)]
    assert sorted(more.count(scene) for scene in set(more)) == [1] * 7 + [2] * 3


def test_the_subset_is_a_draw_that_repeats_in_the_order_of_the_manifest() -> None:
    rows = _rows(40, 1)
    chosen = draw_subset(rows, 10)
    assert chosen == draw_subset(rows, 10)
    assert [rows.index(row) for row in chosen] == sorted(rows.index(row) for row in chosen)
    assert chosen != rows[:10]


def test_all_pictures_are_taken_where_there_are_fewer() -> None:
    rows = _rows(3, 2)
    assert draw_subset(rows, 100) == rows
