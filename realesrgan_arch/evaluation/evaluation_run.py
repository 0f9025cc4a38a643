"""A whole evaluation as the command line asks for it: weights and a set in, one or two proofs out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from realesrgan_arch.degradation.presets import PresetName
from realesrgan_arch.evaluation.chosen_set import DataChoice
from realesrgan_arch.evaluation.contender import (
    BASE,
    MODEL,
    TUNED,
    Contender,
    LoadedContender,
    Machine,
    as_controls,
    bicubic,
    check_scales,
    choose_machine,
    folder_name,
    name_of_weights,
)
from realesrgan_arch.evaluation.controls import RememberedMethod, build_controls
from realesrgan_arch.evaluation.data_choice import MAX_SIZE, open_data
from realesrgan_arch.evaluation.evaluate import EvaluationError, ScoreRules
from realesrgan_arch.evaluation.group_choice import choose_groups
from realesrgan_arch.evaluation.proof import Kind
from realesrgan_arch.evaluation.proved import Proved
from realesrgan_arch.evaluation.proving import (
    ProofRequest,
    check_beside,
    check_replaceable,
    check_writable,
    prove,
    usable_rules,
)
from realesrgan_arch.evaluation.real_pairs import open_real_pairs, open_without_truth
from realesrgan_arch.evaluation.seen_pictures import find_seen

GENERAL = "general"
"""Folder of the second proof, below that of the first."""


@dataclass(frozen=True)
class EvaluationRequest:
    """What `realesrgan-arch evaluate` asks for. Exactly one of `data` and `lq` is there."""

    weights: tuple[str, ...]
    """A base and a tuned model, or one model alone: files or known names."""
    data: str | None = None
    """See `data_choice.open_data`."""
    lq: Path | None = None
    gt: Path | None = None
    general: str | None = None
    """A second set, such as photographs of everything: what the tuning made the model forget."""
    root: Path | None = None
    preset: PresetName = "full"
    seed: int = 0
    max_size: int | None = MAX_SIZE
    max_images: int | None = None
    groups: tuple[str, ...] | None = None
    metrics: tuple[str, ...] = ScoreRules().metrics
    perceptual_weights: Path | None = None
    """The folder of the weights that learned metrics need."""
    y_channel: bool = False
    border: int | None = None
    """None is the scale."""
    with_controls: bool = False
    with_pictures: bool = True
    output: Path | None = None
    """None is `results/<name>`."""
    name: str | None = None
    """Of that folder and in the title; None takes those of the model and of the set."""
    device: str = "auto"
    backend: str = "auto"
    precision: str = "fp32"
    facts: Mapping[str, str] = field(default_factory=dict)
    """For the proof, such as the command line."""


@dataclass(frozen=True)
class Evaluation:
    """The proof of the set and, where it was asked for, that of the general one."""

    main: Proved
    general: Proved | None

    @property
    def proofs(self) -> tuple[Proved, ...]:
        """Both, or the one."""
        return (self.main,) if self.general is None else (self.main, self.general)


@dataclass(frozen=True)
class _Side:
    contenders: tuple[Contender, ...]
    scale: int
    computed: str


def run_evaluation(request: EvaluationRequest) -> Evaluation:
    """Evaluate, and write the proofs.

    Raises:
        UserError: weights, data or folders that cannot be used.
    """
    if (request.data is None) == (request.lq is None):
        given = "none; name it with --data, or with --lq" if request.data is None else "both --data and --lq; keep one"
        raise EvaluationError(f"expected one set to score on, got {given}")
    if request.gt is not None and request.lq is None:
        raise EvaluationError("expected --gt beside --lq, got it alone; name the folder of the LQ, too")
    machine = choose_machine(request.device, backend=request.backend, precision=request.precision)
    request, notes = _with_usable_metrics(request)
    side = _load(request, machine)
    choice = _open(request, side.scale)
    general = None if request.general is None else _open_second(request, request.general, side.scale)
    folder = request.output or Path("results") / (request.name or _default_name(request, choice))
    for one in (choice, general):
        check_beside(folder, one.walked if one is not None else ())
    check_writable(folder)
    wanted = [_proof_request(request, choice, side, folder, machine, notes)]
    if general is not None:
        second = replace(request, groups=None)
        wanted.append(_proof_request(second, general, side, folder / GENERAL, machine, notes))
    for one in wanted:
        check_replaceable(one)
    proofs = [prove(one) for one in wanted]
    return Evaluation(proofs[0], proofs[1] if len(proofs) > 1 else None)


def _with_usable_metrics(request: EvaluationRequest) -> tuple[EvaluationRequest, tuple[str, ...]]:
    """Leave out the metrics that cannot be measured here, with a sentence for each."""
    rules, notes = usable_rules(_rules(request, 0))
    return replace(request, metrics=rules.metrics), notes


def _rules(request: EvaluationRequest, border: int) -> ScoreRules:
    weights = "" if request.perceptual_weights is None else str(request.perceptual_weights)
    return ScoreRules(metrics=request.metrics, border=border, y_channel=request.y_channel, perceptual_weights=weights)


def _load(request: EvaluationRequest, machine: Machine) -> _Side:
    """The contenders in the order of their rows: bicubic, the controls, the base, the tuned model."""
    names: Sequence[tuple[str, Kind]] = [(BASE, "base"), (TUNED, "tuned")]
    if len(request.weights) == 1:
        names = [(MODEL, "tuned")]
    if not 1 <= len(request.weights) <= 2:
        raise EvaluationError(f"expected one weights file, or a base and a tuned one, got {len(request.weights)}")
    loaded: list[LoadedContender] = [
        machine.load(source, name=name, kind=kind) for source, (name, kind) in zip(request.weights, names, strict=True)
    ]
    scale = check_scales(loaded)
    contenders = [one.contender for one in loaded]
    controls = [bicubic(scale)]
    if request.with_controls:
        first = RememberedMethod(contenders[0].upscale)  # The network runs once for its row and for the controls.
        contenders[0] = replace(contenders[0], upscale=first)
        controls = as_controls(build_controls(first, scale, name=contenders[0].facts.name))
    return _Side((*controls, *contenders), scale, loaded[0].computed)


def _open(request: EvaluationRequest, scale: int) -> DataChoice:
    sizes = {"scale": scale, "max_size": request.max_size, "max_images": request.max_images}
    if request.lq is None:
        return open_data(request.data or "", preset=request.preset, seed=request.seed, root=request.root, **sizes)
    if request.gt is None:
        return open_without_truth(request.lq, **sizes)
    return open_real_pairs(request.lq, request.gt, **sizes)


def _open_second(request: EvaluationRequest, general: str, scale: int) -> DataChoice:
    return open_data(
        general,
        preset=request.preset,
        seed=request.seed,
        scale=scale,
        max_size=request.max_size,
        max_images=request.max_images,
    )


def _proof_request(
    request: EvaluationRequest, choice: DataChoice, side: _Side, folder: Path, machine: Machine, notes: tuple[str, ...]
) -> ProofRequest:
    border = side.scale if request.border is None else request.border
    return ProofRequest(
        choice=choice,
        contenders=side.contenders,
        rules=_rules(request, border),
        folder=folder,
        scale=side.scale,
        groups=choose_groups(choice, request.groups),
        seed=request.seed,
        with_pictures=request.with_pictures,
        computed=side.computed,
        notes=notes,
        seen=find_seen(choice, request.weights),
        facts={**machine.facts(side.computed), **request.facts},
    )


def _default_name(request: EvaluationRequest, choice: DataChoice) -> str:
    """`finetuned_houses-test`, `my-run_net_g_latest_houses-test`."""
    return folder_name(f"{name_of_weights(request.weights[-1])}_{choice.title}")
