"""The web page: files of ours, nothing from elsewhere."""

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

from driftline_api.problems import not_found

router = APIRouter(include_in_schema=False)

_MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


@router.get("/")
def read_page() -> Response:
    """The page itself."""
    return _file("index.html")


@router.get("/docs")
def read_docs() -> Response:
    """The reference of this API, drawn from /openapi.json."""
    return _file("docs.html")


@router.get("/favicon.ico")
def read_icon() -> Response:
    """Browsers ask for it unasked."""
    return _file("icon.svg")


@router.get("/page/{name}")
def read_file(name: str) -> Response:
    """A script, style or picture of the page."""
    if name not in _names():
        raise not_found(f"no file {name[:80]!r} belongs to the page")
    return _file(name)


@cache
def _names() -> frozenset[str]:
    return frozenset(file.name for file in (files("driftline_api") / "page").iterdir() if file.is_file())


def _file(name: str) -> Response:
    content = (files("driftline_api") / "page" / name).read_bytes()
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    return Response(content, media_type=media_type, headers={"cache-control": "no-cache"})
