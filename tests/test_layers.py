"""Imports point one way: a module imports lower layers, or its own without a cycle. Read with `ast`, nothing is run."""

import ast
import graphlib
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "realesrgan_arch"

# Lowest first. A name is a module below realesrgan_arch, "room.*" every module of a room that has no line of its own.
GROUND, LEAVES, PARTS, TRAINING, BRIDGE, ENTRIES = range(6)
LAYERS = {
    # What every module may import.
    GROUND: [
        "errors",
        "seeding",
        "python_version",
        "basicsr_shims",
        "resampling",
        "gaussian_blur",
        "atomic",
        "extras",
        "file_lock",
        "file_hash",
        "byte_count",
        "cores",
        "plural",
        "disk_room",
        "torchrun",
        "host_memory",
        "stop_signals",
        "svg_lines",
    ],
    # Imports the ground and leaves of its own room, so that it could move to another repository as it is.
    LEAVES: [
        "devices",
        "images",
        "image_color",
        "image_encode",
        "image_exif",
        "image_fitting",
        "image_formats",
        "image_header",
        "image_jpeg",
        "image_metadata",
        "image_png",
        "image_png_write",
        "image_profile",
        "image_small",
        "image_tensor",
        "image_stream",
        "image_strips",
        "image_tiff",
        "image_tiff_tags",
        "image_tiff_write",
        "perceptual_hash",
        "options.yaml_dialect",
        "degradation.settings",
        "degradation.kernels",
        "degradation.operators",
        "degradation.jpeg",
        "degradation.poisson",
        "networks.*",
        "evaluation.metrics",
        "evaluation.niqe",
        "evaluation.low_frequency_color",
        "evaluation.edge_orientation",
        "upscaling.tiling",
        "training.ema",
        "training.side_stream",
        "audit.windows",
        "audit.line_art",
        "audit.compression",
        "audit.sharpness",
        "audit.spectrum",
    ],
    PARTS: [
        "options.*",
        "losses.*",
        "dry_run_report",
        "pages",
        "downloading.*",
        "weights.*",
        "data.*",
        "sources.*",
        "audit.*",
        "degradation.*",
        "evaluation.*",
        "upscaling.*",
        "training.steps",
        "training.freezing",
        "training.checkpoint",
        "training.fault_points",
    ],
    # Composes parts.
    TRAINING: [
        "training.*",
        "comparison",
        "preview.*",
        "sweep.*",
        # What they write comes from the folder of a run.
        "upscaling.export.run_facts",
        "upscaling.export.record",
        "upscaling.export.model_card",
        "upscaling.export.openmodeldb",
        "upscaling.export.session",
        "evaluation.report_places",
        "evaluation.report_run",
        "evaluation.report_trials",
        # A report reads files of these names.
        "layer_study.probe_files",
    ],
    # The one door to basicsr; a whole run behind it; several of them; and `doctor`'s facts, which look at everything.
    BRIDGE: ["basicsr_bridge", "session", "dry_run", "stages", "environment.*", "layer_study.*", "guided.*"],
    ENTRIES: ["commands.*", "notebook.*", "entry", "cli", "train", "finetune", "test", "inference"],
}
BEHIND_THE_BRIDGE = {"basicsr", "realesrgan", "torchvision"}
THE_BRIDGE = {"basicsr_bridge", "basicsr_shims"}
ENTRY_FILES = {"train", "finetune", "test", "inference"}
THIRD_PARTY = {
    "cv2",
    "jinja2",
    "numpy",
    "PIL",
    "pydantic",
    "requests",
    "safetensors",
    "scipy",
    "tensorboard",
    "torch",
    "torchmetrics",
    "tqdm",
    "yaml",
}


