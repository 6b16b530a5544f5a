# `make` sets up and trains, `make run` starts the project, `make test` passes the tests. Each does all the set-up it needs.
VENV := .venv
STAMP := $(VENV)/.installed
STAMP_DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := setup
.PHONY: setup run test check clean

setup: $(STAMP)
	@$(VENV)/bin/wijzer train

run: $(STAMP)
	@exec $(VENV)/bin/wijzer run

test: $(STAMP_DEV)
	@$(VENV)/bin/wijzer train
	@bash scripts/ensure-chromium
	@$(VENV)/bin/python -m pytest

check: $(STAMP_DEV)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m bot.conversation.content
	bash scripts/validate-rasa

$(STAMP): requirements.lock pyproject.toml scripts/install
	@bash scripts/install requirements.lock
	@touch $@

$(STAMP_DEV): $(STAMP) requirements-dev.lock
	@bash scripts/install requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) models .rasa
