#!/bin/sh
# Virtual environments of the servers that bench_ingest compares with, under .peers/ or the folder given: a few GB of disk, minutes.
# One that cannot be installed here is left out; the benchmark says which are absent.
set -u
python=${PYTHON:-python3}
folder=${1:-.peers}
mkdir -p "$folder"
# evidently 0.7 imports what pandas 3 no longer has.
for peer in phoenix:arize-phoenix mlflow:mlflow 'evidently:evidently pandas<3'; do
    name=${peer%%:*} packages=${peer#*:}
    [ -x "$folder/$name/bin/$name" ] && continue
    # shellcheck disable=SC2086 # one word a package
    "$python" -m venv "$folder/$name" \
        && "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check $packages \
        || echo "$name: not installed" >&2
done
