# Assay. `make` sets up and runs the main job; `make help` lists the rest.
PYTHON ?= python3
CORES ?= $(shell nproc)
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m scripts.core.run --cores $(CORES)

.DEFAULT_GOAL := all
.PHONY: all quick export tune ledger rebuild records study studies store compare trust wheels dry test lint locks docs noop-time times clean help

all: $(VENV)/.ready ## set up, build, verify, measure, report (the default)
	@exec $(RUN) all

quick: $(VENV)/.ready ## an answer in about 3 minutes: batch 1, few trials, no slow compilers
	@exec $(RUN) all --configfile config.yaml config.quick.yaml

export: $(VENV)/.ready ## the chosen candidate as a folder that runs on its own
	@exec $(RUN) export

tune: $(VENV)/.ready ## other ways to int8: tries them all, keeps the fastest that passes for the next run
	@exec $(RUN) tune

ledger: $(VENV)/.ready ## compile again, alone, what was compiled beside other jobs: true wall times in the next report
	@$(RUN) ledger --forcerun ledger
	@exec $(RUN) all

rebuild: $(VENV)/.ready ## compile each candidate several times from cold: is a fast build a lucky one?
	@exec $(RUN) rebuild --forcerun build_again

records: $(VENV)/.ready ## this machine's records as one file, to be shown in another machine's report (`hosts:` there)
	@$(BIN)/python -m scripts.report.others --artifacts artifacts

study: $(VENV)/.ready ## a published study, from nothing to its page: make study NAME=densenet121_optimizations
	@$(if $(wildcard studies/$(NAME).yaml),,$(error name a study, as in make study NAME=densenet121_optimizations; there are $(basename $(notdir $(wildcard studies/*.yaml)))))
	@$(RUN) all --configfile studies/$(NAME).yaml
	@$(BIN)/python -m scripts.report.others --artifacts artifacts/studies/$(NAME) --out studies/records/$(NAME).tar.xz
	@$(BIN)/python -m scripts.core.within report scripts.report.studies

studies: $(VENV)/.ready ## the pages of the published studies, from their packed records; measures nothing
	@$(BIN)/python -m scripts.core.within report scripts.report.studies

store: $(VENV)/.ready ## what the store of compiled artifacts and measurements holds
	@$(BIN)/python -m scripts.core.store list

compare: $(VENV)/.ready ## what got faster or slower: make compare OLD=before.csv NEW=reports/results.csv
	@$(if $(and $(OLD),$(NEW)),,$(error name two results files: make compare OLD=before.csv NEW=reports/results.csv))
	@$(BIN)/python -m scripts.core.within report scripts.report.compare $(OLD) $(NEW)

trust: $(VENV)/.ready ## prove that the numbers are right on this host; about 15 minutes, to reports/trust.json
	@$(RUN) trust --forcerun trust_live trust_fidelity trust_fallback
	@$(BIN)/python -m scripts.trust.verdict reports/trust.json

dry: $(VENV)/.ready ## what would run, and why
	@exec $(RUN) all --dry-run --quiet host

test: $(VENV)/.tests-ready ## all tests: units, plans, real toolchains, the report in a browser
	@$(BIN)/python -m pytest tests -m "not alone" --numprocesses 2 --dist loadfile
	@$(BIN)/python -m pytest tests -m alone

lint: $(VENV)/.tests-ready ## formatting, lint, types, locks, generated docs and pages
	$(BIN)/ruff format --check scripts tests
	$(BIN)/ruff check scripts tests
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/python -m scripts.core.locks --check
	$(BIN)/python -m scripts.core.config_docs --check
	$(BIN)/python -m scripts.report.studies --check

locks: $(VENV)/.ready ## make the hashed locks and conda files anew from envs/*.in (network)
	$(BIN)/python -m scripts.core.locks

wheels: $(VENV)/.ready ## packages for a machine without a network, into wheels/: make wheels ENVS="torch report"
	@$(BIN)/python -m scripts.core.wheels $(ENVS)

docs: $(VENV)/.ready ## make config.schema.json and the README's table anew from the schema
	$(BIN)/python -m scripts.core.config_docs

noop-time: $(VENV)/.tests-ready ## a no-op run against a bare workflow with as many jobs
	$(BIN)/python -m tests.noop_time

times: $(VENV)/.ready ## where the time of the last runs went, by stage
	@$(BIN)/python -m scripts.core.stages

clean: ## remove outputs (not the environments in the user's cache)
	rm -rf artifacts reports .snakemake

$(VENV)/.ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Assay needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name one: make PYTHON=python3.11")'
	@test ! -L $(VENV) || { echo "$(VENV) is a link, and setting up would empty what it leads to: remove the link" >&2; exit 1; }
	@echo "Setting up $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.tests-ready: $(VENV)/.ready requirements-dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12
