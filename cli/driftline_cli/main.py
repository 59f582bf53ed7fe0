"""Entry point of the `driftline` command. Imports nothing beyond the standard library, so that it can say what is missing."""

import sys

_NEEDS_EXTRA = "driftline's server needs its extra: pip install 'driftline[server]'"


def main() -> None:
    """Run the command line. Exit codes: 0 fine, 1 failed, 2 used wrongly or not installed, 130 interrupted."""
    try:
        from driftline_cli.app import app

        app()
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if not missing or missing.startswith("driftline"):
            raise
        sys.stderr.write(f"{_NEEDS_EXTRA} (missing: {missing})\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = _expected(error)
        if message is None:
            raise
        sys.stderr.write(f"driftline: {message}\n")
        sys.exit(1)


def _expected(error: Exception) -> str | None:
    """What to tell a person about an error that Driftline raises on purpose; None for any other."""
    from pydantic import ValidationError

    from driftline_core.errors import DriftlineError

    if isinstance(error, DriftlineError):
        return str(error)
    if isinstance(error, ValidationError):
        fields = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return f"expected valid settings, got {fields}"
    return None


if __name__ == "__main__":
    main()
