"""What makes a scene, and which scenes are kept together."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.scan import ScannedImage
from realesrgan_arch.data.scenes import (
    Join,
    Label,
    join_scenes,
    label_by_cluster,
    label_by_folder,
    label_by_stem,
    label_by_table,
    near_pairs,
)
from realesrgan_arch.perceptual_hash import MIN_DETAIL, Fingerprint

FAR = 2**64 - 1


def image(path: str, content: str = "", bits: int | None = None, detail: float = 1.0) -> ScannedImage:
    look = None if bits is None else Fingerprint(bits, detail)
    return ScannedImage(path, 8, 8, 100, hashlib.sha256((content or path).encode()).hexdigest(), look)


def scenes(labels: dict[str, Label]) -> list[str]:
    return [label.scene for label in labels.values()]


def test_a_folder_is_a_scene_and_a_file_in_the_root_is_its_own():
    paths = ["villa/north/1.jpg", "villa/1.jpg", "1.jpg"]
    assert scenes(label_by_folder(paths)) == ["villa/north", "villa", "1.jpg"]


def test_a_title_is_a_scene_across_folders_and_names_of_cameras_go_by_their_folder():
    paths = ["a/Villa-Savoye-1.jpg", "b/villa_savoye (2).png", "a/IMG_0001.jpg", "b/IMG_0001.jpg", "DSC0001.jpg"]
    assert scenes(label_by_stem(paths)) == ["villa savoye", "villa savoye", "a", "b", "DSC0001.jpg"]


def test_look_alikes_and_copies_are_a_cluster_that_is_named_by_its_content_wherever_it_lies():
    images = [
        image("c.jpg", bits=3),
        image("b.jpg", bits=0),
        image("a.jpg", bits=FAR),
        image("d.jpg", "a.jpg", bits=FAR),
    ]
    labels = label_by_cluster(images, near_pairs(images, max_distance=2))
    least = {path: min(item.sha256 for item in images if item.path in path)[:12] for path in ("b.jpg c.jpg", "a.jpg")}
    assert [labels[path].scene for path in ("b.jpg", "c.jpg")] == [f"look-{least['b.jpg c.jpg']}"] * 2
    assert [labels[path].scene for path in ("a.jpg", "d.jpg")] == [f"look-{least['a.jpg']}"] * 2
    renamed = [image("0.jpg", "b.jpg", bits=0), *images[:1], *images[2:]]
    again = label_by_cluster(renamed, near_pairs(renamed, max_distance=2))
    assert (again["0.jpg"], again["c.jpg"]) == (labels["b.jpg"], labels["c.jpg"])


def test_pictures_without_detail_or_hash_are_not_compared():
    images = [image("1", bits=0), image("2", bits=1, detail=MIN_DETAIL / 2), image("3"), image("4", bits=3)]
    pairs = near_pairs(images, max_distance=8)
    assert [(pair.first.path, pair.second.path, pair.distance) for pair in pairs] == [("1", "4", 2)]


def test_a_table_names_scenes_and_tags(tmp_path):
    (tmp_path / "t.csv").write_text(
        'scene,path,tags,note\nvilla,a/1.jpg,interior,x\nhut,"b, c.jpg",,\nhut,gone.jpg,,\n'
    )
    assert label_by_table(["b, c.jpg", "a/1.jpg"], tmp_path / "t.csv") == {
        "b, c.jpg": Label("hut"),
        "a/1.jpg": Label("villa", "interior"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,scene\na,x\n", r"no line for 4 of 5 images: b, c, d and 1 more; add them"),
        ("name,scene\na,x\n", r"must have the columns path,scene .* first line is 'name,scene'"),
        ("path,scene\na,x\na,y\n", r"line 3: 'a' stands there twice"),
        ("path,scene\na,\n", r"line 2: 'a' needs a scene"),
        ("path,scene\na\n", r"line 2 must have 2 values"),
        ("path,scene\n,x\n", r"line 2: '' must be a path below the folder of the images"),
        (
            "path,scene\na\0,x\n",
            r"line 2: 'a\\x00' must be a path below|t.csv is damaged in line 2 \(line contains NUL\)",
        ),
        ('path,scene\nb,x\na,"' + "x" * 200_000, r"t.csv is damaged in line 3 \(field larger than field limit"),
        ("", r"must have the columns"),
    ],
)
def test_a_table_that_does_not_fit_is_one_sentence(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        label_by_table(["a", "b", "c", "d", "e"], tmp_path / "t.csv")
    with pytest.raises(DataError, match="none.csv cannot be read: No such file"):
        label_by_table([], tmp_path / "none.csv")


def test_scenes_with_the_same_bytes_or_look_are_joined_and_it_is_said_why():
    images = [image("a/1", bits=0), image("b/1", bits=3), image("c/1", bits=FAR), image("d/1", "c/1"), image("e/1")]
    labels = label_by_folder([item.path for item in images])
    groups = join_scenes(images, labels, near_pairs(images, max_distance=2))
    assert groups.group_by_scene == {"a": "a", "b": "a", "c": "c", "d": "c", "e": "e"}
    assert groups.joins == (Join("c/1", "d/1", None), Join("a/1", "b/1", 2))


contents = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("12345678")), max_size=25)


@given(contents, st.randoms(use_true_random=False))
def test_joined_scenes_are_the_connected_ones_in_any_order(drawn, random):
    images = [image(f"{scene}/{index}", content) for index, (scene, content) in enumerate(drawn)]
    labels = label_by_folder([item.path for item in images])
    groups = join_scenes(images, labels, []).group_by_scene
    expected = {scene: {scene} for scene, _ in drawn}
    for _ in drawn:
        for first, content in drawn:
            for second, other in drawn:
                if content == other:
                    expected[first] |= expected[second]
    assert groups == {scene: min(connected) for scene, connected in expected.items()}
    random.shuffle(images)
    assert join_scenes(images, labels, []).group_by_scene == groups
