"""The digest of a data set: names and sizes below the root, in order."""

from realesrgan_arch.data.assembly import build_training_set
from realesrgan_arch.data.list_hash import hash_training_set
from realesrgan_arch.options.datasets import TrainDataset
from tests.tiny_run import write_pictures


def _hash(root) -> str:
    options = TrainDataset(type="GtDataset", batch_size_per_gpu=1, dataroot_gt=root)
    return hash_training_set(build_training_set(options, scale=4, gt_size=None, seed=0), options)


def test_a_folder_may_move_but_no_name_and_no_size_may_change(tmp_path) -> None:
    paths = write_pictures(tmp_path / "a", scenes=1, views=2)
    first = _hash(tmp_path / "a")
    assert first.startswith("2 images (")
    (tmp_path / "a").rename(tmp_path / "b")
    assert _hash(tmp_path / "b") == first
    moved = tmp_path / "b" / paths[0].relative_to(tmp_path / "a")
    content = moved.read_bytes()
    moved.write_bytes(content + b"\0")
    assert _hash(tmp_path / "b") != first
    moved.write_bytes(content)
    assert _hash(tmp_path / "b") == first
    moved.rename(moved.with_name("other.png"))
    assert _hash(tmp_path / "b") != first
