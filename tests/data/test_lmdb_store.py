"""LMDB in BasicSR's layout: what we write BasicSR reads, what it writes we read, and faults are sentences."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

import tests.shims  # noqa: F401  isort: skip
import lmdb
from basicsr.data.data_util import paths_from_lmdb
from basicsr.utils import FileClient, imfrombytes
from basicsr.utils.lmdb_util import make_lmdb_from_imgs

from realesrgan_arch.data.dataset import GtDataset
from realesrgan_arch.data.files import DataError, list_images
from realesrgan_arch.data.lmdb_store import LmdbSource, key_of, write_lmdb
from realesrgan_arch.data.manifest import ManifestRow
from realesrgan_arch.data.sampler import SampleRequest
from realesrgan_arch.extras import MissingExtraError
from realesrgan_arch.images import ImageError, decode_rgb, read_rgb
from tests.data.pictures import noise, rows_of, write_noise

NAMES = ("villa/a.png", "villa/b v1.2.png", "c.png")


@pytest.fixture
def photos(tmp_path) -> Path:
    for index, name in enumerate(NAMES):
        write_noise(tmp_path / "photos" / name, seed=index)
    return tmp_path / "photos"


@pytest.fixture
def store(photos, tmp_path) -> Path:
    write_lmdb(rows_of(photos), photos, tmp_path / "x.lmdb")
    return tmp_path / "x.lmdb"


def test_images_come_back_byte_for_byte_with_dots_and_spaces_in_their_names(photos, store):
    source = LmdbSource((store,))
    found = source.list(store)
    assert sorted(path.relative_to(store).as_posix() for path in found) == sorted(NAMES)
    for path in found:
        original = photos / path.relative_to(store)
        assert source.read(path) == original.read_bytes() and source.num_bytes(path) == original.stat().st_size
    assert sorted(path.name for path in store.iterdir()) == ["data.mdb", "lock.mdb", "meta_info.txt"]


def test_basicsr_reads_what_we_wrote(photos, store):
    client = FileClient("lmdb", db_paths=[str(store)], client_keys=["gt"])
    keys = paths_from_lmdb(str(store))
    assert {"villa/a", "c"} <= set(keys)
    pixels = imfrombytes(client.get("villa/a", "gt"), float32=False)
    assert np.array_equal(pixels[..., ::-1], noise(0))
    assert client.get("villa/b v1.2", "gt") == (photos / NAMES[1]).read_bytes()


def test_what_basicsr_wrote_is_read(photos, tmp_path, capsys):
    names = [path.relative_to(photos).as_posix() for path in list_images(photos)]
    keys = [name.removesuffix(".png") for name in names]
    make_lmdb_from_imgs(str(photos), str(tmp_path / "theirs.lmdb"), names, keys)
    capsys.readouterr()
    source = LmdbSource((tmp_path / "theirs.lmdb",))
    found = source.list(tmp_path / "theirs.lmdb")
    assert [path.relative_to(tmp_path / "theirs.lmdb").as_posix() for path in found] == names
    for path in found:
        original = read_rgb(photos / path.relative_to(tmp_path / "theirs.lmdb"))
        assert np.array_equal(decode_rgb(source.read(path), path), original)


def test_two_sources_of_one_folder_live_in_one_process_and_travel_to_another(store):
    first, second = LmdbSource((store,)), LmdbSource((store,))
    path = store / "c.png"
    assert pickle.loads(pickle.dumps(first)).read(path) == first.read(path) == second.read(path)


def test_threads_share_one_open_folder(store):
    source = LmdbSource((store,))
    paths = source.list(store) * 100
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda path: len(source.read(path)), paths))
    assert sizes == [source.num_bytes(path) for path in paths]


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_workers_read_the_same_samples_as_the_process_itself(store, way):
    source = LmdbSource((store,))
    dataset = GtDataset(source.list(store), crop_size=16, seed=3, read=source.read)
    batches = [[SampleRequest(index, 5, index)] for index in range(3)]
    here = [dataset[batch[0]]["gt"] for batch in batches]
    loader = DataLoader(dataset, batch_sampler=batches, num_workers=2, multiprocessing_context=way)
    assert all(batch["gt"][0].equal(gt) for batch, gt in zip(loader, here, strict=True))


def test_a_path_below_no_lmdb_is_a_file(photos, store):
    source = LmdbSource((store,))
    assert source.read(photos / "c.png") == (photos / "c.png").read_bytes()
    assert source.num_bytes(photos / "absent.png") is None and len(source.list(photos)) == 3


def test_a_missing_key_is_an_image_that_cannot_be_read(store):
    source = LmdbSource((store,))
    assert source.num_bytes(store / "villa/z.png") is None
    with pytest.raises(ImageError, match=r"x\.lmdb holds no image 'villa/z'"):
        source.read(store / "villa/z.png")
    (store / "meta_info.txt").write_text("villa/z.png (40,60,3) 1\nc.png (40,60,3) 1\n")
    with pytest.raises(DataError, match=r"1 of 2 images of .*meta_info\.txt do not exist"):
        source.list(store)


def test_a_list_that_leaves_the_folder_is_refused(store):
    (store / "meta_info.txt").write_text("../c.png (40,60,3) 1\n")
    with pytest.raises(DataError, match="lies outside"):
        LmdbSource((store,)).list(store)


def test_what_is_no_lmdb_is_one_sentence(tmp_path):
    folder = tmp_path / "bad.lmdb"
    with pytest.raises(DataError, match=r"folder with data\.mdb"):
        LmdbSource((folder,)).list(folder)
    folder.mkdir()
    (folder / "data.mdb").write_bytes(b"hello" * 2000)
    with pytest.raises(DataError, match="cannot be read as an LMDB"):
        LmdbSource((folder,)).read(folder / "a.png")


def test_a_missing_package_is_one_sentence(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(MissingExtraError, match=r"realesrgan-arch\[lmdb\]"):
        write_lmdb(rows_of(photos), photos, tmp_path / "y.lmdb")
    (tmp_path / "z.lmdb").mkdir()
    with pytest.raises(MissingExtraError, match="Reading an LMDB needs lmdb"):
        LmdbSource((tmp_path / "z.lmdb",)).read(tmp_path / "z.lmdb/a.png")


def test_a_full_map_is_one_sentence_and_leaves_no_lmdb(photos, tmp_path):
    with pytest.raises(DataError, match="its map is full"):
        write_lmdb(rows_of(photos), photos, tmp_path / "y.lmdb", map_size_bytes=4 * 4096)
    assert not (tmp_path / "y.lmdb").exists()
    write_lmdb(rows_of(photos), photos, tmp_path / "y.lmdb")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_many_images_of_one_byte_fit_the_map(tmp_path):
    (tmp_path / "dots").mkdir()
    rows = []
    for index in range(3000):
        (tmp_path / f"dots/{index}.png").write_bytes(b"x")
        rows.append(ManifestRow(f"{index}.png", "dots", "train", 1, 1, 1, ""))
    write_lmdb(rows, tmp_path / "dots", tmp_path / "y.lmdb")
    with lmdb.open(str(tmp_path / "y.lmdb"), readonly=True, lock=False) as environment:
        assert environment.stat()["entries"] == 3000


def test_writing_again_does_nothing_and_another_list_is_refused(photos, store):
    before = (store / "data.mdb").stat().st_mtime_ns
    write_lmdb(rows_of(photos), photos, store)
    assert (store / "data.mdb").stat().st_mtime_ns == before
    with pytest.raises(DataError, match="something else is there"):
        write_lmdb(rows_of(photos)[1:], photos, store)


def test_keys_that_cannot_be_are_named(photos, tmp_path):
    row = rows_of(photos)[0]
    with pytest.raises(DataError, match="too long for an LMDB: 600 of 511"):
        write_lmdb([replace(row, path="x" * 600 + ".png")], photos, tmp_path / "y.lmdb")
    with pytest.raises(DataError, match="would have one key"):
        write_lmdb([replace(row, path="a.png"), replace(row, path="a.jpg")], photos, tmp_path / "y.lmdb")
    with pytest.raises(DataError, match="cannot hold the name"):
        write_lmdb([replace(row, path="a\nb.png")], photos, tmp_path / "y.lmdb")


def test_only_the_last_suffix_is_not_part_of_the_key():
    assert key_of("villa.2/a.b_s001.png") == b"villa.2/a.b_s001"
