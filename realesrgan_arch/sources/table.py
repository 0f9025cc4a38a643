"""The data sets that `data get` knows. Addresses and checksums are published ones; each says where."""

import difflib
from dataclasses import dataclass

from realesrgan_arch.data.files import DataError
from realesrgan_arch.downloading.fetch import RemoteFile


@dataclass(frozen=True)
class Folder:
    """A folder of an archive and where it goes."""

    inside: str
    """Path within the archive."""
    to: str
    """Path below the data set's folder."""
    num_images: int


@dataclass(frozen=True)
class SourceFile:
    """One published file: an archive with folders, or, without folders, a file that is kept as it is."""

    part: str
    """What `--parts` calls it; the text before the first hyphen names all parts that begin with it."""
    name: str
    """File name on this machine."""
    remote: RemoteFile
    folders: tuple[Folder, ...] = ()


@dataclass(frozen=True)
class Source:
    """A data set: files of the web, or a handle of Kaggle."""

    name: str
    title: str
    page: str
    licence: str
    licence_url: str
    citation: str
    files: tuple[SourceFile, ...] = ()
    kaggle_handle: str = ""
    min_images: int = 1
    """Fewer are no complete set; for sets of Kaggle, which publishes neither counts nor checksums."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts, in order."""
        return tuple(file.part for file in self.files)

    @property
    def num_bytes(self) -> int | None:
        """Size of all downloads; None where one of them is not known."""
        sizes = [file.remote.size for file in self.files]
        return sum(size for size in sizes if size) if sizes and None not in sizes else None


_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K"
_EDSR_TAR = RemoteFile(
    # The address that the authors of EDSR give in their repository (sanghyun-son/EDSR-PyTorch, README.md, "250MB"); the
    # checksum is that of Coloquinte/torchSR, torchsr/datasets/benchmarks.py. The sets' own pages offer no archive.
    "https://cv.snu.ac.kr/research/EDSR/benchmark.tar",
    checksum="md5:4ace41d33c2384b97e6b320cd0afd6ba",
)


def _div2k(part: str, name: str, size: int, sha256: str, folder: Folder) -> SourceFile:
    # Sizes and checksums: tensorflow/datasets, tensorflow_datasets/datasets/div2k/checksums.tsv.
    return SourceFile(part, name, RemoteFile(f"{_DIV2K}/{name}", size, f"sha256:{sha256}", max_bytes=size), (folder,))


def _benchmark(name: str, num_images: int) -> tuple[SourceFile, ...]:
    inside = f"benchmark/{name}"
    folders = (
        Folder(f"{inside}/HR", "HR", num_images),
        Folder(f"{inside}/LR_bicubic/X4", "LR_bicubic/X4", num_images),
    )
    return (SourceFile("all", "benchmark.tar", _EDSR_TAR, folders),)


def _drive(file_id: str, name: str, size: int, md5: str) -> RemoteFile:
    page = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    return RemoteFile(
        f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t",
        size,
        f"md5:{md5}",
        max_bytes=size,
        by_hand=f"Google Drive limits such downloads; open {page}, download {name} in the browser",
    )


