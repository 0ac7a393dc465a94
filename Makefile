# Shorthand only: everything is done by launch.py, which also runs without make (Windows: py launch.py run).
# Arguments go through ARGS, as in: make test ARGS="tests/test_launch.py -x"
PYTHON ?= python3

.PHONY: install run test lint bench

install run test lint bench:
	@$(PYTHON) launch.py $@ $(ARGS)
