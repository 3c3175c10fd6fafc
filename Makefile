# The two commands of a newcomer, and those of a developer. Each sets itself up.
.PHONY: demo test check stress setup format

setup:
	@scripts/setup

demo: setup
	@scripts/demo

test: setup
	@scripts/check --full

check:
	@scripts/check

stress: setup
	@scripts/stress

format:
	@swift format --in-place --recursive --parallel Package.swift Sources Tests
