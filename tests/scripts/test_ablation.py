"""A recipe with one part changed at a time: what is run, and what its table says."""

import subprocess
from pathlib import Path

import pytest

from realesrgan_arch.errors import UserError
from realesrgan_arch.options.load import load_options
from scripts.ablation import AblationError, format_table, main, read_arms, read_table, run_name, tables

ROOT = Path(__file__).parents[2]
OPTIONS = ROOT / "options" / "finetune_x4v3_architecture.yml"
RESULTS = ROOT / "docs" / "results"
HEAD = "name,scene,method,psnr,niqe"
GAINS = {"recipe": 1.0, "without_l1": 0.25}


class FakeProcesses:
    """Stands in for train.py and `evaluate`: an arm is better than the base by its entry of GAINS, and by its seed."""

    def __init__(self, *, failing: str = "") -> None:
        self.commands: list[list[str]] = []
        self.failing = failing

    def __call__(self, command, **_) -> subprocess.CompletedProcess:
        self.commands.append(list(command))
        if self.failing and any(self.failing in part for part in command):
            return subprocess.CompletedProcess(command, 2)
        if "evaluate" in command:
            folder = Path(command[command.index("-o") + 1])
            arm, seed = folder.name.rsplit("-", 1)
            gain = GAINS[arm] + int(seed)
            folder.mkdir(parents=True)
            rows = [HEAD]
            for name, base in (("a", 20.0), ("b", 22.0)):
                rows += [f"{name},{name},base,{base},5", f"{name},{name},tuned,{base + gain},{5 - gain}"]
            (folder / "scores.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return subprocess.CompletedProcess(command, 0)

    def scripts(self) -> list[str]:
        """What ran, in order: the name of the arm's run."""
        names = (part for command in self.commands for part in command if part.startswith("name="))
        return [name.removeprefix("name=") for name in names]


@pytest.fixture
def arms(tmp_path) -> Path:
    path = tmp_path / "arms.yml"
    path.write_text("recipe: []\nwithout L1: [train.pixel_opt=null]\n", encoding="utf-8")
    return path


@pytest.fixture
def processes(monkeypatch) -> FakeProcesses:
    fake = FakeProcesses()
    monkeypatch.setattr(subprocess, "run", fake)
    return fake


def _main(arms: Path, *more: str) -> int:
    command = [str(arms), "-opt", str(OPTIONS), "--data", str(arms.parent), "-o", str(arms.parent / "out"), *more]
    return main(command)


def test_each_arm_is_trained_with_its_change_and_each_seed_and_compared_with_base_and_recipe(
    arms, processes, capsys
) -> None:
    assert _main(arms, "--seeds", "0", "1", "--set", "queue_size=64") == 0
    assert processes.scripts() == ["recipe-0", "without_l1-0", "recipe-1", "without_l1-1"]
    trained = [command for command in processes.commands if "evaluate" not in command]
    assert ["train.pixel_opt=null" in command for command in trained] == [False, True, False, True]
    assert all("queue_size=64" in command for command in trained)
    assert "manual_seed=1" in trained[-1]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| less base | seeds | PSNR | NIQE |"
    assert lines[2].startswith("| recipe | 2 | +1.50 [")
    assert lines[3].startswith("| without L1 | 2 | +0.75 [")
    assert lines[-1] == "| without L1 | 2 | -0.75 [-0.75, -0.75] | +0.750 [+0.750, +0.750] |"


def test_what_is_scored_is_not_made_again_and_a_new_seed_is(arms, processes) -> None:
    assert _main(arms, "--seeds", "0") == 0
    before = len(processes.commands)
    assert _main(arms, "--seeds", "0", "2") == 0
    assert len(processes.commands) == before + 4
    assert processes.scripts()[-2:] == ["recipe-2", "without_l1-2"]


def test_scores_that_were_made_with_other_settings_are_not_taken_for_these(arms, processes) -> None:
    assert _main(arms) == 0
    with pytest.raises(AblationError, match="recipe-0.json: was made with other settings"):
        _main(arms, "--set", "queue_size=64")


def test_an_arm_without_a_metric_of_the_others_has_a_line_for_it(tmp_path, capsys) -> None:
    lines = [
        "arm,seed,name,scene,psnr,niqe",
        "base,0,a,a,20,5",
        "base,0,b,b,21,5",
        "first,0,a,a,21,4",
        "first,0,b,b,22,4",
    ]
    lines += ["other,0,a,a,22,", "other,0,b,b,23,", "later,1,a,a,22,4", "later,1,b,b,23,4"]
    (tmp_path / "scores.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["--table", str(tmp_path / "scores.csv")]) == 0
    said = capsys.readouterr().out
    assert "| other | 1 | +2.00 [+2.00, +2.00] | - |" in said
    assert "| later | 1 | - | - |" in said  # no seed that the first arm has too


def test_a_recipe_without_a_base_is_refused_before_anything_is_trained(arms, processes) -> None:
    with pytest.raises(UserError, match="pretrain_network_g"):
        _main(arms, "--set", "path.pretrain_network_g=null", "train.base_opt=null")
    assert not processes.commands


def test_the_file_of_scores_gives_the_same_tables(arms, processes, capsys) -> None:
    assert _main(arms, "--seeds", "0", "1") == 0
    said = capsys.readouterr().out
    written = arms.parent / "out" / "scores.csv"
    assert main(["--table", str(written)]) == 0
    assert capsys.readouterr().out == said
    table = read_table(written)
    assert format_table(table) == written.read_text(encoding="utf-8")
    assert tables(table) + "\n" == said == (arms.parent / "out" / "table.md").read_text(encoding="utf-8")


def test_a_training_that_fails_ends_the_ablation_and_names_its_log(arms, monkeypatch) -> None:
    fake = FakeProcesses(failing="without_l1-0")
    monkeypatch.setattr(subprocess, "run", fake)
    with pytest.raises(AblationError, match=r"without_l1-0-train: ended with exit code 2; .*without_l1-0-train.log"):
        _main(arms)
    assert len(read_table(arms.parent / "out" / "scores.csv").scores) == 2  # the base and the recipe are kept


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("recipe: train.x=1\n", "recipe: expected a list of key=value, got 'train.x=1'"),
        ("recipe: [train.x]\n", "expected a list of key=value"),
        ("a b: []\na-b: []\n", "named apart by letters or digits"),
        ("base: []\n", "none base"),
    ],
)
def test_arms_that_cannot_be_told_apart_or_change_nothing_sensible_are_refused(tmp_path, text, words) -> None:
    (tmp_path / "arms.yml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words.replace("[", r"\[")):
        read_arms(tmp_path / "arms.yml")


@pytest.mark.parametrize(
    ("arms", "options"), [("arms.yml", OPTIONS), ("ancestor_arms.yml", RESULTS / "ancestor_x4v3.yml")]
)
def test_every_arm_behind_the_results_is_one_that_the_options_take(arms: str, options: Path) -> None:
    plain = load_options(options).options
    for arm, changes in read_arms(RESULTS / arms).items():
        changed = load_options(options, overrides=changes).options
        assert (changed == plain) == (not changes), arm


@pytest.mark.parametrize("name", ["ablation_full.csv", "ancestor_full.csv"])
def test_the_tables_of_the_results_are_those_of_their_scores(name: str) -> None:
    text = (RESULTS.parent / "results.md").read_text(encoding="utf-8")
    against_base, _, _ = tables(read_table(RESULTS / name)).partition("\n\n")
    assert against_base in text


def test_the_name_of_a_run_is_a_name_of_a_file() -> None:
    assert run_name("L1 1 + amplitude 0.5", 2) == "l1_1_amplitude_0.5-2"


def test_a_file_that_holds_no_scores_is_refused(tmp_path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(AblationError, match="scores.csv of this script"):
        main(["--table", str(tmp_path / "x.csv")])
