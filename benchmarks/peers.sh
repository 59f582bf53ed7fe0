#!/bin/sh
# Virtual environments of what bench_ingest and bench_drift compare with, under .peers/ or the folder given: several GB of disk, minutes.
# One that cannot be installed here is left out; the benchmarks say which are absent.
# Alibi Detect's licence (Business Source License) forbids building on it: it is installed to be measured and nothing depends on it.
set -uf
python=${PYTHON:-python3}
folder=${1:-.peers}
mkdir -p "$folder"
# Of torch the CPU build that we run on ourselves; another version may bring gigabytes of CUDA.
torch=$(grep '^torch==' "$(dirname "$0")/../constraints.txt")
# evidently 0.7 imports what pandas 3 no longer has.
for peer in phoenix:arize-phoenix mlflow:mlflow 'evidently:evidently pandas<3' "alibi-detect:alibi-detect[torch] $torch" frouros:frouros menelaus:menelaus; do
    name=${peer%%:*} packages=${peer#*:}
    [ -e "$folder/$name/installed" ] && continue
    # shellcheck disable=SC2086 # one word a package
    "$python" -m venv "$folder/$name" \
        && "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check $packages \
        && touch "$folder/$name/installed" \
        || echo "$name: not installed" >&2
done