def read_modules() -> dict[str, ast.Module]:
    """Name below realesrgan_arch -> syntax tree; the package and its rooms themselves end in `__init__`."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
    }


MODULES = read_modules()


def layer_of(name: str) -> int | None:
    """Return the layer of a module; a line with its full name goes before a pattern."""
    for matches in (str.__eq__, fnmatchcase):
        for layer, patterns in LAYERS.items():
            if any(matches(name, pattern) for pattern in patterns):
                return layer
    return None


def room_of(name: str) -> str:
    return name.rpartition(".")[0]


def imported_names(name: str) -> set[str]:
    """Return the full dotted names that a module imports, anywhere in it, and our modules that a string names."""
    found = set()
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{absolute(name, node)}.{alias.name}" for alias in node.names}
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("realesrgan_arch.")
        ):
            found.add(node.value)
    return found


def absolute(name: str, node: ast.ImportFrom) -> str:
    """Return the module that `from ... import` names, relative imports resolved."""
    if node.level == 0:
        return node.module or ""
    above = ["realesrgan_arch", *name.split(".")][: -node.level]
    return ".".join([*above, *([node.module] if node.module else [])])


def imports_of_ours(name: str) -> set[str]:
    """Return the modules of ours that a module imports: `realesrgan_arch.a.b.thing` is `a.b`."""
    found = set()
    for dotted in imported_names(name):
        parts = dotted.split(".")[1:] if dotted.startswith("realesrgan_arch.") else []
        candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        module = next((candidate for candidate in candidates if candidate in MODULES), None)
        found |= {module} if module else set()
    return found - {name}


OURS = {name: imports_of_ours(name) for name in MODULES}
NAMED = [name for name in MODULES if not name.endswith("__init__")]


@pytest.mark.parametrize("name", NAMED)
def test_every_module_has_a_layer(name):
    assert layer_of(name) is not None, f"{name} has no layer: add a line for it to LAYERS in {Path(__file__).name}"


def test_every_line_of_the_layers_is_for_something_and_stands_once():
    patterns = [pattern for layer in LAYERS.values() for pattern in layer]
    assert len(patterns) == len(set(patterns))
    assert [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in NAMED)] == []


@pytest.mark.parametrize("name", NAMED)
def test_imports_never_point_upwards(name):
    layer = layer_of(name)
    upwards = sorted(target for target in OURS[name] if (layer_of(target) or 0) > (layer or 0))
    assert not upwards, f"{name} (layer {layer}) imports {upwards}, which lie above it"


@pytest.mark.parametrize("name", [name for name in NAMED if layer_of(name) == LEAVES])
def test_leaves_import_only_the_ground_and_their_own_room(name):
    strangers = sorted(
        target for target in OURS[name] if layer_of(target) != GROUND and room_of(target) != room_of(name)
    )
    assert not strangers, f"{name} is a leaf, but imports {strangers} of another room"


def test_no_cycle():
    try:
        graphlib.TopologicalSorter(OURS).prepare()
    except graphlib.CycleError as error:
        pytest.fail("modules import each other: " + " <- ".join(error.args[1]))


@pytest.mark.parametrize("name", [name for name in MODULES if name.endswith("__init__")])
def test_importing_the_package_or_a_room_has_no_effect(name):
    statements = [node for node in MODULES[name].body if not isinstance(node, (ast.Expr, ast.Assign))]
    assert not statements, f"{name} does more than hold its docstring"


@pytest.mark.parametrize("name", [name for name in NAMED if name not in THE_BRIDGE])
def test_only_the_bridge_imports_basicsr_realesrgan_and_torchvision(name):
    through = sorted(BEHIND_THE_BRIDGE & {dotted.split(".")[0] for dotted in imported_names(name)})
    assert not through, f"{name} imports {through}; only basicsr_bridge may"


def test_no_module_hides_one_of_the_standard_library_or_of_a_dependency():
    # `python realesrgan_arch/train.py` puts this folder first on sys.path.
    names = {path.stem for path in ROOT.iterdir()} - ENTRY_FILES
    hidden = sorted(names & (sys.stdlib_module_names | THIRD_PARTY | BEHIND_THE_BRIDGE) - {"__init__"})
    assert not hidden, f"rename {hidden}: Python's own or a dependency's module of that name would not be found"


@pytest.mark.parametrize("name", MODULES)
def test_no_print(name):
    lines = [node.lineno for node in ast.walk(MODULES[name]) if isinstance(node, ast.Name) and node.id == "print"]
    assert not lines, f"{name} prints in line {lines}; commands say() through entry.py"
