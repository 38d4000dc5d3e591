# `make` alone explains itself. The same verbs serve people and CI; each script under scripts/ also runs alone.
PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
TESTS ?=
CONFORMANCE_REPORT ?= .build/conformance.txt
RELEASE := .build/release/watcher
# What must not cost at every start: looking types up by name, moving the program, exporting 40,000 symbols, code that is
# strewn over all of the program (scripts/order), and loading twenty libraries, of which a run needs a tenth.
RELEASE_FLAGS = -Xswiftc -Xfrontend -Xswiftc -function-sections -Xcc -ffunction-sections \
	-Xswiftc -Xfrontend -Xswiftc -disable-concrete-type-metadata-mangled-name-accessors --static-swift-stdlib \
	-Xswiftc -Xclang-linker -Xswiftc -static-libgcc \
	-Xlinker -no-pie -Xlinker --version-script='$(CURDIR)/scripts/release.map' \
	-Xlinker --section-ordering-file='$(CURDIR)/scripts/release.order' \
	-Xlinker --wrap=git_mbedtls_stream_global_init -Xlinker --wrap=git_transport_ssh_global_init \
	-Xlinker --start-group $(STATIC_LIBRARIES:%=-Xlinker -l%) -Xlinker --end-group
STATIC_LIBRARIES := git2 mbedtls mbedx509 mbedcrypto http_parser pcre2-8 ssh2 crypto z sqlite3 yaml
PAGES := man/watcher.1
UNITS := systemd/watcher.service systemd/watcher.timer

.DEFAULT_GOAL := help
.PHONY: help build release test conformance engine-conformance engines check fmt demo bench order fuzz install uninstall clean

help: ## this list
	@echo 'watcher: what a Git branch says should run, runs on this Docker Engine'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'Start with `make demo`. Missing Debian packages are installed with apt (as root, or by sudo).'

build: ## build for debugging: .build/debug/watcher
	scripts/provide build
	$(SWIFT) build

release: ## build for use, with the Swift runtime inside: .build/release/watcher
	scripts/provide build
	mkdir -p .build/static
	@for library in $(STATIC_LIBRARIES) stdc++; do \
		file=$$(clang -print-file-name=lib$$library.a); \
		test -e "$$file" || { echo "make release: there is no lib$$library.a; the list is that of Debian 12" >&2; exit 1; }; \
		ln -sf "$$file" .build/static/; \
	done
	@test $(RELEASE) -nt scripts/release.order || rm -f $(RELEASE)  # SwiftPM does not know that it is linked by it
	$(SWIFT) build -c release $(RELEASE_FLAGS) $(if $(MAP),-Xlinker -Map='$(MAP)',-Xlinker -s) --product watcher

test: ## build once, start a private engine, registry and sshd, run every test (TESTS=regex: only those)
	scripts/provide build test
	$(SWIFT) build --build-tests
	scripts/test-environment $(SWIFT) test --skip-build $(if $(TESTS),--filter '$(TESTS)')

conformance: ## compare loading with docker compose's answers: CORPUS=DIR (CONFORMANCE_REPORT=FILE)
	@test -n "$(CORPUS)" || { echo 'usage: make conformance CORPUS=DIR' >&2; exit 64; }
	scripts/provide build
	$(SWIFT) build --build-tests
	CORPUS='$(abspath $(CORPUS))' CONFORMANCE_REPORT='$(abspath $(CONFORMANCE_REPORT))' SWIFT='$(SWIFT)' scripts/conformance

fuzz: ## load mutated Compose files for a while: SECONDS=60 SEED=n CORPUS=DIR
	scripts/provide build
	$(SWIFT) build --build-tests
	FUZZ_SECONDS='$(or $(SECONDS),60)' SEED='$(SEED)' CORPUS='$(abspath $(CORPUS))' SWIFT='$(SWIFT)' scripts/fuzz

engine-conformance: ## compare what docker compose and watcher create: CORPUS=DIR (RUN=1, ALL=1, ONLY=TEXT, ENGINE_REPORT=FILE)
	@test -n "$(CORPUS)" || { echo 'usage: make engine-conformance CORPUS=DIR [RUN=1] [ALL=1]' >&2; exit 64; }
	scripts/provide build test
	$(SWIFT) build --build-tests
	scripts/engine-conformance '$(abspath $(CORPUS))' $(if $(RUN),--run) $(if $(ALL),--all) $(if $(ONLY),--only '$(ONLY)') \
		$(if $(ENGINE_REPORT),--report '$(abspath $(ENGINE_REPORT))')

engines: ## run the suite's core on Docker 20.10, 26.1, 28.5 and Podman (ENGINES='NAME...', TESTS=regex)
	scripts/provide build test
	$(SWIFT) build --build-tests
	SWIFT='$(SWIFT)' TESTS='$(TESTS)' scripts/engines $(ENGINES)

check: ## formatting, imports of the modules, manual page, units and documents; builds nothing
	scripts/provide check
	$(SWIFT) format lint --strict -r Sources Tests Package.swift
	scripts/check-layers
	mandoc -T lint -W warning $(PAGES)
	scripts/check-units $(UNITS)
	scripts/check-docs

fmt: ## format every Swift file in place
	$(SWIFT) format -i -r Sources Tests Package.swift

demo: ## see the main job done: deploy, change, fail, undo, fix, roll back
	scripts/provide build test
	@test -x .build/debug/watcher || $(SWIFT) build --product watcher
	scripts/demo

bench: release ## measure start-up, config against docker compose's (CORPUS=DIR), idle checks, deployments
	scripts/provide test
	CORPUS='$(abspath $(CORPUS))' scripts/bench $(RELEASE)
	scripts/bench-rollout $(RELEASE)

order: ## find out anew which functions short commands run, for the linker: scripts/release.order
	scripts/provide build test order
	$(MAKE) release MAP='$(CURDIR)/.build/release.map'
	scripts/order $(RELEASE) .build/release.map

install: ## install binary, manual page and units (PREFIX=/usr/local, DESTDIR=); run `make release` before
	@test -x $(RELEASE) || { echo 'make install: run `make release` first' >&2; exit 1; }
	install -D -m 755 $(RELEASE) $(DESTDIR)$(PREFIX)/bin/watcher
	install -D -m 644 man/watcher.1 $(DESTDIR)$(PREFIX)/share/man/man1/watcher.1
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/bin/watcher|$(PREFIX)/bin/watcher|' systemd/watcher.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/watcher.service
	install -m 644 systemd/watcher.timer $(DESTDIR)$(PREFIX)/lib/systemd/system/watcher.timer
	install -D -m 644 systemd/build-user.conf $(DESTDIR)$(PREFIX)/share/watcher/build-user.conf

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/watcher $(DESTDIR)$(PREFIX)/share/man/man1/watcher.1 \
		$(DESTDIR)$(PREFIX)/share/watcher/build-user.conf
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/lib/systemd/system/,$(notdir $(UNITS)))

clean: ## remove everything that was built
	rm -rf .build artifacts
