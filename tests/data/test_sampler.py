import pytest
from torch.utils.data import DataLoader

from realesrgan_arch.data.dataset import GtDataset
from realesrgan_arch.data.files import DataError
from realesrgan_arch.data.sampler import SampleRequest, StepSampler, epoch_order
from tests.data.pictures import write_noise


def test_the_batches_are_a_slice_of_one_endless_line_of_epochs():
    batches = list(StepSampler(7, 3, seed=5, start_step=0, num_steps=7))
    line = [request.index for batch in batches for request in batch]
    assert sorted(line[:7]) == sorted(line[7:14]) == sorted(line[14:21]) == list(range(7))
    assert line[:7] == epoch_order(7, seed=5, epoch=0).tolist() != line[7:14]
    assert [(request.step, request.slot) for request in batches[4]] == [(4, 0), (4, 1), (4, 2)]


@pytest.mark.parametrize("start", [0, 1, 4, 11, 1_000_003])
def test_a_resumed_run_gets_the_same_batches(start):
    straight = list(StepSampler(10, 4, seed=0, start_step=start, num_steps=20))
    resumed = list(StepSampler(10, 4, seed=0, start_step=start + 13, num_steps=7))
    assert straight[13:] == resumed
    assert len(StepSampler(10, 4, seed=0, start_step=start, num_steps=20)) == len(straight) == 20


def test_seeds_give_different_orders():
    assert epoch_order(50, seed=0, epoch=0).tolist() != epoch_order(50, seed=1, epoch=0).tolist()
    assert epoch_order(50, seed=0, epoch=1).tolist() != epoch_order(50, seed=1, epoch=0).tolist()


def test_fewer_images_than_the_batch_is_one_sentence():
    assert len(next(iter(StepSampler(4, 4, 0, 0, 1)))) == 4
    with pytest.raises(
        DataError, match=r"Got 3 images, but the batch is 4; lower datasets.train.batch_size_per_gpu or add"
    ):
        StepSampler(3, 4, seed=0, start_step=0, num_steps=1)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_loader_gives_the_same_samples_from_any_step_and_with_any_number_of_workers(tmp_path, num_workers):
    paths = [write_noise(tmp_path / f"{i}.png", seed=i) for i in range(5)]
    dataset = GtDataset(paths, crop_size=16, seed=3)
    sampler = StepSampler(5, 2, seed=3, start_step=6, num_steps=3)
    batches = list(DataLoader(dataset, batch_sampler=sampler, num_workers=num_workers))
    assert batches[0]["gt"].shape == (2, 3, 16, 16)
    for batch, requests in zip(batches, sampler, strict=True):
        for slot, request in enumerate(requests):
            alone = dataset[SampleRequest(request.index, request.step, slot)]
            assert batch["gt"][slot].equal(alone["gt"]) and batch["gt_path"][slot] == alone["gt_path"]
        assert batch["failed_path"] == ["", ""] and not batch["padded"].any()
