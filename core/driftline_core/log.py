"""Structured logs: constant phrases with fields, one line each, to standard error. Prompts, completions and keys are never fields."""

import logging
import sys
from typing import Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]


def configure_logging(*, level: Level = "info", json: bool = False) -> None:
    """Set the process's log level and shape: JSON lines for machines, aligned text for people."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(component: str) -> structlog.stdlib.BoundLogger:
    """A logger that says which component speaks."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(component=component)
    return logger


# structlog's own default draws tracebacks with the values of local variables, and prompts would be among them.
if not structlog.is_configured():
    configure_logging()
