import subprocess
import sys


def test_a_logged_exception_shows_no_values_of_variables() -> None:
    code = """
from driftline_core.log import get_logger

def answer(prompt):
    raise ValueError("expected rows, got none")

try:
    answer("a secret prompt " + "x" * 3)
except ValueError:
    get_logger("test").exception("tick failed", n_rows=3)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "tick failed" in result.stderr
    assert "n_rows=3" in result.stderr
    assert "expected rows, got none" in result.stderr
    assert "secret prompt xxx" not in result.stderr
    assert result.stdout == ""
