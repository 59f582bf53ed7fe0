"""Errors as answers: RFC 9457 problem details, with what was expected and what came, and never a query or a prompt."""

import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from driftline_api.body import whole_text
from driftline_core import InputError, NotFound, QueryError, StoreError, get_logger

MEDIA_TYPE = "application/problem+json"
_LOG = get_logger("api")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*'")


class FieldProblem(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="Place of the value, e.g. query.limit or body.name.", examples=["query.limit"])
    detail: str = Field(description="What was expected.", examples=["Input should be less than or equal to 500"])
    got: Any = Field(default=None, description="The value that came, cut to 200 characters.", examples=["100000"])


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="URI reference of the kind of problem.", examples=["/problems/not-found"])
    title: str = Field(description="The kind of problem in a few words.", examples=["Not found"])
    status: int = Field(description="HTTP status.", examples=[404])
    detail: str = Field(
        description="What was expected and what came.", examples=["no trace 0af7... in project default"]
    )
    errors: list[FieldProblem] = Field(default_factory=list, description="One entry per wrong value.")


class ProblemError(Exception):
    """Raised by a route to answer with a problem. kind: the last part of its type URI."""

    def __init__(self, status: HTTPStatus, kind: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail


def not_found(detail: str) -> ProblemError:
    """404 with what was looked for."""
    return ProblemError(HTTPStatus.NOT_FOUND, "not-found", "Not found", detail)


def bad_request(detail: str) -> ProblemError:
    """400 with what was expected and what came."""
    return ProblemError(HTTPStatus.BAD_REQUEST, "bad-request", "Bad request", detail)


def conflict(detail: str) -> ProblemError:
    """409 with what is there already."""
    return ProblemError(HTTPStatus.CONFLICT, "conflict", "Already exists", detail)


def unprocessable(detail: str) -> ProblemError:
    """422: understood, and impossible with the data that is there."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "unprocessable", "Cannot be done", detail)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems; 400 and 503 are always among them."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {}}}
        for status in sorted({400, 503, *statuses})
    }


def problem_response(
    status: int, kind: str, title: str, detail: str, *, errors: list[FieldProblem] | None = None
) -> JSONResponse:
    """The answer itself."""
    problem = Problem(
        type=f"/problems/{kind}", title=title, status=status, detail=whole_text(detail), errors=errors or []
    )
    headers = {"retry-after": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(problem.model_dump(mode="json"), status, headers=headers, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Let every error of the app end as a problem."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(NotFound, _on_not_found)
    app.add_exception_handler(InputError, _on_input)
    app.add_exception_handler(StoreError, _on_store)
    app.add_exception_handler(QueryError, _on_store)
    app.add_exception_handler(Exception, _on_unexpected)


def without_literals(message: str) -> str:
    """An engine's error message with every quoted literal blanked: those can hold prompts or search text."""
    return _LITERAL.sub("'…'", message)[:500]


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return problem_response(error.status, error.kind, error.title, error.detail)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [_field_problem(item) for item in error.errors()]
    is_body = any(item.where.startswith("body") for item in errors)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_body else HTTPStatus.BAD_REQUEST
    detail = "; ".join(f"{item.where}: {item.detail}, got {item.got!r}" for item in errors[:5])
    return problem_response(status, "invalid-request", "Invalid request", detail, errors=errors)


def _field_problem(item: Any) -> FieldProblem:
    got = item.get("input")
    text = got if isinstance(got, int | float | bool | None) else whole_text(str(got)[:200])
    detail = whole_text(str(item["msg"]))
    if isinstance(got, str) and "datetime" in detail and re.search(r" \d\d:?\d\d$", got):
        detail += "; send the + of an offset as %2B"
    where = whole_text(".".join(str(part) for part in item["loc"]))
    return FieldProblem(where=where, detail=detail, got=text)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    detail = str(error.detail)
    if detail == phrase:
        detail = f"{request.method} {request.url.path[:200]} is not part of this API; /docs lists what is"
    response = problem_response(error.status_code, phrase.lower().replace(" ", "-"), phrase, detail)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


async def _on_not_found(request: Request, error: Exception) -> JSONResponse:
    return problem_response(HTTPStatus.NOT_FOUND, "not-found", "Not found", str(error))


async def _on_input(request: Request, error: Exception) -> JSONResponse:
    return problem_response(HTTPStatus.BAD_REQUEST, "bad-request", "Bad request", str(error))


async def _on_store(request: Request, error: Exception) -> JSONResponse:
    _LOG.error("query failed", path=request.url.path, error=without_literals(str(error)))
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "store-unavailable",
        "The store did not answer",
        "the query failed or took too long; this says nothing about the data. Details are in the server's log.",
    )


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    _LOG.error("request failed", path=request.url.path, error_type=type(error).__name__)
    return problem_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Internal error",
        "this is a fault of Driftline's; the server's log names its kind.",
    )
