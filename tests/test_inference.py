"""The command: upstream's flags, exit codes, and one sentence for a user's mistake."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from realesrgan_arch.entry import run
from realesrgan_arch.images import read_picture, read_rgb, to_tensor, write_image
from realesrgan_arch.inference import build_parser, main
from realesrgan_arch.networks.rrdbnet import RRDBNet
from realesrgan_arch.upscaling import session
from realesrgan_arch.upscaling.session import UpscaleRequest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    network = RRDBNet(scale=2, num_feat=8, num_block=1, num_grow_ch=4)
    torch.save({"params_ema": network.state_dict()}, tmp_path / "net_g.pth")
    return network.eval(), tmp_path / "net_g.pth"


@pytest.fixture
def photos(tmp_path):
    for name in ("a.png", "sub/b.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / "photos" / name, np.random.default_rng(0).integers(0, 255, (10, 13, 3), dtype=np.uint8))
    return tmp_path / "photos"


def _call(*arguments):
    return run(main, [str(argument) for argument in arguments])


def test_a_folder_is_upscaled_by_the_network_that_the_weights_describe(model, photos, tmp_path, capfd):
    network, weights = model
    output = tmp_path / "results"
    assert (
        _call("-i", photos, "-o", output, "--model_path", weights, "--fp32", "--device", "cpu", "--backend", "torch")
        == 0
    )
    image = to_tensor(read_rgb(photos / "sub/b.png"))
    # The width of 13 is odd, so the network saw one more column, a reflection.
    with torch.no_grad():
        expected = network(torch.nn.functional.pad(image[None], (0, 1, 0, 0), mode="reflect"))[0, :, :, :26]
    result = to_tensor(read_rgb(output / "sub/b_out.png"))
    assert (result - expected.clamp(0, 1)).abs().max() <= 0.5 / 255 + 1e-5
    assert read_rgb(output / "a_out.png").shape == (20, 26, 3)
    printed = capfd.readouterr()
    assert printed.out.splitlines()[:2] == [
        f"2 pictures upscaled x2 with {weights} (torch on cpu in fp32)",
        f"results  {output}",
    ]
    assert len(printed.err.splitlines()) == 2  # what computes, what is planned; no bar where there is no terminal


def test_upstreams_flags_are_understood(model, photos, tmp_path):
    flags = "-s 3.5 --suffix big -t 16 --tile_pad 4 --pre_pad 2 --ext jpg --alpha_upsampler bicubic --precision fp32"
    output = tmp_path / "results"
    assert _call("-i", photos / "a.png", "-o", output, "--model_path", model[1], *flags.split(), "--device", "cpu") == 0
    assert read_rgb(output / "a_big.jpg").shape == (35, 45, 3)


def test_alpha_goes_through_the_network_by_default(model, tmp_path):
    from realesrgan_arch.images import Picture, write_picture

    rng = np.random.default_rng(0)
    picture = Picture(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8), alpha=np.full((6, 6), 255, np.uint8))
    write_picture(tmp_path / "a.png", picture)
    for name, flags in (("network", []), ("bicubic", ["--alpha_upsampler", "bicubic"])):
        assert _call("-i", tmp_path / "a.png", "-o", tmp_path / name, "--model_path", model[1], *flags) == 0
    alphas = [read_picture(tmp_path / name / "a_out.png").alpha for name in ("network", "bicubic")]
    assert (alphas[1] == 255).all()
    assert not np.array_equal(*alphas)


def _request(monkeypatch, *arguments):
    """What a command line asks of the session."""
    asked = []

    def take(request):
        asked.append(request)
        raise AskedError

    monkeypatch.setattr(session, "upscale", take)
    with pytest.raises(AskedError):
        main(arguments)
    return asked[0]


class AskedError(Exception):
    pass


def test_upstreams_defaults_are_kept_and_ours_are_safe(monkeypatch):
    request = _request(monkeypatch)
    assert request == UpscaleRequest(Path("inputs"), Path("results"), "RealESRGAN_x4plus")
    assert (request.tile, request.metadata, request.quality, request.subsampling) == (None, "keep", 95, "444")
    assert not (request.overwrite or request.resume)


def test_every_flag_reaches_the_request(monkeypatch):
    flags = (
        "photos out -n realesr-general-x4v3 -dn 0.3 --max-side 6000 --suffix x --ext webp --quality 80 --metadata safe "
        "--to-srgb --dpi 300 --alpha_upsampler bicubic --resume --verify --overwrite --from-list l.txt --limit 7 "
        "--shard 2/8 --fail-fast -g 1 --backend openvino --precision bf16 -t 256 --tile_pad 8 --pre_pad 4"
    )
    assert _request(monkeypatch, *flags.split()) == UpscaleRequest(
        source=Path("photos"), output=Path("out"), model="realesr-general-x4v3", denoise_strength=0.3, max_side=6000,
        suffix="x", ext="webp", quality=80, metadata="safe", to_srgb=True, dpi=300, alpha_upsampler="bicubic",
        resume=True, verify=True, overwrite=True, from_list=Path("l.txt"), limit=7, shard=(2, 8), fail_fast=True,
        device="cuda:1", backend="openvino", precision="bf16", tile=256, tile_pad=8, pre_pad=4,
    )  # fmt: skip
    flags = "-i photos -o out --model_path w.pth --width 100 --ext jpg --subsampling 420 --watch --engine local --fp32"
    assert _request(monkeypatch, *flags.split()) == UpscaleRequest(
        source=Path("photos"), output=Path("out"), model="w.pth", width=100, ext="jpg", subsampling="420", watch=True,
        resume=True, precision="fp32",
    )  # fmt: skip
    assert _request(monkeypatch, "--engine", "ray", "-t", "auto").engine == "ray"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("photos -i photos", "The input is named twice: leave out -i."),
        ("photos out -o out", "The output folder is named twice: leave out -o."),
        ("-s 2 --width 100", "-s and --width each decide the size of the results: choose one."),
        ("--width 9 --max-side 9", "--width and --max-side each decide the size of the results: choose one."),
        ("--quality 90 --ext png", "--quality is for jpg and webp: leave it out for png."),
        ("--subsampling 420 --ext webp", "--subsampling is for jpg: leave it out for webp."),
        ("-g 0 --device cpu", "-g and --device each name the device: choose one."),
        ("--fp32 --precision bf16", "--fp32 contradicts --precision bf16."),
        ("--verify", "--verify looks at what --resume leaves out: add it."),
        ("--watch --from-list l.txt", "--watch waits for new pictures and --from-list names them: choose one."),
        ("--watch --limit 3", "--watch goes on until Ctrl-C and --limit ends: choose one."),
        ("--watch --engine ray", "--watch works on this machine only: leave out --engine ray."),
        ("--shard 1/2 --engine ray", "Ray divides the work itself: leave out --shard or --engine ray."),
        ("{photos}/a.png --watch", "--watch waits for pictures in a folder, but the input is a file."),
    ],
)
def test_flags_that_contradict_each_other_are_refused_in_one_sentence(photos, capfd, flags, sentence):
    assert _call(*flags.format(photos=photos).split()) == 2
    assert capfd.readouterr().err == f"error: {sentence}\n"


@pytest.mark.parametrize(
    "flags", ["--resume --overwrite", "--quality 90 --subsampling 444", "--fp32 --precision fp32", "--watch --verify"]
)
def test_flags_that_go_together_are_taken(monkeypatch, flags):
    assert _request(monkeypatch, *flags.split())


def test_input_and_output_may_stand_without_flags(model, photos, tmp_path):
    assert _call(photos, tmp_path / "out", "--model_path", model[1], "--shard", "1/1", "--limit", "1") == 0
    assert [path.name for path in (tmp_path / "out").rglob("*.png")] == ["a_out.png"]


def test_a_folder_without_pictures_is_exit_code_4(model, tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    assert _call(tmp_path / "empty", tmp_path / "out", "--model_path", model[1]) == 4
    assert capfd.readouterr().err.startswith("error: No image found in ")
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_damaged_or_carries_code_is_exit_code_6(model, photos, tmp_path, capfd):
    bad = tmp_path / "bad.pth"
    for data in (model[1].read_bytes()[:-100], b"", pickle.dumps(Path("posix"))):
        bad.write_bytes(data)
        assert _call(photos, tmp_path / "out", "--model_path", bad) == 6
        (line,) = capfd.readouterr().err.splitlines()
        assert line.startswith(f"error: {bad} is ")


def test_a_bad_file_among_good_ones_gives_exit_code_3_and_is_named(model, photos, tmp_path, capfd):
    (photos / "bad.png").write_bytes(b"")
    output = tmp_path / "results"
    assert _call("-i", photos, "-o", output, "--model_path", model[1]) == 3
    names = sorted(path.name for path in output.rglob("*.*"))
    assert names == ["a_out.png", "b_out.png", "failed.txt", "manifest.jsonl"]
    printed = capfd.readouterr()
    assert "bad.png is empty" in printed.err
    assert f"failed   1 picture: try them again with --from-list {output / 'failed.txt'}" in printed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "absent"], "absent does not exist"),
        (["-i", "{photos}", "-o", "{photos}/a.png/out"], "cannot be written"),
        (["-i", "{photos}", "-o", "{photos}"], "is the input folder"),
        (["-i", "{photos}", "-o", "{out}", "--model_path", "absent.pth"], "absent.pth"),
        (["-i", "{photos}", "-o", "{out}", "-n", "RealESRGAN_x4pluss"], "RealESRGAN_x4plus"),
        (["-i", "{photos}", "-o", "{out}", "--device", "tpu"], "device must be auto"),
        (["-i", "{photos}", "-o", "{out}", "-dn", "0.5"], "for -n realesr-general-x4v3 only"),
    ],
)
def test_a_users_mistake_is_one_sentence_and_exit_code_2(photos, tmp_path, capfd, arguments, message):
    filled = [argument.format(photos=photos, out=tmp_path / "out") for argument in arguments]
    assert _call("-o", tmp_path / "out", *filled) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-t", "-1"], "whole number"),
        (["--shard", "5/4"], "i/n"),
        (["--quality", "0"], "1 to 100"),
        (["-s", "0"], "above 0"),
        (["-s", "nan"], "above 0"),
        (["--ext", "gif"], "auto"),
    ],
)
def test_a_wrong_flag_is_exit_code_2(capfd, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capfd.readouterr().err


def test_the_script_runs_from_any_folder_and_its_help_loads_no_torch(tmp_path):
    command = [sys.executable, "-X", "importtime", str(ROOT / "realesrgan_arch/inference.py"), "--help"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "--alpha_upsampler" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 110
    assert "torch" not in {line.rsplit("|")[-1].strip() for line in done.stderr.splitlines()}


def test_a_wrong_flag_is_answered_by_the_name_of_the_verb(capsys) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--consistency", "2"])
    assert "realesrgan-arch upscale: error: " in capsys.readouterr().err
