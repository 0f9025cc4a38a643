"""The folder of an export: nothing of the user's is replaced, and what is not whole is not taken for it."""

import json

import pytest

from realesrgan_arch import atomic
from realesrgan_arch.file_hash import hash_file
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.upscaling.export import session
from realesrgan_arch.upscaling.export.source import Blend, ExportError
from tests.upscaling.export.parts import COMPACT, export_to, write_weights


@pytest.fixture
def weights(tmp_path):
    return write_weights(tmp_path / "small.pth", COMPACT)


@pytest.fixture
def out(tmp_path, weights):
    return export_to(tmp_path / "out", weights, "pth", "safetensors").folder


def _names(folder):
    return {path.name for path in folder.iterdir()}


def test_files_of_an_earlier_export_are_not_replaced_without_a_word(weights, out):
    before = hash_file(out / "export.json")
    with pytest.raises(ExportError, match=r"small\.pth and 3 others are there already; .* --overwrite"):
        export_to(out, weights, "pth")
    assert hash_file(out / "export.json") == before


def test_the_record_lists_all_that_was_written(out):
    assert set(json.loads((out / "export.json").read_text())["written"]) == _names(out)


def test_overwriting_replaces_the_earlier_export_and_removes_its_other_files_only(weights, out):
    (out / "notes.txt").write_text("mine")
    outcome = export_to(out, weights, "safetensors", overwrite=True, name="other")
    assert _names(out) == {"other.safetensors", "README.md", "4x-other.json", "export.json", "notes.txt"}
    assert {path.name for path in outcome.removed} == {"small.pth", "small.safetensors", "4x-small.json"}


@pytest.mark.parametrize("name", ["README.md", "small.pth", "export.json"])
@pytest.mark.parametrize("text", ["mine", '{"written": 3}', "[]"])
def test_a_file_that_no_record_lists_is_never_replaced(tmp_path, weights, name, text):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / name).write_text(text)
    with pytest.raises(ExportError, match=rf"{name} is not listed in an export\.json there"):
        export_to(folder, weights, "pth", overwrite=True)
    assert (_names(folder), (folder / name).read_text()) == ({name}, text)


@pytest.mark.parametrize("listed", ["../precious.txt", "sub/precious.txt", "..", "", "absent.txt", 3])
def test_a_record_cannot_lead_out_of_its_folder(tmp_path, weights, out, listed):
    (out / "sub").mkdir()
    precious = [tmp_path / "precious.txt", out / "sub" / "precious.txt"]
    for path in precious:
        path.write_text("mine")
    record = json.loads((out / "export.json").read_text())
    (out / "export.json").write_text(json.dumps(record | {"written": [*record["written"], listed]}))
    export_to(out, weights, "pth", overwrite=True)
    assert all(path.read_text() == "mine" for path in precious)


def test_the_weights_that_are_exported_are_not_removed_as_files_of_an_earlier_export(weights, out):
    words = "would remove the weights that are exported now"
    with pytest.raises(ExportError, match=words):
        export_to(out, out / "small.pth", "safetensors", overwrite=True)
    with pytest.raises(ExportError, match=words):
        export_to(out, weights, "safetensors", overwrite=True, blend=Blend(str(out / "small.pth"), 0.5))
    assert (out / "small.pth").is_file()


def test_an_export_that_ends_among_its_moves_leaves_no_record(weights, out, monkeypatch):
    move = atomic.move_into_place

    def end(whole, path):
        if path.parent == out and path.name == "README.md":
            raise OSError(28, "No space left on device")
        move(whole, path)

    monkeypatch.setattr(atomic, "move_into_place", end)
    with pytest.raises(ExportError, match="No space left on device"):
        export_to(out, weights, "pth", overwrite=True)
    assert not (out / "export.json").exists()


def test_a_file_that_came_while_it_worked_is_not_replaced(tmp_path, weights, monkeypatch):
    write = session._write_texts

    def write_and_disturb(record, hidden):
        write(record, hidden)
        (tmp_path / "out" / "README.md").write_text("mine")

    monkeypatch.setattr(session, "_write_texts", write_and_disturb)
    with pytest.raises(ExportError, match=r"README\.md is there already"):
        export_to(tmp_path / "out", weights, "pth")
    assert (tmp_path / "out" / "README.md").read_text() == "mine"


def test_what_a_killed_export_left_is_removed_by_the_next_but_not_while_another_is_at_work(tmp_path, weights):
    left = tmp_path / "out" / ".export-abc"
    left.mkdir(parents=True)
    (left / "small.pth").write_bytes(b"half")
    with file_lock(tmp_path / "out" / ".export.lock"):
        export_to(tmp_path / "out", weights, "pth")
    assert left.is_dir()
    export_to(tmp_path / "out", weights, "pth", overwrite=True)
    assert _names(tmp_path / "out") == {"small.pth", "README.md", "4x-small.json", "export.json"}
