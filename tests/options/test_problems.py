# ruff: noqa: E501 - the tables hold whole sentences

import pytest

from tests.options.files import problems, with_override


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.optim_g.lr=fast", "train.optim_g.lr: expected a number > 0, got 'fast'"),
        ("train.optim_g.lr=0", "train.optim_g.lr: expected a number > 0, got 0"),
        ("train.optim_g.lr=.nan", "train.optim_g.lr: expected a number > 0, got nan"),
        ("train.optim_g.lr=true", "train.optim_g.lr: expected a number > 0, got true"),
        ("train.total_iter=1.5", "train.total_iter: expected a whole number >= 1, got 1.5"),
        ("train.total_iter=", "train.total_iter: this key is required; expected a whole number >= 1"),
        ("train.optim_g.betas=[0.9]", "train.optim_g.betas: expected a list of 2 values, each a number >= 0 and < 1, got [0.9]"),
        ("train.optim_g.betas=[0.9, 1]", "train.optim_g.betas[1]: expected a number >= 0 and < 1, got 1"),
        ("train.optim_g.type=adam", "train.optim_g.type: expected one of Adam, AdamW, got 'adam'; did you mean Adam?"),
        ("train.optim_G.lr=1", "train.optim_G: unknown key; did you mean train.optim_g?"),
        ("train.lr=1", "train.lr: unknown key; did you mean train.optim_g.lr?"),
        ("batch_size=1", "batch_size: unknown key; did you mean datasets.train.batch_size_per_gpu?"),
        ("train.optim_g.xyzzy=1", "train.optim_g.xyzzy: unknown key; expected one of type, lr, weight_decay, betas"),
        ("datasets.vall.type=x", "datasets.vall: unknown key; did you mean datasets.val?"),
        ("datasets.validation.type=x", "datasets.validation: unknown key; expected one of train, val, test"),
        ("network_g.num_feats=3", "network_g.num_feats: unknown key; did you mean network_g.num_feat?"),
        ("network_g.num_feat=true", "network_g.num_feat: expected a whole number, got true"),
        ("network_g.type=RRDBnet", "network_g.type: expected one of RRDBNet, SRResNet, SRVGGNetCompact, "
         "got 'RRDBnet'; did you mean RRDBNet?"),
        ("network_g.type=", "network_g.type: this key is required; expected one of RRDBNet, SRResNet, "
         "SRVGGNetCompact"),
        ("network_d.type=Patch", "network_d.type: expected one of PatchDiscriminatorSN, SRGANDiscriminator, "
         "UNetDiscriminatorSN, VGGStyleDiscriminator, got 'Patch'"),
        ("scale=3", "scale: expected one of 1, 2, 4, got 3"),
        ("num_gpu=all", "num_gpu: expected a whole number >= 0 or auto, got 'all'"),
        ("device=gpu", "device: expected a text, got 'gpu'"),
        ("precision=half", "precision: expected one of auto, fp32, bf16, fp16, got 'half'"),
        ("name=a/b", "name: expected a name that a folder can have, got 'a/b'"),
        ("name=..", "name: expected a name that a folder can have, got '..'"),
        ("path.resume_state=None", "path.resume_state: expected a path, got 'None'; write ~ for none"),
        ("train.perceptual_opt.style_weight=1", "train.perceptual_opt.style_weight: expected 0, got 1: the style loss is "
         "not offered"),
        ("datasets.train.io_backend.type=memcached", "datasets.train.io_backend.type: 'memcached' is not offered: copy the "
         "images into a folder and write type: disk"),
        ("datasets.train.blur_kernel_size=8", "datasets.train.blur_kernel_size: expected one of 7, 9, 11, 13, 15, 17, 19, 21, "
         "got 8"),
        ("train=3", "train: expected a mapping, got 3"),
        ("train.trainable.network_g=[]", "train.trainable.network_g: expected a text or a list, each item a text, got []"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_what_was_expected(override, message):
    assert message in with_override(override)


def test_a_switch_in_place_of_a_text_is_explained(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text("name: no\nnetwork_g: {type: RRDBNet}\n")
    assert problems(path) == ["line 1: name: expected a text, got false; put it in quotes to mean the text"]
