"""Threads of torch that wait without burning the processor.

OpenMP's workers spin between two operations unless told otherwise before torch is loaded. Where cores are shared with others (the collector
of the same process, another service) they spin against the very threads they wait for: a run of the demo's analysis took over 500 seconds
on two busy cores with spinning, and 50 without.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
