"""All entries of the corpus, in the order of the page that is made of them: `docs/bad-input.md`."""

from tests.corpus.colours import COLOURS
from tests.corpus.contents import CONTENTS
from tests.corpus.entries import Entry
from tests.corpus.names import NAMES

ENTRIES: tuple[Entry, ...] = tuple(sorted((*CONTENTS, *COLOURS, *NAMES), key=lambda entry: entry.id))
