# make demo | test | lint | types | benchmarks | doctor | clean
# The first of them makes .venv and installs everything; later ones start at once.
#   PYTHON=/path/to/python3.11   which Python makes .venv
#   PYTEST_ARGS="-k degradation" what pytest is told besides

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint types benchmarks doctor clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --constraint constraints.txt
PYTEST_ARGS ?=

help:
	@sed -n '1,4s/^# //p' Makefile

venv: $(READY)

# basicsr and realesrgan come without their dependencies. Of those, `import basicsr` and `import realesrgan` use only what
# requirements.txt lists; the rest (addict, future, lmdb, scikit-image, yapf, and gfpgan, facexlib, numba for faces) would
# double the installation, and tb-nightly would overwrite 58 files of tensorboard with an older state, so that
# `tensorboard --logdir` needs a setuptools from before 82. basicsr is built without isolation, or pip would fetch a second
# torch only to read its version. Plain `pip install -r requirements.txt` installs all of it and works too; `doctor` tells.
$(READY): requirements.txt requirements-dev.txt constraints.txt setup.py
	@test -x $(BIN)/python || { python="$$($(FIND_PYTHON))" && \
		{ "$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; }; }
	@echo "installing into $(VENV) (once; some minutes)"
	@$(INSTALL) pip setuptools wheel numpy cython
	@$(INSTALL) torch
	@grep -vE '^(basicsr|realesrgan)[<>=~]' requirements.txt | $(INSTALL) -r /dev/stdin -r requirements-dev.txt
	@$(INSTALL) --no-build-isolation --no-deps basicsr realesrgan
	@PYTHONWARNINGS=ignore $(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

# Prints the first Python that fits, or one sentence with what was found instead.
define FIND_PYTHON
found=; \
for python in $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3 python); do \
	version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	case $$version in 3.11|3.12) echo "$$python"; exit 0;; esac; \
	found="$$found $$python ($$version)"; \
done; \
echo "error: realesrgan_arch needs Python 3.11 or 3.12, but found$${found:- none}; \
install one of them, or name it: make PYTHON=/path/to/python3.11" >&2; \
exit 1
endef

demo: venv
	@$(BIN)/python -m realesrgan_arch.cli demo

test: venv
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: venv
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# Not part of `lint`: pyright fetches itself from the npm registry on its first run.
types: venv
	@$(BIN)/pyright --pythonpath $(BIN)/python

benchmarks: venv
	@for script in scripts/benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

doctor: venv
	@$(BIN)/python -m realesrgan_arch.cli doctor

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find realesrgan_arch scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
