"""`extends`: files that stand on others."""

from pathlib import Path

import pytest

from realesrgan_arch.options.extends import MAX_DEPTH, MAX_FILES, Place, read_laid
from realesrgan_arch.options.load import OptionsError, load_options, parse_options
from tests.options.files import problems

BASE = """\
scale: 4
gt_size: 64
queue_size: 8
datasets:
  train:
    type: RealESRGANDataset
    dataroot_gt: photos
    crop_size: 96
    batch_size_per_gpu: 4
network_g:
  type: RRDBNet
  num_feat: 16
train:
  optim_g:
    lr: 0.1
    betas: [0.5, 0.6]
  scheduler:
    type: MultiStepLR
    milestones: [1, 2, 3]
  total_iter: 10
  pixel_opt:
    type: L1Loss
"""


def _write(folder: Path, **files: str) -> Path:
    """Write `name.yml` for each of `files` and return the first."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.yml" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text)
    return paths[0]


def test_mappings_merge_and_anything_else_replaces(tmp_path) -> None:
    top = "extends: base.yml\nname: top\ntrain:\n  optim_g:\n    lr: 0.2\n  scheduler:\n    milestones: [7]\n"
    options = load_options(_write(tmp_path, top=top, base=BASE)).options
    assert options.name == "top"
    assert options.train is not None
    assert (options.train.optim_g.lr, options.train.optim_g.betas) == (0.2, (0.5, 0.6))
    assert options.train.scheduler is not None
    assert options.train.scheduler.model_dump() == {"type": "MultiStepLR", "milestones": (7,), "gamma": 0.1}


def test_a_network_or_a_scheduler_of_another_type_takes_the_place_of_the_one_below(tmp_path) -> None:
    base = BASE.replace("  num_feat: 16\n", "  num_feat: 16\n  num_grow_ch: 8\n")
    top = "extends: base.yml\nname: top\nnetwork_g:\n  type: SRResNet\n  num_block: 2\ntrain:\n  scheduler:\n"
    top += "    type: CosineAnnealingRestartLR\n    periods: [5]\n"
    path = _write(tmp_path, top=top, base=base)
    options = load_options(path).options
    assert (options.network_g.type, options.network_g.num_feat, options.network_g.num_block) == ("SRResNet", 64, 2)
    assert options.train is not None and options.train.scheduler is not None
    assert options.train.scheduler.type == "CosineAnnealingRestartLR"
    assert ("network_g", "num_grow_ch") not in read_laid(path).places
    assert read_laid(path).places["network_g", "num_block"] == Place(path, 5)


def test_the_same_type_and_types_that_share_their_keys_still_merge(tmp_path) -> None:
    top = "extends: base.yml\nname: top\nnetwork_g:\n  type: RRDBNet\n  num_block: 2\n"
    top += "train:\n  optim_g:\n    type: AdamW\n"
    options = load_options(_write(tmp_path, top=top, base=BASE.replace("lr: 0.1", "lr: 0.1\n    type: Adam"))).options
    assert (getattr(options.network_g, "num_feat", None), getattr(options.network_g, "num_block", None)) == (16, 2)
    assert options.train is not None
    assert (options.train.optim_g.type, options.train.optim_g.lr) == ("AdamW", 0.1)


def test_a_key_of_another_type_is_told_and_not_its_own_name(tmp_path) -> None:
    base = BASE.replace("  num_feat: 16\n", "  num_grow_ch: 8\n") + "name: base\n"
    found = problems(_write(tmp_path, base=base), "network_g.type=SRResNet")
    assert found[0].startswith(
        "line 12: network_g.num_grow_ch: unknown key with type 'SRResNet'; expected one of type, "
    )
    assert "num_grow_ch" not in found[0].partition(";")[2]


def test_null_removes_what_the_file_below_said(tmp_path) -> None:
    top = "extends: base.yml\nname: top\nnetwork_g:\n  num_feat: ~\ntrain:\n  scheduler: ~\n"
    options = load_options(_write(tmp_path, top=top, base=BASE)).options
    assert options.train is not None
    assert options.train.scheduler is None
    assert getattr(options.network_g, "num_feat", None) == 64  # the default


def test_of_a_list_the_later_file_lies_on_top_and_the_own_one_above_all(tmp_path) -> None:
    files = {"a": "x: 1\ny: 1\nz: 1\n", "b": "y: 2\nz: 2\n"}
    top = _write(tmp_path, top="extends: [a.yml, b.yml]\nz: 3\n", **files)
    assert read_laid(top).values == {"x": 1, "y": 2, "z": 3}


def test_a_file_reached_by_two_ways_counts_once_so_that_it_undoes_nothing(tmp_path) -> None:
    files = {"left": "extends: root.yml\nx: 2\n", "right": "extends: root.yml\ny: 2\n", "root": "x: 1\ny: 1\n"}
    top = _write(tmp_path, top="extends: [left.yml, right.yml]\n", **files)
    laid = read_laid(top)
    assert laid.values == {"x": 2, "y": 2}
    assert [path.stem for path in laid.files] == ["root", "left", "right", "top"]


def test_names_are_relative_to_the_file_that_says_them_and_not_to_the_current_folder(tmp_path, monkeypatch) -> None:
    _write(tmp_path / "parts", middle="extends: ../low.yml\ny: 2\n")
    _write(tmp_path, low="x: 1\n")
    top = _write(tmp_path / "mine", top="extends: ../parts/middle.yml\n")
    monkeypatch.chdir(tmp_path / "parts")
    assert read_laid(top).values == {"x": 1, "y": 2}


def test_every_key_knows_its_file_and_line(tmp_path) -> None:
    top = _write(tmp_path, top="extends: base.yml\nname: top\ntrain:\n  scheduler: ~\n  total_iter: 3\n", base=BASE)
    places = read_laid(top).places
    assert places["train", "total_iter"] == Place(top, 5)
    assert places["train", "optim_g", "lr"] == Place(tmp_path / "base.yml", 15)
    assert places["train", "scheduler"] == Place(top, 4)
    assert ("train", "scheduler", "type") not in places


def test_overrides_lie_on_top_of_everything(tmp_path) -> None:
    top = _write(tmp_path, top="extends: base.yml\nname: top\ntrain:\n  total_iter: 3\n", base=BASE)
    options = load_options(top, overrides=["train.total_iter=4", "train.optim_g.lr=1"]).options
    assert options.train is not None
    assert (options.train.total_iter, options.train.optim_g.lr) == (4, 1)


def test_problems_name_the_file_that_they_come_from_the_own_one_first(tmp_path) -> None:
    base = BASE.replace("lr: 0.1", "lr: fast").replace("queue_size: 8", "queue_sise: 8")
    top = _write(tmp_path, top="extends: base.yml\nname: top\n\nvall: 1\n", base=base)
    low = tmp_path / "base.yml"
    assert problems(top, "train.total_iter=x") == [
        "line 4: vall: unknown key; did you mean val?",
        f"{low}, line 3: queue_sise: unknown key; did you mean queue_size?",
        f"{low}, line 15: train.optim_g.lr: expected a number > 0, got 'fast'",
        "--set train.total_iter=x: train.total_iter: expected a whole number >= 1, got 'x'",
    ]


def test_a_missing_file_is_a_sentence_with_the_line_that_names_it_and_the_nearest_file(tmp_path) -> None:
    top = _write(tmp_path, top="name: top\nextends:\n  - bsae.yml\n", base=BASE)
    assert problems(top) == [
        f"line 3: extends: {tmp_path / 'bsae.yml'}: no such file; did you mean {tmp_path / 'base.yml'}?"
    ]


def test_a_missing_file_below_names_the_file_between(tmp_path) -> None:
    top = _write(tmp_path, top="extends: middle.yml\n", middle="x: 1\nextends: gone/low.yml\n")
    middle, folder = tmp_path / "middle.yml", tmp_path / "gone"
    assert problems(top) == [
        f"{middle}, line 2: extends: {folder / 'low.yml'}: no such file; there is no folder {folder}"
    ]


def test_what_is_no_yaml_is_told_with_file_and_line(tmp_path) -> None:
    top = _write(tmp_path, top="extends: low.yml\n", low="x: 1\ny: [\n")
    assert problems(top)[0].startswith(f"{tmp_path / 'low.yml'}, line 3: is not YAML")


def test_a_circle_is_a_sentence_that_goes_round_it(tmp_path) -> None:
    files = {"a": "extends: b.yml\n", "b": "x: 1\nextends: a.yml\n"}
    top = _write(tmp_path, top="extends: a.yml\n", **files)
    a, b = tmp_path / "a.yml", tmp_path / "b.yml"
    assert problems(top) == [
        f"{b}, line 2: extends: expected files that do not extend themselves, got {a} -> {b} -> {a}"
    ]


def test_a_file_that_extends_itself_by_another_name_is_found(tmp_path) -> None:
    top = _write(tmp_path, top=f"extends: ../{tmp_path.name}/top.yml\n")
    assert "expected files that do not extend themselves" in problems(top)[0]


@pytest.mark.parametrize(("levels", "refused"), [(MAX_DEPTH, False), (MAX_DEPTH + 1, True)])
def test_so_many_files_stand_on_each_other_and_no_more(tmp_path, levels: int, refused: bool) -> None:
    chain = {f"f{index}": f"extends: f{index + 1}.yml\n" for index in range(levels - 1)}
    top = _write(tmp_path, **chain, **{f"f{levels - 1}": "x: 1\n"})
    if refused:
        place = f"{tmp_path / f'f{levels - 2}.yml'}, line 1: "
        assert problems(top) == [f"{place}extends: expected at most {MAX_DEPTH} files one above the other, got more"]
    else:
        assert read_laid(top).values == {"x": 1}


def test_there_is_a_limit_to_the_number_of_files(tmp_path) -> None:
    many = {f"f{index}": "x: 1\n" for index in range(MAX_FILES + 1)}
    top = _write(tmp_path, top=f"extends: [{', '.join(f'{name}.yml' for name in many)}]\n", **many)
    assert problems(top) == [f"line 1: extends: expected at most {MAX_FILES} files, got more"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("3", "line 1: extends: expected an option file or a list of them, got 3"),
        ("{x: 1}", "line 1: extends: expected an option file or a list of them, got {'x': 1}"),
        ("['']", "line 1: extends: expected an option file or a list of them, got ''"),
        ("[]", "line 1: extends: expected at least one file, got an empty list"),
    ],
)
def test_anything_but_file_names_is_refused(tmp_path, written: str, said: str) -> None:
    assert problems(_write(tmp_path, top=f"extends: {written}\n")) == [said]


def test_a_name_with_a_nul_byte_is_refused_in_words(tmp_path) -> None:
    assert "cannot be read" in problems(_write(tmp_path, top='extends: "a\\0b.yml"\n'))[0]


def test_null_extends_nothing(tmp_path) -> None:
    assert read_laid(_write(tmp_path, top="extends: ~\nx: 1\n")).values == {"x": 1}


def test_a_near_miss_of_the_key_is_told(tmp_path) -> None:
    assert "line 1: extend: unknown key; did you mean extends?" in problems(_write(tmp_path, top="extend: a.yml\n"))


def test_where_there_is_no_file_to_start_from_it_says_what_to_do() -> None:
    with pytest.raises(OptionsError, match="extends: is followed in an option file only; write the file out with"):
        parse_options({"extends": "base.yml", "name": "x", "network_g": {"type": "RRDBNet"}})


def test_the_origin_of_a_key_is_every_file_that_has_a_part_in_it_and_the_overrides(tmp_path) -> None:
    text = "extends: base.yml\nname: top\ntrain:\n  total_iter: 3\nnetwork_g: ~\n"
    top = _write(tmp_path, top=text, base=BASE)
    overrides = ["train.optim_g.lr=1", "network_g.type=RRDBNet"]
    origins = load_options(top, overrides=overrides).origins
    base = str(tmp_path / "base.yml")
    assert origins["scale"] == (base,)
    assert origins["name"] == (str(top),)
    assert origins["train"] == (base, str(top), "--set train.optim_g.lr=1")
    assert origins["network_g"] == ("--set network_g.type=RRDBNet",)
    assert "extends" not in origins


def test_what_a_file_or_an_override_removes_has_no_origin(tmp_path) -> None:
    low = BASE + "path:\n  strict_load_g: true\nval:\n  val_freq: 5\n"
    top = _write(tmp_path, top="extends: base.yml\nname: top\npath: ~\n", base=low)
    loaded = load_options(top, overrides=["val=~"])
    assert {"path", "val"}.isdisjoint(loaded.origins)
    assert "path" in load_options(_write(tmp_path, top="extends: base.yml\nname: top\n")).origins
