"""CPU time and memory as Linux counts them."""

import os
import subprocess
import sys

from bench.processes import Meter, cpu_seconds, family, peak_bytes, resident_bytes

BUSY = "import sys; n = sum(i * i for i in range(3_000_000)); print('done', flush=True); sys.stdin.read()"


def test_a_meter_finds_who_worked() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        meter = Meter({"idle": [os.getpid()], "none": []})
        assert child.pid in family(os.getpid())
        assert child.stdout is not None
        assert child.stdout.readline() == b"done\n"
        assert cpu_seconds(child.pid) > 0
        assert 1e6 < resident_bytes(child.pid) <= 1.01 * peak_bytes(child.pid)
        spent = meter.read()
        assert set(spent) == {"idle", "none", "other", "stolen"}
        assert spent["none"] == 0
        child.communicate()


def test_a_process_that_is_gone_has_used_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        child.wait()
    assert (cpu_seconds(child.pid), resident_bytes(child.pid), peak_bytes(child.pid)) == (0, 0, 0)
