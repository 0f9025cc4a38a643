"""`realesrgan-arch weights list|get|verify|inspect`: released weights, and what is inside any weights file.

Known weights are looked for by the name of their file in the folders that REALESRGAN_ARCH_WEIGHTS names (one, or
several parted as those of PATH; not in folders inside them), then in experiments/pretrained_models, weights, the cache
folder ~/.cache/realesrgan_arch and torch's own. `get` puts them into the first that is named, else into the
cache folder.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from realesrgan_arch.byte_count import say_bytes
from realesrgan_arch.entry import say
from realesrgan_arch.errors import EXIT_BAD_MODEL, EXIT_OK
from realesrgan_arch.image_header import shown
from realesrgan_arch.networks.spec import (
    DISCRIMINATOR_SPECS,
    GENERATOR_SPECS,
    CompactSpec,
    DiscriminatorSpec,
    GeneratorSpec,
    PatchDiscriminatorSpec,
    UNetDiscriminatorSpec,
)
from realesrgan_arch.weights.detect import describe
from realesrgan_arch.weights.download import download
from realesrgan_arch.weights.load import LoadedWeights, load_weights
from realesrgan_arch.weights.table import (
    FOLDER_VARIABLE,
    KNOWN_WEIGHTS,
    KnownWeights,
    Verification,
    WeightsError,
    download_folder,
    find_known,
    find_weights,
    present_file,
    search_folders,
    verify,
)

_STATUS_TEXT = {
    "verified": "verified: the released bytes",
    "unverified": "no published checksum to compare with",
    "differs": "differs from the released file",
    "unknown": "not a released file that is known here",
}


def main(argv: Sequence[str]) -> int:
    """Run one of the verbs; returns 0, or 2 when a checked file differs from the released one."""
    arguments = _parser().parse_args(argv)
    return arguments.verb(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="realesrgan-arch weights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="show the known weights and which are on this machine")
    listing.set_defaults(verb=_list)
    get = verbs.add_parser("get", help="download known weights and check them")
    get.add_argument("name", help="a name that `weights list` shows")
    get.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        help="folder (default: the first of REALESRGAN_ARCH_WEIGHTS, else the cache folder)",
    )
    get.set_defaults(verb=_get)
    check = verbs.add_parser("verify", help="compare files with the released checksums")
    check.add_argument("files", nargs="*", metavar="FILE|NAME", help="default: all known weights that are present")
    check.set_defaults(verb=_verify)
    inspect = verbs.add_parser("inspect", help="show the architecture and the contents of a weights file")
    inspect.add_argument("file", metavar="FILE")
    inspect.add_argument(
        "--key", help="the entry of the file that holds the weights (default: params_ema, then params)"
    )
    inspect.set_defaults(verb=_inspect)
    for verb in (listing, get, check, inspect):
        verb.add_argument("--json", action="store_true", help="machine-readable output")
    return parser


def _list(arguments: argparse.Namespace) -> int:
    rows = [_row(known) for known in KNOWN_WEIGHTS.values()]
    if arguments.json:
        say(json.dumps(rows, indent=2))
        return EXIT_OK
    say(f"{'name':<32} {'architecture':<38} {'scale':>5} {'size':>9}  present")
    for row in rows:
        size = say_bytes(row["size"]) if row["size"] else "?"
        place = f"{row['path']} ({row['status']})" if row["path"] else "no"
        say(f"{row['name']:<32} {row['architecture']:<38} {row['scale'] or '':>5} {size:>9}  {place}")
    present = {row["status"] for row in rows}
    for status in ("unverified", "differs"):
        if status in present:
            say(f"({status}): {_STATUS_TEXT[status]}")
    say(f"Looked for in {', '.join(map(shown, search_folders()))}; {FOLDER_VARIABLE} names others.")
    say("Get one with: realesrgan-arch weights get NAME")
    return EXIT_OK


def _row(known: KnownWeights) -> dict:
    path = present_file(known)
    return {
        "name": known.name,
        "architecture": _architecture(known.spec) if known.spec else "features (losses and metrics)",
        "scale": _scale(known.spec),
        "size": known.size,
        "sha256": known.sha256,
        "licence": known.licence,
        "url": known.url,
        "path": str(path) if path else None,
        "status": verify(path).status if path else "absent",
    }


def _get(arguments: argparse.Namespace) -> int:
    known = find_known(arguments.name)
    if known is None:
        names = ", ".join(KNOWN_WEIGHTS)
        raise WeightsError(f"{arguments.name!r} is not the name of known weights: expected one of {names}.")
    path = download(known, arguments.to or download_folder())
    if arguments.json:
        say(json.dumps(_verification_dict(verify(path)), indent=2))
    else:
        say(f"{path}")
    return EXIT_OK


def _verify(arguments: argparse.Namespace) -> int:
    present = (present_file(known) for known in KNOWN_WEIGHTS.values())
    files = [find_weights(name) for name in arguments.files] or [path for path in present if path]
    results = [verify(path) for path in files]
    if arguments.json:
        say(json.dumps([_verification_dict(result) for result in results], indent=2))
    elif not results:
        say("No known weights on this machine. `realesrgan-arch weights list` shows what there is to get.")
    else:
        for result in results:
            say(f"{result.path}: {_STATUS_TEXT[result.status]} (SHA-256 {result.sha256})")
    return EXIT_BAD_MODEL if any(result.status == "differs" for result in results) else EXIT_OK


def _inspect(arguments: argparse.Namespace) -> int:
    path = find_weights(arguments.file)
    loaded = load_weights(path, key=arguments.key)
    facts = _facts(loaded, verify(path))
    if arguments.json:
        say(json.dumps(facts, indent=2))
    else:
        for name, value in facts.items():
            say(f"{name:<14} {value}")
    return EXIT_OK


def _facts(loaded: LoadedWeights, verification: Verification) -> dict:
    spec, known = loaded.spec, verification.known
    names = ", ".join(one.type for one in (*GENERATOR_SPECS, *DISCRIMINATOR_SPECS))
    unknown = f"unknown: none of {names}; {describe(loaded.state)}"
    return {
        "file": str(verification.path),
        "architecture": _architecture(spec) if spec else unknown,
        "scale": _scale(spec),
        "spec": asdict(spec) if spec else None,
        "parameters": sum(tensor.numel() for tensor in loaded.state.values()),
        "tensors": len(loaded.state),
        "dtype": ", ".join(loaded.dtypes),
        "key": loaded.key,
        "keys": list(loaded.keys),
        "sha256": verification.sha256,
        "known as": f"{known.name} ({_STATUS_TEXT[verification.status]})" if known else _STATUS_TEXT["unknown"],
    }


def _verification_dict(result: Verification) -> dict:
    return {
        "file": str(result.path),
        "sha256": result.sha256,
        "known": result.known.name if result.known else None,
        "status": result.status,
    }


def _architecture(spec: GeneratorSpec | DiscriminatorSpec) -> str:
    if isinstance(spec, UNetDiscriminatorSpec):
        return f"{spec.type} {spec.num_feat} features"
    if isinstance(spec, PatchDiscriminatorSpec):
        return f"{spec.type} {spec.num_feat} features, {spec.depth} halvings"
    if isinstance(spec, DISCRIMINATOR_SPECS):
        return f"{spec.type} {spec.num_feat} features, crops of {spec.input_size} px"
    depth = f"{spec.num_conv} convs" if isinstance(spec, CompactSpec) else f"{spec.num_block} blocks"
    return f"{spec.type} {spec.num_feat} features, {depth}"


def _scale(spec: GeneratorSpec | DiscriminatorSpec | None) -> int | None:
    return None if spec is None or isinstance(spec, DISCRIMINATOR_SPECS) else spec.scale
