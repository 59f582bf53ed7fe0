"""The wheel as a stranger gets it: what is in it, and that without extras it is the SDK alone."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "driftline_core": ROOT / "core",
    "driftline": ROOT / "sdk",
    "driftline_collector": ROOT / "collector",
    "driftline_analyzers": ROOT / "analyzers",
    "driftline_api": ROOT / "api",
    "driftline_alerts": ROOT / "alerts",
    "driftline_dashboards": ROOT / "dashboards",
    "driftline_cli": ROOT / "cli",
}
NETWORK_TROUBLE = re.compile(r"connection|resolve|timed out|unreachable|proxy", re.IGNORECASE)
SERVER_ONLY = ("torch", "clickhouse_connect", "chdb", "pydantic", "fastapi", "numpy", "grpc", "typer", "rich")


def run(*command: str | Path, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("driftline-*.whl")
    return path


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of a fresh environment with the wheel and no extras."""
    home = tmp_path_factory.mktemp("fresh") / "venv"
    made = run(sys.executable, "-m", "venv", "--without-pip", home)
    assert made.returncode == 0, made.stderr
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-input")
    installed = run(*pip, "--constraint", ROOT / "constraints.txt", wheel)
    if installed.returncode != 0 and NETWORK_TROUBLE.search(installed.stderr):
        pytest.skip(f"the package index cannot be reached: {installed.stderr.strip().splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr
    return home / "bin"


def test_the_wheel_holds_every_file_of_every_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        str(path.relative_to(parent))
        for package, parent in PACKAGES.items()
        for path in (parent / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - names == set()
    assert {name for name in names if ".dist-info/" not in name} - ours == set()


@pytest.mark.parametrize(
    "pattern",
    [
        r"driftline_core/store/sql/0001_\w+\.sql",
        r"driftline_collector/sql/\w+\.sql",
        r"driftline_analyzers/sql/\w+\.sql",
        r"driftline_api/.*metrics\.yaml",
        r"driftline_api/.*\.html",
        r"driftline_alerts/shipped/\w+\.yaml",
        r"driftline_dashboards/generated/driftline-overview\.json",
        r"driftline/py\.typed",
    ],
)
def test_the_wheel_holds_more_than_python(wheel: Path, pattern: str) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(re.fullmatch(pattern, name) for name in names), f"expected a file like {pattern}"


def test_the_wheel_names_its_licence_and_asks_for_opentelemetry_alone(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode()
    needed = [line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("Requires-Dist")]
    without_extra = [requirement for requirement in needed if "extra ==" not in requirement]
    assert "License-Expression: Apache-2.0" in text
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert without_extra
    assert all(requirement.startswith("opentelemetry-") for requirement in without_extra)


def test_importing_the_sdk_pulls_in_neither_torch_nor_a_store(scripts: Path, tmp_path: Path) -> None:
    program = "import json, sys, driftline; print(json.dumps([driftline.__file__, sorted(sys.modules)]))"
    done = run(scripts / "python", "-W", "error", "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    origin, modules = json.loads(done.stdout)
    assert Path(origin).is_relative_to(scripts.parent)
    assert sorted(set(modules) & set(SERVER_ONLY)) == []


def test_the_sdk_works_without_extras(scripts: Path, tmp_path: Path) -> None:
    program = """
import driftline
running = driftline.instrument(endpoint="http://127.0.0.1:9", instrumentations=[], timeout_s=1)
@driftline.generation(model="m")
def answer(question: str) -> str:
    return "fine"
print(answer("q"))
running.shutdown()
"""
    done = run(scripts / "python", "-W", "error", "-c", program, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


def test_without_the_server_extra_the_command_says_what_to_install(scripts: Path, tmp_path: Path) -> None:
    done = run(scripts / "driftline", "--help", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "pip install 'driftline[server]'" in done.stderr
    assert "Traceback" not in done.stderr
