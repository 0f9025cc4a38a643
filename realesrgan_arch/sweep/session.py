"""A whole sweep: two models and a set in; a curve, a choice and the chosen model out."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from realesrgan_arch.data.files import DataError
from realesrgan_arch.degradation.presets import PresetName
from realesrgan_arch.devices import choose_device, choose_dtype
from realesrgan_arch.evaluation.chosen_set import DataChoice
from realesrgan_arch.evaluation.data_choice import MAX_SIZE, open_data
from realesrgan_arch.evaluation.evaluate import ScoreRules
from realesrgan_arch.evaluation.proving import check_beside, check_writable, sole_writer, usable_rules
from realesrgan_arch.evaluation.scoring_run import ScoredSet, open_journal, saying_how_to_go_on, score_set
from realesrgan_arch.evaluation.seen_pictures import find_seen
from realesrgan_arch.evaluation.table import notes_on_scores, notes_on_undefined
from realesrgan_arch.sweep.blends import Blends, checked_alphas
from realesrgan_arch.sweep.choose import Choice, Rule, check_rule, choose
from realesrgan_arch.sweep.curve import Curve, build_curve, method_name, tell_alike
from realesrgan_arch.sweep.record import SweepRecord, check_replaceable, remove_model, write_sweep
from realesrgan_arch.sweep.sizes import check_sizes
from realesrgan_arch.upscaling.export.record import Selection
from realesrgan_arch.upscaling.export.session import ExportOutcome, ExportRequest, export
from realesrgan_arch.upscaling.export.source import Blend

ALPHAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
FORMATS = ("pth", "safetensors")
JOURNAL_STEM = "sweep-scores"
_TEST = "test"


@dataclass(frozen=True)
class SweepRequest:
    """What to sweep; see `realesrgan-arch sweep --help`."""

    base: str
    tuned: str
    data: str
    output: Path
    alphas: tuple[float, ...] = ALPHAS
    rule: Rule = "not-worse"
    utility: dict[str, float] = field(default_factory=dict)
    metrics: tuple[str, ...] = ScoreRules.metrics
    perceptual_weights: Path | None = None
    """The folder of the weights that learned metrics need."""
    border: int | None = None
    """None: the scale."""
    y_channel: bool = False
    preset: PresetName = "full"
    seed: int = 0
    """Of the degradation, and of the draws of the intervals."""
    root: Path | None = None
    max_size: int | None = MAX_SIZE
    max_images: int | None = None
    device: str = "auto"
    precision: str = "fp32"
    name: str | None = None
    """Of the exported files."""
    licence: str | None = None
    is_exported: bool = True


@dataclass(frozen=True)
class SweepOutcome:
    """What was found and written."""

    folder: Path
    record: SweepRecord
    files: tuple[Path, ...]
    exported: ExportOutcome | None
    """None where the base stays, or nothing was to be exported."""


def sweep(request: SweepRequest) -> SweepOutcome:
    """Do `request`; one that was stopped goes on where it was.

    Raises:
        UserError: weights, data, metrics or a folder that cannot be used; before the first picture where possible.
        InterruptedScoring: Ctrl-C or SIGTERM; the same call goes on.
    """
    alphas = checked_alphas(request.alphas)
    rules, absent = _usable_rules(request)
    check_rule(request.rule, utility=request.utility, metrics=rules.metrics, absent=absent)
    blends = Blends.load(request.base, request.tuned)
    data = _open(request, blends.scale)
    if request.border is None:
        rules = replace(rules, border=blends.scale)
    check_sizes(data, rules)
    check_beside(request.output, data.walked)
    check_writable(request.output)
    with sole_writer(request.output), saying_how_to_go_on():
        return _sweep(request, blends, data, alphas, rules, absent)


def _sweep(
    request: SweepRequest,
    blends: Blends,
    data: DataChoice,
    alphas: tuple[float, ...],
    rules: ScoreRules,
    absent: tuple[str, ...],
) -> SweepOutcome:
    earlier = check_replaceable(request.output, base=blends.base.file, tuned=blends.tuned.file, data=data)
    scored = _score(request, blends, data, alphas, rules)
    counted, undefined = scored.with_defined_metrics(), notes_on_undefined(scored.scores)
    curve = build_curve(counted.scores, alphas=alphas, scenes=data.scenes, utility=request.utility, seed=request.seed)
    choice = choose(curve, request.rule, utility=request.utility, absent=undefined.values())
    exported = _export(request, blends, data, alphas, choice) if choice.alpha and request.is_exported else None
    record = SweepRecord(
        title=data.title,
        made=data.made,
        set_hash=data.set_hash,
        identity=data.identity,
        base=blends.base.file,
        tuned=blends.tuned.file,
        curve=curve,
        choice=choice,
        utility=request.utility,
        notes=(
            *find_seen(data, [request.base, request.tuned]).trained,
            *data.notes,
            *absent,
            *notes_on_scores(scored.scores),
            *_notes(data, curve),
            *_alike(counted, curve, choice, data, request.seed),
        ),
        left_out=scored.left_out,
        model=exported.folder.name if exported else "",
    )
    if earlier and earlier != record.model:
        remove_model(request.output, earlier)
    files = write_sweep(request.output, record, scored.scores, data)
    return SweepOutcome(request.output, record, files, exported)


def _open(request: SweepRequest, scale: int) -> DataChoice:
    data = open_data(
        request.data,
        preset=request.preset,
        seed=request.seed,
        scale=scale,
        max_size=request.max_size,
        max_images=request.max_images,
        root=request.root,
    )
    if not len(data.pairs):
        raise DataError(f"Expected pictures in {data.title}, got none.")
    return data


def _usable_rules(request: SweepRequest) -> tuple[ScoreRules, tuple[str, ...]]:
    """Return what can be measured on this machine, and a sentence for each metric that cannot."""
    weights = str(request.perceptual_weights or "")
    asked = ScoreRules(
        metrics=request.metrics,
        border=request.border or 0,
        y_channel=request.y_channel,
        perceptual_weights=weights,
    )
    return usable_rules(asked)


def _score(
    request: SweepRequest, blends: Blends, data: DataChoice, alphas: tuple[float, ...], rules: ScoreRules
) -> ScoredSet:
    device = choose_device(request.device)
    dtype = choose_dtype(device, request.precision, training=False)
    shares = [blends.contender(alpha, device=device, precision=request.precision) for alpha in alphas]
    computed = f"torch {device} {dtype}"
    journal = open_journal(request.output, data, shares, rules, computed=computed, stem=JOURNAL_STEM)
    return score_set(data, shares, rules, journal=journal)


def _export(
    request: SweepRequest, blends: Blends, data: DataChoice, alphas: tuple[float, ...], choice: Choice
) -> ExportOutcome:
    """Write the model as `export --blend` does; the folder is named after the share, so that no other is replaced."""
    selection = Selection(
        rule=choice.rule,
        share=choice.alpha,
        tried=alphas,
        data=data.title,
        set_hash=data.set_hash,
        identity=data.identity,
        base_sha256=blends.base.file.sha256,
        tuned_sha256=blends.tuned.file.sha256,
        sentence=choice.sentence,
    )
    return export(
        ExportRequest(
            model=request.tuned,
            formats=FORMATS,
            output=request.output / method_name(choice.alpha).replace(" ", "-"),
            name=request.name,
            blend=Blend(request.base, 1 - choice.alpha) if choice.alpha < 1 else None,
            licence=request.licence,
            overwrite=True,
            selection=selection,
        )
    )


def _notes(data: DataChoice, curve: Curve) -> tuple[str, ...]:
    notes = [
        f"the share was chosen on {data.title}, whose numbers flatter it: it is the best of {len(curve.tried)} there; "
        "prove the model on pictures that chose nothing"
    ]
    if Path(data.title).name == _TEST:
        notes.append(
            f"{data.title} is a test part: what has chosen a share there proves nothing any more; sweep on the val part"
        )
    return tuple(notes)


def _alike(scored: ScoredSet, curve: Curve, choice: Choice, data: DataChoice, seed: int) -> tuple[str, ...]:
    """Say which other shares are as good, as far as these pictures can tell: the best of many is seldom the best."""
    others = tell_alike(scored.scores, curve, chosen=choice.alpha, scenes=data.scenes, seed=seed)
    if not choice.alpha or not others:
        return ()
    names = ", ".join(method_name(alpha) for alpha in others)
    return (f"by the composite {names} cannot be told from {method_name(choice.alpha)} on these pictures",)
