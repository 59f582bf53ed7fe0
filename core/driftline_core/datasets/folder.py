"""The folder of data sets: `<project>/<version>/` with a manifest and the rows. A version is named by what is in it and never changes."""

import hashlib
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from driftline_core.clock import Clock, utc_now
from driftline_core.datasets.rows import read_keys, read_rows
from driftline_core.datasets.selection import Selection, resolve
from driftline_core.datasets.writing import COLUMNS, FILE_OF, SCHEMA_VERSION, Format, Written, write_rows
from driftline_core.errors import InputError, NotFound
from driftline_core.log import get_logger
from driftline_core.settings import DatasetSettings
from driftline_core.store import Store

FILE_NAMES: Final = tuple(FILE_OF.values())
MANIFEST: Final = "manifest.json"
_LOG = get_logger("datasets")
_VERSION: Final = re.compile(r"[0-9a-f]{32}")
_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PART: Final = ".part-"
_STALE_S: Final = 86_400.0
# One data set at a time in this process: each reads the store hard.
_WRITING: Final = threading.Lock()

Manifest = dict[str, Any]


class DatasetFolder:
    """Writes and finds data sets. Every method raises OSError where the disk does not do as told."""

    def __init__(self, settings: DatasetSettings, clock: Clock = utc_now) -> None:
        self.settings = settings
        self._clock = clock

    def write(
        self, store: Store, wanted: Selection, *, formats: Sequence[Format] = ("jsonl",), max_rows: int | None = None
    ) -> Manifest:
        """The manifest of the data set that `wanted` selects now; written unless it is there already.

        More calls than max_rows (default and most: the settings') are cut to a part chosen by a hash of the call; the manifest says so.
        Raises InputError where nothing is selected, NotFound, StoreError.
        """
        most = min(max_rows or self.settings.max_rows, self.settings.max_rows)
        with _WRITING:
            selection, finding = resolve(store, wanted)
            keys = read_keys(store, selection, max_rows=most)
            if not keys.keys:
                raise InputError(f"expected calls to export, got none of {keys.n_selected} selected")
            root = self._project(wanted.project)
            part = root / f"{_PART}{uuid.uuid4().hex}"
            part.mkdir(parents=True)
            try:
                written = write_rows(read_rows(store, wanted.project, keys.keys), part, formats)
                manifest = self._manifest(selection, finding, written, n_selected=keys.n_selected)
                kept = self._keep(root, part, manifest)
            finally:
                shutil.rmtree(part, ignore_errors=True)
            self._prune(root, keep=kept["version"])
        _LOG.info("data set written", project=wanted.project, version=kept["version"], rows=kept["n_rows"])
        return kept

    def manifests(self, project: str) -> list[Manifest]:
        """The manifests of a project, newest first."""
        found = [manifest for _, manifest in self._versions(self._project(project))]
        return sorted(found, key=lambda one: (one["created_at"], one["version"]), reverse=True)

    def manifest(self, project: str, version: str) -> Manifest:
        """One manifest. Raises NotFound."""
        found = _read_manifest(self._version(project, version))
        if found is None:
            raise NotFound(f"expected a data set of project {project!r}, got no such version: {version[:80]!r}")
        return found

    def file(self, project: str, version: str, name: str) -> Path:
        """Where a file of a data set is. Raises NotFound."""
        known = self.manifest(project, version)
        path = self._version(project, version) / name
        if name not in known["files"] or not path.is_file():
            raise NotFound(f"expected one of {', '.join(known['files'])}, got {name[:80]!r}")
        return path

    def delete(self, project: str, version: str) -> None:
        """Remove one. Raises NotFound."""
        self.manifest(project, version)
        shutil.rmtree(self._version(project, version))

    def _manifest(
        self, selection: Selection, finding: dict[str, Any] | None, written: Written, *, n_selected: int
    ) -> Manifest:
        described = selection.described()
        named_by = orjson.dumps([SCHEMA_VERSION, described, written.digest], option=orjson.OPT_SORT_KEYS)
        return {
            "version": hashlib.sha256(named_by).hexdigest()[:32],
            "schema_version": SCHEMA_VERSION,
            "project": selection.project,
            "created_at": self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "selection": described,
            "finding": finding,
            "n_rows": written.n_rows,
            "n_selected": n_selected,
            "is_cut": written.n_rows < n_selected,
            "n_flagged": written.n_flagged,
            "n_labelled": written.n_labelled,
            "n_with_feedback": written.n_with_feedback,
            "first_time": written.first_time,
            "last_time": written.last_time,
            "rows_sha256": written.digest,
            "columns": dict(COLUMNS),
            "files": written.files,
        }

    def _keep(self, root: Path, part: Path, manifest: Manifest) -> Manifest:
        """Move what was written to its place, all or nothing; a version that is there gets only the formats that it lacks."""
        target = root / manifest["version"]
        known = _read_manifest(target)
        if known is None:
            (part / MANIFEST).write_bytes(_pretty(manifest))
            shutil.rmtree(target, ignore_errors=True)
            part.rename(target)
            return manifest
        missing = {name: what for name, what in manifest["files"].items() if name not in known["files"]}
        if not missing:
            return known
        for name in missing:
            (part / name).replace(target / name)
        known = {**known, "files": {**known["files"], **missing}}
        (part / MANIFEST).write_bytes(_pretty(known))
        (part / MANIFEST).replace(target / MANIFEST)
        return known

    def _prune(self, root: Path, *, keep: str) -> None:
        """Remove the oldest beyond the settings' bounds, and what a crash left half written."""
        for part in root.glob(f"{_PART}*"):
            if time.time() - part.stat().st_mtime > _STALE_S:
                shutil.rmtree(part, ignore_errors=True)
        kept_bytes = 0
        newest = sorted(
            self._versions(root), key=lambda one: (one[1]["version"] == keep, one[1]["created_at"]), reverse=True
        )
        for n_kept, (path, manifest) in enumerate(newest, start=1):
            kept_bytes += sum(what["bytes"] for what in manifest["files"].values())
            is_over = n_kept > self.settings.keep or kept_bytes > self.settings.max_bytes
            if is_over and manifest["version"] != keep:
                shutil.rmtree(path, ignore_errors=True)
                _LOG.info("data set removed", version=manifest["version"], reason="the folder's bounds")

    def _versions(self, root: Path) -> Iterator[tuple[Path, Manifest]]:
        if not root.is_dir():
            return
        for path in root.iterdir():
            manifest = _read_manifest(path) if _VERSION.fullmatch(path.name) else None
            if manifest is not None:
                yield path, manifest

    def _project(self, project: str) -> Path:
        if not _PROJECT.fullmatch(project):
            raise NotFound(f"expected a project like {_PROJECT.pattern}, got {project[:80]!r}")
        return self.settings.path / project

    def _version(self, project: str, version: str) -> Path:
        if not _VERSION.fullmatch(version):
            raise NotFound(f"expected a version of 32 hex digits, got {version[:80]!r}")
        return self._project(project) / version


def _read_manifest(path: Path) -> Manifest | None:
    try:
        found = orjson.loads((path / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) else None


def _pretty(manifest: Manifest) -> bytes:
    return orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
