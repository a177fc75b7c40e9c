# Copyright (c) onefed contributors
# SPDX-License-Identifier: BSD-2-Clause
# What one can do here; `make help` lists it. CI runs `make test` and nothing else.

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Every tool finds its siblings and this collection as a user's would.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build
# Not the home folder: a collection of the same name that was installed there would be found first.
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: venv link
venv: $(VENV)/.installed ## Make the development environment in .venv; PYTHON=… chooses the interpreter
$(VENV)/.installed: tests/requirements.txt tests/tools/make_venv.py
	python3 -m tests.tools.make_venv $(VENV) -r tests/requirements.txt
	touch $@

LINK := .build/ansible_collections/onefed/opennebula
link: $(LINK) ## Make the collection importable under its name, in .build
$(LINK):
	mkdir -p $(@D)
	ln -sfn ../../.. $@

# The demo needs ansible-core and nothing else.
DEMO := .cache/demo/venv
$(DEMO)/.installed: tests/requirements.txt tests/tools/make_venv.py
	@echo "== ansible-core comes into $(DEMO), once: some 20 seconds"
	@python3 -m tests.tools.make_venv $(DEMO) "$$(sed -n 's/^\(ansible-core\) */\1/p' tests/requirements.txt)"
	@touch $@

.PHONY: demo demo-down
demo: $(DEMO)/.installed link ## Start a federation of emulated zones on loopback
	@tests/demo/up

demo-down: ## Stop it and remove it
	tests/demo/down

.PHONY: test
test: venv link ## Run every part below down to test-build and sum up
	tests/tools/add_packages
	$(BIN)/python tests/tools/run_parts.py

.PHONY: test-unit test-sanity test-lint test-conformance test-zones test-molecule test-hosts test-build test-privileges
.PHONY: test-core-oldest
test-unit: venv link ## Unit tests
	$(PYTEST) tests/unit

test-sanity: venv link ## ansible-test sanity, with no ignore file
	$(BIN)/python -m tests.tools.sanity

test-lint: venv link ## ruff, mypy, yamllint, ansible-lint, antsibull, licence headers
	$(BIN)/python tests/tools/lint.py

test-conformance: venv link ## The emulator behaves as OpenNebula does
	$(PYTEST) tests/conformance

test-zones: venv link ## Playbooks end to end on emulated zones on loopback; test-core-oldest has the rest of them
	$(PYTEST) tests/zones -m "not core"

test-molecule: venv link ## The same as a Molecule scenario, verified with testinfra
	molecule test --no-command-borders --scenario-name loopback

test-hosts: venv link ## The same on hosts with systemd, sshd and MariaDB; needs root, SCENARIO=… chooses one
	$(BIN)/python tests/tools/hosts.py $(SCENARIO)

test-core-oldest: venv link ## Scenarios and unit tests on the oldest ansible-core that a Python is here for
	$(BIN)/python -m tests.tools.cores oldest

test-build: venv link ## The collection builds, installs and works where it is installed
	$(PYTEST) tests/build

test-privileges: venv link ## As root: oned's account gains nothing by what it lays where root's modules work
	$(PYTEST) tests/privileges

.PHONY: test-page
test-page: venv link ## The status page in a browser: accessible, quiet, narrow and dark; pictures in tests/output
	$(PYTEST) tests/page

.PHONY: test-nightly
test-nightly: venv link ## All that is extra because it is long, one after the other, with the time that each takes
	$(BIN)/python tests/tools/run_parts.py nightly

.PHONY: test-import
test-import: venv link ## Extra: a zone of 200 users joins, compared object by object; as root a small one on hosts
	ONEFED_ALL_FAULTS=1 $(PYTEST) tests/zones/test_import_many.py tests/hosts/test_import.py

.PHONY: test-releases
test-releases: venv link ## Extra: the emulator behaves as the older releases do
	ONE_EMULATED="6.10 7.0 7.2" $(PYTEST) tests/conformance

.PHONY: test-cores test-faults bench
test-cores: venv link ## Extra, long: unit tests, sanity and scenarios on every supported ansible-core
	$(BIN)/python -m tests.tools.cores all

test-faults: venv link ## Extra, long: all playbooks on loopback, killed before each task that changes something, too
	ONEFED_ALL_FAULTS=1 $(PYTEST) tests/zones

