"""A guided run from the request to the page about it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from realesrgan_arch.devices import choose_device
from realesrgan_arch.errors import EXIT_OK
from realesrgan_arch.file_lock import file_lock
from realesrgan_arch.guided.base import choose_base
from realesrgan_arch.guided.chain import Step, Work, run_chain
from realesrgan_arch.guided.folder import GuidedFolder
from realesrgan_arch.guided.journal import Journal
from realesrgan_arch.guided.request import GuidedError, Request, check_request
from realesrgan_arch.guided.step_audit import AUDIT
from realesrgan_arch.guided.step_evaluate import EVALUATE
from realesrgan_arch.guided.step_export import EXPORT
from realesrgan_arch.guided.step_freeze import FREEZE
from realesrgan_arch.guided.step_plan import PLAN
from realesrgan_arch.guided.step_rehearse import REHEARSE
from realesrgan_arch.guided.step_report import report_on
from realesrgan_arch.guided.step_split import SPLIT
from realesrgan_arch.guided.step_train import TRAIN
from realesrgan_arch.guided.talk import DeclinedError, Talk
from realesrgan_arch.image_header import shown

_BEFORE_REPORT = (AUDIT, SPLIT, FREEZE, PLAN, REHEARSE, TRAIN, EVALUATE, EXPORT)
STEPS: tuple[Step, ...] = (*_BEFORE_REPORT, report_on(_BEFORE_REPORT))


@dataclass(frozen=True)
class GuidedOutcome:
    """What a guided run has come to."""

    summary: str
    """Table, verdict and where everything is; empty where the user said no on the way."""
    exit_code: int = EXIT_OK
    """4 where the guard of an edited option file ended the training."""


def run_guided(request: Request, talk: Talk) -> GuidedOutcome:
    """Do all steps of `request` that are not done yet.

    Raises:
        UserError: what cannot be done as asked; what is done is kept.
        StoppedInStepError: Ctrl-C or SIGTERM; the same request goes on.
    """
    check_request(request)
    folder = GuidedFolder(request.out / request.name, request.name)
    try:
        device = choose_device()
        base = choose_base(request, device, talk)
        with _alone_in(folder):
            work = Work(request, base, device, folder, Journal(folder.journal), talk)
            run_chain(STEPS, work)
            return GuidedOutcome(_closing(work), work.facts("train")["exit_code"])
    except DeclinedError:
        talk.say("stopped, as you said; what is done is kept, and the same command goes on from here")
        return GuidedOutcome("")


@contextmanager
def _alone_in(folder: GuidedFolder) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(folder.root / ".guided.lock"))
        except BlockingIOError as error:
            raise GuidedError(
                f"another process is at work in {shown(folder.root)}; wait for it, or choose another --name"
            ) from error
        except OSError as error:
            raise GuidedError(
                f"--out: expected a folder that can be written to, got {shown(folder.root)} ({error.strerror})"
            ) from error
        yield


def _closing(work: Work) -> str:
    """Return what was found, and where all of it is."""
    folder, found = work.folder, work.facts("evaluate")
    return (
        f"{found['table']}\n\n{found['differences']}\n\nverdict  {found['judgement']} (on unseen scenes)\n"
        f"summary  {shown(folder.summary)}\n"
        f"panels   {shown(folder.root / found['folder'] / 'visualization' / 'panels')}\n"
        f"weights  {', '.join(shown(folder.root / name) for name in work.facts('export')['files'])}\n"
        f"options  {shown(folder.options)} (python realesrgan_arch/train.py -opt {shown(folder.options)})"
    )
