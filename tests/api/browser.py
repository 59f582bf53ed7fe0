"""Pages opened in a real Chromium: what they look like to a person, and what the console said."""

import re
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

_VOID = frozenset({"img", "link", "meta", "br", "input", "hr"})
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    *("--enable-logging=stderr", "--v=0", "--window-size=1280,1600", "--virtual-time-budget=8000"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPage:
    """html: the document after its scripts ran. console: lines that scripts or the browser wrote to the console."""

    html: str
    console: list[str]

    def text(self, element_id: str) -> str:
        """Text inside the element with this id, spaces collapsed. Raises LookupError."""
        parser = _TextOf(element_id)
        parser.feed(self.html)
        if not parser.was_found:
            raise LookupError(f"no element with id {element_id!r}")
        return re.sub(r"\s+", " ", " ".join(parser.parts)).strip()


def open_page(chromium: str, url: str, *, profile: Path) -> OpenedPage:
    """Load a page, let its scripts run for eight seconds of the browser's own time, and read it."""
    command = [chromium, *_FLAGS, f"--user-data-dir={profile}", "--dump-dom", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return OpenedPage(html=done.stdout, console=console)


class _TextOf(HTMLParser):
    """Collects the text below one element."""

    def __init__(self, element_id: str) -> None:
        super().__init__()
        self._id = element_id
        self._depth = 0
        self.was_found = False
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        if self._depth:
            self._depth += 1
        elif dict(attrs).get("id") == self._id:
            self.was_found = True
            self._depth = 1

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag not in _VOID:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.parts.append(data)