.PHONY: test-ha
test-ha: venv link ## Extra, long, as root: zones of several servers on hosts, their leaders killed and their hosts lost
	$(BIN)/python tests/tools/hosts.py hosts-ha hosts-ha-master
	$(PYTEST) tests/hosts/test_servers.py

.PHONY: test-links
test-links: venv link ## Extra, long, as root: secure links on hosts: of new and of living federations, of several servers, and back
	ONEFED_ALL_FAULTS=1 $(PYTEST) tests/hosts/test_links.py

.PHONY: test-host-faults prove-snapshot prove-copies prove-join prove-repair prove-failover
test-host-faults: venv link ## Extra, long, as root: daemons killed, links cut, disks filled in the middle of joins, upgrades and restores
	$(BIN)/python tests/tools/hosts.py hosts-sqlite
	ONEFED_ALL_FAULTS=1 $(PYTEST) tests/hosts/test_faults.py tests/hosts/test_server_faults.py tests/hosts/test_upgrade.py \
	  tests/hosts/test_backup.py tests/hosts/test_secure_links.py tests/hosts/test_secure_links_trust.py \
	  tests/hosts/test_firewall.py tests/hosts/test_federation_firewall.py tests/hosts/test_remove.py tests/hosts/test_remove_servers.py

prove-snapshot: venv link ## Extra: snapshots of a MariaDB master under load are exact, ours and the stock tool's
	$(BIN)/python tests/prove/snapshot.py

prove-copies: venv link ## Extra: full copies of a MariaDB server under load are what its log says, with the fence and without
	$(BIN)/python tests/prove/copies.py

prove-join: venv link ## Extra, as root: zones join a master that is written to, and nothing is lost or differs
	$(BIN)/python tests/prove/join.py

prove-repair: venv link ## Extra, as root: after minutes of random faults all zones are equal, or named with the remedy
	$(BIN)/python tests/prove/repair.py

prove-failover: venv link ## Extra, as root: leaders of a slave, then of the master die; no user is lost or there twice
	$(BIN)/python tests/prove/failover.py
	$(BIN)/python tests/prove/failover.py --master

SECONDS ?= 1800
.PHONY: prove-secrets prove-links prove-privileges bench-hosts bench-masters bench-servers bench-links
prove-secrets: venv link ## Extra, as root: no process, output, log or file shows a secret while zones join
	$(BIN)/python tests/prove/secrecy.py

prove-links: venv link ## Extra, as root: with TLS no secret goes over the network while zones join, write, change password, are repaired
	$(BIN)/python tests/prove/links.py

prove-privileges: venv link ## Extra, long, as root: the same attack for SECONDS=1800
	$(BIN)/python -m tests.privileges $(SECONDS)

bench: venv link ## Extra: measure what a run, an import and a snapshot cost
	$(BIN)/python tests/bench/bench.py

bench-hosts: venv link ## Extra, as root: a run on hosts against a script of the documented steps
	$(BIN)/python tests/bench/hosts.py

bench-links: venv link ## Extra, as root: replication and users' calls on hosts, plain against TLS
	$(BIN)/python tests/bench/links.py

bench-masters: venv link ## Extra, as root: changing, losing and restoring the master of zones on hosts, and removing a zone
	$(BIN)/python tests/bench/masters.py

bench-servers: venv link ## Extra, as root: adding servers to a zone on hosts, and losing its leader
	$(BIN)/python tests/bench/hosts.py --servers

.PHONY: problems-page variables-page
problems-page: venv link ## Write docs/problems.md from the rule book
	PYTHONPATH=.build $(BIN)/python -m tests.tools.problems_page

variables-page: venv link ## Write docs/variables.md from the list of all variables
	PYTHONPATH=.build $(BIN)/python -m tests.tools.variables_page

.PHONY: picture-of-run
picture-of-run: venv link ## Draw docs/images/run.svg, what a run on a fresh demo prints
	$(BIN)/python -m tests.tools.picture_of_run

.PHONY: docs
docs: link ## Build the documentation site in .cache/docs/html
	python3 -m tests.tools.docs_site

.PHONY: build
build: venv ## Build the file to install with ansible-galaxy
	$(BIN)/ansible-galaxy collection build --force

.PHONY: clean
clean: ## Remove all that these targets made
	if [ -d .demo ]; then tests/demo/down; fi
	if [ -d .cache/hosts/labs ]; then $(BIN)/python -m tests.hosts down --all; fi
	rm -rf .build .cache .demo .venv .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/output
	find . -name __pycache__ -prune -exec rm -rf {} +
