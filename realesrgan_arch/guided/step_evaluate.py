"""Step 7: bicubic, base and tuned model on the test scenes, which nothing has seen yet."""

from realesrgan_arch.comparison import compare
from realesrgan_arch.evaluation.contender import BASE, TUNED
from realesrgan_arch.evaluation.difference_table import against_the_base, format_differences, worse_metrics
from realesrgan_arch.guided.chain import Step, Work
from realesrgan_arch.guided.journal import Facts
from realesrgan_arch.guided.own_options import load_own_options, title_of_test_set
from realesrgan_arch.guided.step_freeze import TEST
from realesrgan_arch.guided.step_train import weights_of
from realesrgan_arch.options.types import Options

NAME = "evaluate"


def _inputs(work: Work) -> object:
    return {
        "weights": work.facts("train")["sha256"],
        "base": work.base.sha256,
        "test": work.facts("freeze")["sets"][TEST]["hash"],
    }


def _make(work: Work) -> Facts:
    options = _test_options(work)
    own = work.folder.results / title_of_test_set(work, options)
    [comparison] = (one for one in compare(options, folder=work.folder.results) if one.folder == own)
    judgements = {one.against: one for one in comparison.proof.judgements if one.method == TUNED}
    against_base = judgements[BASE]
    composite, fewest = against_base.composite, against_base.fewest_scenes
    words = against_the_base(composite.verdict, composite.interval, fewest_scenes=fewest)
    return {
        "table": comparison.table,
        "differences": format_differences(judgements, method=TUNED),
        "judgement": f"{words}{worse_metrics(against_base.worse)}",
        "is_better": composite.verdict == "better",
        "folder": comparison.folder.relative_to(work.folder.root).as_posix(),
    }


def _test_options(work: Work) -> Options:
    """The options of the run with the tuned weights, and with pictures."""
    options = load_own_options(work).options
    path = options.path.model_copy(
        update={"pretrain_network_g": str(weights_of(work)), "base_network_g": work.base.source, "param_key_g": None}
    )
    val = options.val.model_copy(update={"save_img": True}) if options.val else None
    return options.model_copy(update={"path": path, "val": val})


EVALUATE = Step(
    name=NAME,
    depends="the tuned weights, the base or the test set has",
    inputs=_inputs,
    aim=lambda _: "bicubic, base and tuned on the test scenes, which nothing has seen",
    make=_make,
    told=lambda facts: f"on unseen scenes: {facts['judgement']}",
    holds=lambda work, facts: (work.folder.root / facts["folder"] / "scores.csv").is_file(),
)
