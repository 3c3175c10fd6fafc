# The two commands of a newcomer, and the two of a developer. Each sets itself up.
.PHONY: demo test check setup format

setup:
	@scripts/setup

demo: setup
	@scripts/demo

test: setup
	@scripts/check --full

check:
	@scripts/check

format:
	@swift format --in-place --recursive --parallel Package.swift Sources Tests
