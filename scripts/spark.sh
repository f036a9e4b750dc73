#!/bin/sh
# Add the Spark pins to .venv for the tests, where there is a Java that runs them or PATRON_SPARK=1 asks for them;
# PATRON_SPARK=0 does without. They are most of a gigabyte. A machine that cannot get them tests the rest, and the
# tests say what they did not compare.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
pins=.venv/spark-pins.txt

wanted="${PATRON_SPARK:-where there is a Java}"
if [ "$wanted" = 0 ] || "$python" -c 'import pyspark, grpc_status' 2>/dev/null; then
    exit 0
fi
fault=$("$python" -c 'from patron.tables.spark import java_fault; print(java_fault() or "")')
if [ "$wanted" != 1 ] && [ -n "$fault" ]; then
    echo "spark: Spark needs Java 17 or 21, and $fault; its tests will not run." >&2
    exit 0
fi

awk '/^(pyspark|py4j|grpcio|grpcio-status|googleapis-common-protos)==/ { keep = 1; print; next } /^[^ ]/ { keep = 0 } keep' requirements.lock >"$pins"
echo "spark: installing $(grep -c '==' "$pins") pinned packages into .venv" >&2
if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    uv pip install --quiet --python "$python" --require-hashes -r "$pins" || failed=1
else
    "$python" -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r "$pins" || failed=1
fi
if [ "${failed:-0}" = 1 ]; then
    echo "spark: PySpark could not be installed; its tests will not run." >&2
    exit 0
fi
"$python" -m compileall -q -j 0 .venv/lib/python3*/site-packages/pyspark >/dev/null 2>&1 || true
