# Belisha. `make run` shows it; `make test` proves it; `make help` lists the rest.

export CGO_ENABLED = 0
GO       ?= go
VERSION  ?= $(shell git describe --always --dirty 2>/dev/null || echo dev)
BUILD     = $(GO) build -trimpath -pgo=dev/gate.pprof -ldflags "-s -w -X main.version=$(VERSION)"
TOOL      = $(GO) tool -modfile=tools/go.mod
PKGS      = ./cmd/... ./internal/... ./lists/... ./policies/... ./stories/...

.PHONY: help run build lint check test pg stories browser soak evasion fuzz bench bench-peers generate cross clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build and start the demonstration school
	./dist/belisha serve --demo

build: ## build ./dist/belisha for this machine
	$(BUILD) -o dist/belisha ./cmd/belisha

lint: ## format, vet, staticcheck, errcheck
	@sh dev/format.sh
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(TOOL) errcheck -ignoretests -exclude dev/errcheck.txt ./...

check: lint ## quick: lint, architecture, unit tests on SQLite (only Go and the module cache)
	$(GO) test -short -shuffle=on ./internal/... ./lists/... ./policies/...

test: ## everything: installs what the tests need, both databases, stories, browser, both builds
	@sh dev/test.sh

pg: ## the suite on a throw-away PostgreSQL
	@sh dev/pg.sh $(GO) test -count=1 ./internal/...

stories: ## the school days told as scripts
	$(GO) test -count=1 ./stories/...

soak: ## the whole gate under everything at once for SOAK (default 30m)
	@sh dev/soak.sh

evasion: ## every known way round the filter, tried against the whole gate, with the list of all
	@sh dev/evasion.sh

fuzz: ## every fuzz target for FUZZTIME (default 30s)
	@sh dev/fuzz.sh

bench: ## the figures of doc/performance.md
	@sh dev/bench.sh

bench-peers: ## the figures beside squid, e2guardian, unbound, dnsdist and plain Go
	@bash dev/peers/run.sh

generate: ## generated documents: doc/events.md, doc/config.md, doc/schema.sql
	$(GO) test -count=1 -run TestDocuments ./internal/house -update

cross: ## build for Linux and Windows
	GOOS=linux GOARCH=amd64 $(BUILD) -o dist/linux-amd64/belisha ./cmd/belisha
	GOOS=windows GOARCH=amd64 $(BUILD) -o dist/windows-amd64/belisha.exe ./cmd/belisha

clean: ## remove what was built
	rm -rf dist
