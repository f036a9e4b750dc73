#!/bin/sh
# Everything that benchmarks/README.md reports, beside the peers, in one go. Called by `make bench`.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
peers=benchmarks/.venv

if [ ! -f "$peers/.ready" ]; then
    echo "bench: making $peers for the peers (lifetimes, pymc-marketing)" >&2
    rm -rf "$peers"
    "$python" -m venv "$peers"
    "$peers/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r benchmarks/peers.lock
    "$peers/bin/python" -m compileall -q -j 0 "$peers/lib" >/dev/null 2>&1 || true
    touch "$peers/.ready"
fi

mkdir -p out/bench
"$python" benchmarks/features.py >out/bench/features.json
"$python" benchmarks/backtest.py >out/bench/backtest.md
"$python" benchmarks/training.py >out/bench/training.json
"$python" benchmarks/value.py >out/bench/value.json
"$python" benchmarks/batch.py >out/bench/batch.json
"$python" benchmarks/serving.py --requests 20000 >out/bench/serving.json
"$python" benchmarks/targeting.py >out/bench/targeting.json
"$python" benchmarks/kpis.py >out/bench/kpis.json
"$python" benchmarks/costs.py >out/bench/costs.json
echo "bench: the figures are in out/bench/*.json" >&2
