"""A process ends with the documented exit code and one sentence."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from realesrgan_arch.entry import run
from realesrgan_arch.errors import UserError
from realesrgan_arch.stop_signals import StopSignals

ROOT = Path(__file__).parents[1]


def _code_of(main, *arguments: str) -> int:
    """The exit code, whether it is returned or argparse leaves with it."""
    try:
        return main(arguments)
    except SystemExit as left:
        return left.code


def _raise(error: BaseException):
    def verb(arguments):
        raise error

    return verb


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UserError("expected a, got b; do c"), 2, "error: expected a, got b; do c\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (ModuleNotFoundError("no", name="basicsr.utils"), 2, "error: basicsr.utils is not installed; run `make venv`"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(capsys, error, code, sentence) -> None:
    assert run(_raise(error), []) == code
    assert capsys.readouterr().err.startswith(sentence)


def test_sigterm_ends_a_verb_as_ctrl_c_does_and_is_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run(lambda arguments: signal.raise_signal(signal.SIGTERM), []) == 143
    assert signal.getsignal(signal.SIGTERM) == before


def test_sigterm_stays_with_a_verb_that_listens_itself() -> None:
    def listen(arguments) -> int:
        with StopSignals(first="first", second="second") as stop:
            signal.raise_signal(signal.SIGTERM)
            return 7 if stop.is_asked else 0

    assert run(listen, []) == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_dies_of_sigterm_without_a_word() -> None:
    def fork(arguments) -> int:
        child = os.fork()
        if child == 0:
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                os._exit(1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert run(fork, []) == -signal.SIGTERM


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError):
        run(_raise(RuntimeError("ours")), [])
    with pytest.raises(ModuleNotFoundError):
        run(_raise(ModuleNotFoundError("no", name="realesrgan_arch.typo")), [])


ENTRIES = ["train.py", "finetune.py", "test.py", "inference.py"]


@pytest.mark.slow
@pytest.mark.parametrize("script", ENTRIES)
def test_the_four_entries_run_as_files_from_anywhere(tmp_path, script) -> None:
    command = [sys.executable, str(ROOT / "realesrgan_arch" / script)]
    helped = subprocess.run([*command, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert helped.returncode == 0
    assert "usage" in helped.stdout
    flag = "-i" if script == "inference.py" else "-opt"
    wrong = subprocess.run([*command, flag, "nowhere"], cwd=tmp_path, capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
    assert wrong.stderr.count("error:") == 1
    assert "nowhere" in wrong.stderr


def test_finetune_insists_on_weights(tmp_path) -> None:
    from realesrgan_arch.finetune import main

    options = ROOT / "options" / "train_demo_base.yml"
    with pytest.raises(UserError, match="pretrain_network_g: expected the weights to start from"):
        main(["-opt", str(options)])


def test_every_verb_answers_help(capsys) -> None:
    from realesrgan_arch.cli import VERBS, main

    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(verb in text for verb in VERBS)
    for verb in VERBS:
        assert _code_of(main, verb, "--help") == 0
        assert "usage: " in capsys.readouterr().out


def test_every_verb_of_data_answers_help(capsys) -> None:
    from realesrgan_arch.commands.data import VERBS, main

    for verb in VERBS:
        assert _code_of(main, verb, "--help") == 0
        text = capsys.readouterr().out
        assert f"usage: realesrgan-arch data {verb}" in text and "--json" in text


def test_an_unknown_verb_names_the_known_ones(capsys) -> None:
    from realesrgan_arch.cli import main

    assert main(["upscal"]) == 2
    assert "upscale" in capsys.readouterr().err
