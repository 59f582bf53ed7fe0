"""A long run of the fuzzer: `python -m tests.collector.fuzz --inputs 1000000 --seed 1`, or `make fuzz`.

Stops at the first input that breaks an oracle and says how to make it again: every input has a seed of its own.
"""

import argparse
import random
import sys
import time
from collections import Counter

from tests.collector import oracles


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.collector.fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=1, help="number of the first input")
    parser.add_argument("--limit-s", type=float, default=float("inf"), help="stop after this many seconds")
    given = parser.parse_args()
    seeds = oracles.seeds()
    counts: Counter[tuple[str, bool]] = Counter()
    started_s = time.monotonic()
    for number in range(given.seed, given.seed + given.inputs):
        try:
            counts[oracles.one(random.Random(number), seeds)] += 1
        except BaseException:
            sys.stderr.write(
                f"input {number} failed; again: python -m tests.collector.fuzz --inputs 1 --seed {number}\n"
            )
            raise
        if time.monotonic() - started_s > given.limit_s:
            break
    for (kind, accepted), count in sorted(counts.items()):
        sys.stdout.write(f"{kind}: {count} {'accepted' if accepted else 'refused'}\n")
    sys.stdout.write(f"{counts.total()} inputs in {time.monotonic() - started_s:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
