# What a user types; `make help` lists it.
SHELL := /bin/bash
DATA_DIR ?= /var/lib/apus
RELEASE := .build/release
PREFIX ?= /usr/local

.PHONY: help bootstrap build install up down test fuzz bench bench-scheduler bench-scheduler-scale bench-controllers lint format example

help:
	@echo 'make up       install what is missing, build, start the all-in-one, return when the node is Ready'
	@echo 'make down     stop it and take away everything it made but its data ($(DATA_DIR))'
	@echo 'make example  build and deploy the web page of examples/hello and print it'
	@echo 'make install  copy apus, its plugins and the kit for plugin authors to $(PREFIX)'
	@echo 'make test     build and run every test'
	@echo 'make fuzz     feed decoders and a whole cluster with what nobody expects: SECONDS=60 each, ENTRY=json for one'
	@echo 'make bench    measure, in release mode; make bench-scheduler: decisions a second, and the cases of scheduler_perf (CASE=… for one);'
	@echo '              make bench-scheduler-scale: the same of 1,000 to 100,000 nodes (NODES=… for one);'
	@echo '              make bench-controllers: large things for the controllers (CASE=… for one)'
	@echo 'make lint     formatting, headers as C11 and C++17, module fences'

bootstrap:
	@scripts/bootstrap

build: bootstrap
	@scripts/build release

install: build
	@scripts/install $(PREFIX)

up: build
	@$(RELEASE)/apus up --detach --data-dir $(DATA_DIR)

down:
	@if [ -x $(RELEASE)/apus ]; then $(RELEASE)/apus down --data-dir $(DATA_DIR); else echo 'apus is not built: nothing to stop'; fi

example: build
	@DATA_DIR=$(DATA_DIR) examples/hello/run $(RELEASE)/apus

test: bootstrap
	@scripts/test

# Bash counts in SECONDS itself.
fuzz: bootstrap
	@FUZZ_SECONDS=$(or $(SECONDS),60) FUZZ_ENTRY=$(ENTRY) FUZZ_SEED=$(SEED) scripts/fuzz

bench: build
	@scripts/bench

bench-scheduler: build
	@.build/release/Benchmarks scheduler .build/release
	@.build/release/Benchmarks scheduler-perf .build/release $(CASE)

bench-scheduler-scale: build
	@.build/release/Benchmarks scheduler-scale .build/release $(NODES)

bench-controllers: build
	@scripts/bench controllers $(CASE)

lint:
	@scripts/verify-all

format:
	@swift format -i -r Package.swift Sources Plugins Tests Benchmarks
