import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_dependency_is_explained_and_nothing_else_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    names = {re.split(r"[\s<>=!~;\[]", requirement)[0] for requirement in declared} - {"driftline"}
    rows = re.findall(
        r"^\| ([\w.-]+) \| (.+) \| (.+) \|$", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE
    )
    explained = [name for name, *_ in rows if name not in {"Package", "---"}]
    assert sorted(explained) == sorted(names)


def test_every_dependency_is_pinned_in_the_constraints() -> None:
    def normal(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    pinned = {
        normal(line.split("==")[0])
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    }
    names = {normal(re.split(r"[\s<>=!~;\[]", requirement)[0]) for requirement in declared} - {"driftline"}
    assert names - pinned == set()
