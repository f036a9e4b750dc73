#!/bin/sh
# Make .venv from requirements.lock, from nothing. Called by `make`; does nothing twice (the Makefile keeps a stamp).
# With PATRON_SPARK=1 the Spark pins are installed too: they are most of a gigabyte, so the demo does without.
set -eu
cd "$(dirname "$0")/.."
venv=.venv

works() { command -v "$1" >/dev/null 2>&1 && "$@" >/dev/null 2>&1; }

if [ ! -x "$venv/bin/python" ]; then
    rm -rf "$venv"
    if works uv --version && uv venv --quiet --python ">=3.12" "$venv"; then
        :
    else
        for candidate in python3.14 python3.13 python3.12 python3; do
            if works "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
                "$candidate" -m venv "$venv" || {
                    echo "setup: $candidate cannot make a virtual environment; install its venv module (Debian: apt-get install python3-venv)." >&2
                    rm -rf "$venv"
                    exit 1
                }
                break
            fi
        done
    fi
    if [ ! -x "$venv/bin/python" ]; then
        echo "setup: patron needs Python 3.12 or newer and found none; install it (for instance apt-get install python3.12, brew install python@3.12, or uv)." >&2
        exit 1
    fi
fi

pins="$venv/pins.txt"
if [ "${PATRON_SPARK:-0}" = 1 ]; then
    cp requirements.lock "$pins"
else
    awk '/^(pyspark|py4j|grpcio|grpcio-status|googleapis-common-protos)==/ { skip = 1; next } /^[^ ]/ { skip = 0 } !skip' requirements.lock >"$pins"
fi

echo "setup: installing $(grep -c '==' "$pins") pinned packages into $venv (a few minutes the first time)" >&2
if works uv --version; then
    uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$pins"
    uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e .
else
    "$venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r "$pins"
    "$venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --no-build-isolation -e .
fi

# Byte-compiled here once, also where PYTHONDONTWRITEBYTECODE is set: otherwise every import would be slow.
# A few packages carry files for other Pythons that do not compile; they are never imported.
"$venv/bin/python" -m compileall -q -j 0 "$venv/lib" >/dev/null 2>&1 || true
"$venv/bin/python" -c 'import patron.models.inference.kernels' # compiled here once, kept beside the source

"$venv/bin/python" -c 'import lightgbm' 2>/dev/null || {
    echo "setup: LightGBM does not load; it needs the OpenMP library (Debian: apt-get install libgomp1; macOS: brew install libomp)." >&2
    exit 1
}