_TABLE = (
    Source(
        "modernarchitecture",
        "Modern Architecture: about 50,000 photographs of buildings inside and outside, with some floor plans",
        "https://www.kaggle.com/datasets/tompaulat/modernarchitecture",
        "as its page on Kaggle states; the photographs belong to their authors: read the page before you use them",
        "https://www.kaggle.com/datasets/tompaulat/modernarchitecture",
        "tompaulat, Modern Architecture, Kaggle; used by YuvalMandel1/Real-ESRGAN_architecture_images_finetune",
        kaggle_handle="tompaulat/modernarchitecture",
        min_images=1000,
    ),
    Source(
        "div2k",
        "DIV2K: 800 pictures for training and 100 for validation, 2K, with bicubic x4",
        "https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        "for academic research only; the pictures belong to their authors (see the page)",
        "https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        "E. Agustsson, R. Timofte, NTIRE 2017 Challenge on Single Image Super-Resolution: Dataset and Study, 2017",
        (
            _div2k(
                "train-hr",
                "DIV2K_train_HR.zip",
                3_530_603_713,
                "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
                Folder("DIV2K_train_HR", "DIV2K_train_HR", 800),
            ),
            _div2k(
                "train-x4",
                "DIV2K_train_LR_bicubic_X4.zip",
                246_914_039,
                "f006b837f4eb52b82909aa01478e6d6d199eefce932179491d0c9dbb706dde3a",
                Folder("DIV2K_train_LR_bicubic/X4", "DIV2K_train_LR_bicubic/X4", 800),
            ),
            _div2k(
                "validation-hr",
                "DIV2K_valid_HR.zip",
                448_993_893,
                "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
                Folder("DIV2K_valid_HR", "DIV2K_valid_HR", 100),
            ),
            _div2k(
                "validation-x4",
                "DIV2K_valid_LR_bicubic_X4.zip",
                31_505_881,
                "a50a5d1c4b88de4e8d300d8fb2b904c52fe93b2b298a4899697760d7cbb6d553",
                Folder("DIV2K_valid_LR_bicubic/X4", "DIV2K_valid_LR_bicubic/X4", 100),
            ),
        ),
    ),
    Source(
        "set5",
        "Set5: 5 pictures with bicubic x4",
        "https://github.com/sanghyun-son/EDSR-PyTorch",
        "none is stated; used for research since 2012",
        "http://people.rennes.inria.fr/Aline.Roumy/results/SR_BMVC12.html",
        "M. Bevilacqua et al., Low-Complexity Single-Image Super-Resolution based on Nonnegative Neighbor Embedding, "
        "BMVC 2012",
        _benchmark("Set5", 5),
    ),
    Source(
        "set14",
        "Set14: 14 pictures with bicubic x4",
        "https://github.com/sanghyun-son/EDSR-PyTorch",
        "none is stated; used for research since 2010",
        "https://sites.google.com/site/romanzeyde/research-interests",
        "R. Zeyde, M. Elad, M. Protter, On Single Image Scale-Up Using Sparse-Representations, 2010",
        _benchmark("Set14", 14),
    ),
    Source(
        # File ids and MD5: pytorch/vision, torchvision/datasets/celeba.py. Sizes: tensorflow/datasets,
        # tensorflow_datasets/url_checksums/celeb_a.txt.
        "celeba",
        "CelebA: 202,599 aligned faces, 178 x 218",
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        "for non-commercial research only; no copies may be passed on",
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        "Z. Liu, P. Luo, X. Wang, X. Tang, Deep Learning Face Attributes in the Wild, ICCV 2015",
        (
            SourceFile(
                "images",
                "img_align_celeba.zip",
                _drive(
                    "0B7EVK8r0v71pZjFTYXZWM3FlRnM",
                    "img_align_celeba.zip",
                    1_443_490_838,
                    "00d2c5bc6d35e252742224ab0c1e8fcb",
                ),
                (Folder("img_align_celeba", "img_align_celeba", 202_599),),
            ),
            SourceFile(
                "partition",
                "list_eval_partition.txt",
                _drive(
                    "0B7EVK8r0v71pY0NSMzRuSXJEVkk",
                    "list_eval_partition.txt",
                    2_836_386,
                    "d32c9cbf5e040fd4025c592c306e6668",
                ),
            ),
        ),
    ),
)

SOURCES: dict[str, Source] = {source.name: source for source in _TABLE}


def find_source(name: str) -> Source:
    """Return the data set called `name`, in any case.

    Raises:
        DataError: none is; the sentence names the nearest.
    """
    if name.lower() in SOURCES:
        return SOURCES[name.lower()]
    near = difflib.get_close_matches(name.lower(), SOURCES, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    raise DataError(f"Expected one of {', '.join(SOURCES)}, got {name!r}{hint}")


def choose_files(source: Source, parts: tuple[str, ...]) -> tuple[SourceFile, ...]:
    """Return the files of the named parts, all where none is named; `validation` means `validation-hr` and the like.

    Raises:
        DataError: the set has no such part.
    """
    known = {*source.parts, *(part.partition("-")[0] for part in source.parts)}
    unknown = [part for part in parts if part not in known]
    if unknown:
        expected = ", ".join(source.parts) or "no --parts: it comes as a whole"
        raise DataError(f"Expected parts of {source.name} ({expected}), got {', '.join(unknown)}.")
    return tuple(file for file in source.files if not parts or {file.part, file.part.partition("-")[0]} & set(parts))
