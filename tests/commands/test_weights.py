"""`realesrgan-arch weights`: what it prints and its exit codes."""

import json

import pytest
import torch

from realesrgan_arch.commands import weights as command
from realesrgan_arch.entry import run
from realesrgan_arch.networks.build import build_network
from realesrgan_arch.networks.spec import CompactSpec, PatchDiscriminatorSpec, UNetDiscriminatorSpec
from realesrgan_arch.weights.table import KNOWN_WEIGHTS


@pytest.fixture(autouse=True)
def alone(in_tmp_path, monkeypatch):
    """An empty folder in which no weights of this machine are found, and a chosen weights folder."""
    monkeypatch.setenv("HOME", str(in_tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(in_tmp_path / "torch"))
    monkeypatch.setenv("REALESRGAN_ARCH_WEIGHTS", str(in_tmp_path / "chosen"))
    return in_tmp_path


def call(capsys, *arguments: str) -> tuple[int, str, str]:
    code = run(command.main, arguments)
    output = capsys.readouterr()
    return code, output.out, output.err


def save_compact(path) -> None:
    path.parent.mkdir(exist_ok=True)
    torch.save({"params": build_network(CompactSpec(num_feat=8, num_conv=2)).half().state_dict()}, path)


def test_list_shows_every_known_file_and_which_is_here(capsys, alone):
    save_compact(alone / "chosen/realesr-animevideov3.pth")
    code, out, _ = call(capsys, "list")
    assert code == 0
    assert all(name in out for name in KNOWN_WEIGHTS)
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["realesr-animevideov3"].endswith("chosen/realesr-animevideov3.pth (differs)")
    assert lines["RealESRGAN_x2plus"].split()[-4:] == ["2", "67.1", "MB", "no"]
    rows = json.loads(call(capsys, "list", "--json")[1])
    assert [row["name"] for row in rows] == list(KNOWN_WEIGHTS)
    assert {row["status"] for row in rows} == {"absent", "differs"}


def test_list_says_what_differs_or_is_unverified_means_and_where_it_has_looked(capsys, alone):
    assert "(differs)" not in (before := call(capsys, "list")[1]) and "(unverified)" not in before
    for name in ("realesr-animevideov3", "RealESRGAN_x4plus_netD"):
        save_compact(alone / f"chosen/{name}.pth")
    lines = call(capsys, "list")[1].splitlines()
    assert lines[-4:-2] == [
        "(unverified): no published checksum to compare with",
        "(differs): differs from the released file",
    ]
    assert lines[-2].startswith(f"Looked for in {alone}/chosen, experiments/pretrained_models, weights, {alone}/home/")


def test_help_says_which_variable_names_the_folder(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    assert "in the folders that REALESRGAN_ARCH_WEIGHTS names" in capsys.readouterr().out


def test_inspect_tells_architecture_scale_parameters_and_dtype(capsys, alone):
    save_compact(alone / "mine/net.pth")
    code, out, _ = call(capsys, "inspect", "mine/net.pth", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["architecture"] == "SRVGGNetCompact 8 features, 2 convs"
    assert (facts["scale"], facts["dtype"], facts["key"], facts["keys"]) == (4, "float16", "params", ["params"])
    assert facts["parameters"] == 3 * 9 * 8 + 8 + 8 + 2 * (8 * 9 * 8 + 8 + 8) + 8 * 9 * 48 + 48
    assert facts["known as"] == "not a released file that is known here"
    text = call(capsys, "inspect", "mine/net.pth")[1]
    assert "architecture   SRVGGNetCompact 8 features, 2 convs" in text


def test_inspect_knows_a_discriminator_and_says_so_when_it_knows_nothing(capsys, alone):
    torch.save(build_network(UNetDiscriminatorSpec(num_feat=4)).state_dict(), "d.pth")
    facts = json.loads(call(capsys, "inspect", "d.pth", "--json")[1])
    assert (facts["architecture"], facts["scale"]) == ("UNetDiscriminatorSN 4 features", None)
    torch.save(build_network(PatchDiscriminatorSpec(num_feat=4, depth=2)).state_dict(), "patches.pth")
    facts = json.loads(call(capsys, "inspect", "patches.pth", "--json")[1])
    assert facts["architecture"] == "PatchDiscriminatorSN 4 features, 2 halvings"
    torch.save({"block1.0.weight": torch.zeros(4, 3, 9, 9)}, "other.pth")
    code, out, _ = call(capsys, "inspect", "other.pth")
    assert code == 0
    assert "VGGStyleDiscriminator; 1 tensors" in out
    assert "unknown: none of RRDBNet, SRVGGNetCompact, SRResNet, UNetDiscriminatorSN, " in out


def test_verify_exits_6_only_when_bytes_differ(capsys, alone):
    assert call(capsys, "verify")[:2] == (
        0,
        "No known weights on this machine. `realesrgan-arch weights list` shows what there is to get.\n",
    )
    save_compact(alone / "mine/net.pth")
    code, out, _ = call(capsys, "verify", "mine/net.pth")
    assert code == 0
    assert "mine/net.pth: not a released file" in out
    save_compact(alone / "chosen/realesr-animevideov3.pth")
    code, out, _ = call(capsys, "verify", "realesr-animevideov3")
    assert code == 6
    assert "differs from the released file" in out
    assert call(capsys, "verify")[0] == 6


def test_get_downloads_into_the_chosen_folder(capsys, alone, monkeypatch):
    asked = []

    def fake_download(known, folder):
        asked.append((known.name, folder))
        save_compact(folder / known.file_name)
        return folder / known.file_name

    monkeypatch.setattr(command, "download", fake_download)
    assert call(capsys, "get", "realesr-animevideov3")[0] == 0
    code, out, _ = call(capsys, "get", "RealESRGAN_x4plus.pth", "--to", "here", "--json")
    assert code == 0
    assert json.loads(out)["known"] == "RealESRGAN_x4plus"
    assert [(name, folder.name) for name, folder in asked] == [
        ("realesr-animevideov3", "chosen"),
        ("RealESRGAN_x4plus", "here"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("get", "nope"), "error: 'nope' is not the name of known weights: expected one of RealESRGAN_x4plus,"),
        (
            ("inspect", "RealESRGAN_x4plus"),
            "error: weights RealESRGAN_x4plus not found: run `realesrgan-arch weights get",
        ),
        (("verify", "absent.pth"), "error: weights absent.pth not found"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(capsys, arguments, message):
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert err.count("\n") == 1
