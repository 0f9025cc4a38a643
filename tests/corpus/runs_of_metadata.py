"""Runs over pictures with profiles, EXIF and XMP: rows 18 and 19 of the catalogue."""

from pathlib import Path

from realesrgan_arch.images import read_picture
from tests import image_makers
from tests.corpus import colours, pictures
from tests.corpus.upscale_runs import Check, UpscaleRun, photos


def _has_profile(icc: bytes | None) -> Check:
    def check(output: Path) -> None:
        assert read_picture(output / "a_out.png").metadata.icc == icc

    return check


def _tells(*, place: bool, camera: bool) -> Check:
    """The raw bytes of the one result: everything private or nothing, and never the thumbnail."""

    def check(output: Path) -> None:
        result = next(path for path in output.iterdir() if path.stem == "a_out")
        data = result.read_bytes()
        assert colours.THUMBNAIL not in data
        assert (b"Model 7" in data) == camera
        for secret in colours.PRIVATE:
            assert (secret in data) == place, secret

    return check


_PRIVATE_IN_ALL_FORMATS = tuple(
    UpscaleRun(
        f"19-metadata-{keep}-{suffix}",
        f"`--metadata {keep}`, from a JPEG to {suffix}: {what}.",
        photos(a_jpg=colours.private()),
        "1 picture upscaled",
        results=(f"a_out.{suffix}",),
        flags=("--metadata", keep, "--ext", suffix),
        check=_tells(place=keep == "keep", camera=keep != "none"),
    )
    for keep, what in (
        ("keep", "everything but the thumbnail is in the result"),
        ("safe", "no byte of place, owner, serial numbers, maker's note and XMP is in the result; the camera is"),
        ("none", "nothing of EXIF and XMP is in the result"),
    )
    for suffix in (("jpg", "png", "webp") if keep == "keep" else ("jpg", "png", "webp", "tif"))
)

RUNS_OF_METADATA: tuple[UpscaleRun, ...] = (
    *(
        UpscaleRun(
            f"18-profile-{name}",
            f"A profile that is {what}.",
            photos(a_png=pictures.png(18, icc_profile=icc)),
            words,
            results=("a_out.png",),
            flags=flags,
            check=_has_profile(kept),
        )
        for name, what, icc, flags, kept, words in (
            ("kept", "fine: it stays byte for byte", image_makers.SRGB, (), image_makers.SRGB, "1 picture upscaled"),
            ("to-srgb", "fine, with `--to-srgb`: it goes", image_makers.SRGB, ("--to-srgb",), None, "1 picture"),
            ("damaged", "damaged: left out, with a warning", b"garbage", (), None, "its colour profile is damaged"),
            ("damaged-to-srgb", "damaged, with `--to-srgb`", b"garbage", ("--to-srgb",), None, "profile is damaged"),
        )
    ),
    *_PRIVATE_IN_ALL_FORMATS,
    UpscaleRun(
        "19-huge-exif-into-jpeg",
        "300 kB of EXIF, and JPEG is asked for, which holds 64: left out, and said.",
        photos(a_png=pictures.png(19, exif=colours.huge_exif())),
        "EXIF",
        results=("a_out.jpg",),
        flags=("--ext", "jpg"),
    ),
)
