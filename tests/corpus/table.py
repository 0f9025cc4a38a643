"""All entries and runs of the corpus, in the order of the page that is made of them: `docs/bad-input.md`."""

from tests.corpus.colours import COLOURS
from tests.corpus.contents import CONTENTS
from tests.corpus.entries import Entry
from tests.corpus.names import NAMES
from tests.corpus.runs_of_metadata import RUNS_OF_METADATA
from tests.corpus.runs_of_pixels import RUNS_OF_PIXELS
from tests.corpus.runs_of_places import RUNS_OF_PLACES
from tests.corpus.upscale_runs import UpscaleRun

ENTRIES: tuple[Entry, ...] = tuple(sorted((*CONTENTS, *COLOURS, *NAMES), key=lambda entry: entry.id))
_ALL_RUNS = (*RUNS_OF_PIXELS, *RUNS_OF_METADATA, *RUNS_OF_PLACES)
RUNS: tuple[UpscaleRun, ...] = tuple(sorted(_ALL_RUNS, key=lambda run: run.id))
