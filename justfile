# One command for each thing that is done often. `just` lists them.

default:
    @just --list

# everything that must pass before a commit
check: lint test

# format, lint, floors, types
lint:
    ruff format --check .
    ruff check .
    lint-imports
    mypy

# the tests; `just test tests/jobs -k intake` runs some
test *arguments:
    pytest {{arguments}}

# measure Dailies itself; `just bench screening --json`
bench *arguments:
    dailies bench {{arguments}}

# kill the intake again and again for so many minutes, and count what it lost
torture minutes="10":
    python -m benchmarks.torture --minutes {{minutes}}

# run what must hold of any input on other examples than the tests' own
properties:
    pytest -m hypothesis --hypothesis-profile=default

# draw a hit and a near miss of every check for docs/checks.md
check-pictures folder="docs/checks":
    python -m benchmarks.check_pictures {{folder}}

# write constraints.txt anew from the floors in pyproject.toml
lock:
    uv pip compile --universal --all-extras --no-emit-index-url --no-header pyproject.toml -o constraints.txt
