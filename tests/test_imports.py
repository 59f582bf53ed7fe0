"""Imports run one way: core <- collector | analyzers | api | alerts | dashboards <- cli. The SDK stands alone."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMPONENTS = ("collector", "analyzers", "api", "alerts", "dashboards")
PACKAGES = {
    "driftline_core": ROOT / "core" / "driftline_core",
    "driftline": ROOT / "sdk" / "driftline",
    **{f"driftline_{name}": ROOT / name / f"driftline_{name}" for name in COMPONENTS},
    "driftline_cli": ROOT / "cli" / "driftline_cli",
}
MAY_IMPORT = {
    "driftline_core": {"driftline_core"},
    "driftline": {"driftline"},
    **{f"driftline_{name}": {"driftline_core", f"driftline_{name}"} for name in COMPONENTS},
    "driftline_cli": set(PACKAGES),
}
# What only who writes to the environment's owner may touch: settings read it, the SDK reads OTel's variables and sets the content switch.
MAY_READ_ENVIRONMENT = {
    "analyzers/driftline_analyzers/patient_threads.py",  # says how OpenMP waits, before torch is loaded
    "core/driftline_core/settings.py",
    "sdk/driftline/capture.py",
    "sdk/driftline/instrumentation.py",
}
SDK_NEEDS = {"driftline", "opentelemetry"}


def modules_of(package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGES[package].rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, local ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"expected an absolute import, got a relative one in line {node.lineno}"
            yield node.lineno, node.module or ""


def found(packages: set[str]) -> Iterator[tuple[str, str, int, str]]:
    """(package, file, line, top-level name imported) over those packages."""
    for package in sorted(packages):
        for file, tree in modules_of(package):
            for line, name in imports_of(tree):
                yield package, file, line, name.split(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_exists_is_typed_and_has_modules(package: str) -> None:
    assert (PACKAGES[package] / "py.typed").exists()
    assert any(modules_of(package))


def test_imports_run_one_way() -> None:
    wrong = [
        f"{file}:{line} imports {name}"
        for package, file, line, name in found(set(PACKAGES))
        if name in PACKAGES and name not in MAY_IMPORT[package]
    ]
    assert wrong == []


def test_torch_is_imported_in_analyzers_alone() -> None:
    heavy = {"torch", "sentence_transformers", "transformers"}
    wrong = [
        f"{file}:{line} imports {name}"
        for package, file, line, name in found(set(PACKAGES) - {"driftline_analyzers"})
        if name in heavy
    ]
    assert wrong == []


def test_the_sdk_needs_opentelemetry_and_the_standard_library_alone() -> None:
    wrong = [
        f"{file}:{line} imports {name}"
        for _, file, line, name in found({"driftline"})
        if name not in SDK_NEEDS and name not in sys.stdlib_module_names
    ]
    assert wrong == []


def test_nothing_named_like_a_bare_folder_is_imported() -> None:
    bare = {*COMPONENTS, "core", "sdk", "cli"}
    assert [f"{file}:{line}" for _, file, line, name in found(set(PACKAGES)) if name in bare] == []


def environment_reads(tree: ast.Module) -> Iterator[int]:
    """Lines that reach for os.environ and its kin."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"}:
            yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (
                node.lineno for alias in node.names if alias.name in {"environ", "environb", "getenv", "putenv"}
            )


def test_the_environment_is_read_by_settings_and_the_sdk_alone() -> None:
    wrong = [
        f"{file}:{line}"
        for package in PACKAGES
        for file, tree in modules_of(package)
        if file not in MAY_READ_ENVIRONMENT
        for line in environment_reads(tree)
    ]
    assert wrong == []


def test_packages_only_re_export_in_their_init() -> None:
    defines = [
        file
        for package in PACKAGES
        for file, tree in modules_of(package)
        if file.endswith("__init__.py")
        and any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in tree.body)
    ]
    assert defines == []
