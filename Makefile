# The two commands of README.md. Both first make the machine able to build (ci/setup).

.PHONY: demo test setup setup-test

# Shows which pods of scenarios/shop reach which, judged by the BPF programs in this kernel.
demo: setup
	cargo run --package plumb -- matrix -f scenarios/shop

# Everything CI runs.
test: setup-test
	cargo xtask check

setup:
	@ci/setup

setup-test:
	@ci/setup test
