"""Decompression in bounded steps: the size after it is limited before it is spent."""

import zlib
from typing import Final, Protocol

from driftline_collector.errors import RequestRefused

_STEP: Final = 1 << 20
_MAX_MEMBERS: Final = 1000  # each costs as much as thousands of bytes, and an empty one takes twenty
_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_BITS: Final = -15


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int = 0) -> bytes: ...


class Inflater:
    """Decompresses one body as its chunks come. encoding: 'gzip' (several members are one body) or 'deflate' (zlib or raw).

    max_bytes bounds the result; beyond it, and for damaged data, `feed` and `finish` raise RequestRefused.
    """

    def __init__(self, encoding: str, *, max_bytes: int) -> None:
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self.n_bytes = 0
        self._is_fresh = True
        self._n_members = 1
        self._held = b""
        self._stream: _Decompressor = zlib.decompressobj(_GZIP_BITS if encoding == "gzip" else _ZLIB_BITS)

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk of the compressed body."""
        data = self._held + chunk
        if self._is_fresh and self._encoding == "deflate" and len(data) < 2:
            self._held = data  # whether it is zlib or raw stands in two bytes
            return
        self._held = b""
        while data:
            if self._stream.eof:
                if self._encoding != "gzip":
                    raise self._damaged("bytes follow its end")
                self._n_members += 1
                if self._n_members > _MAX_MEMBERS:
                    raise self._damaged(f"it has more than {_MAX_MEMBERS} members")
                self._stream = zlib.decompressobj(_GZIP_BITS)
            data = self._step(data)

    def finish(self) -> bytes:
        """The whole body. Raises RequestRefused when it ended early."""
        if not self._stream.eof:
            raise self._damaged("it ends early")
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def _step(self, data: bytes) -> bytes:
        try:
            out = self._stream.decompress(data, _STEP)
        except zlib.error as error:
            if self._encoding == "deflate" and self._is_fresh:
                self._is_fresh = False
                self._stream = zlib.decompressobj(_RAW_BITS)
                return data
            raise self._damaged(str(error)) from None
        self._is_fresh = False
        self.n_bytes += len(out)
        if self.n_bytes > self._max_bytes:
            raise RequestRefused(
                f"expected at most {self._max_bytes} bytes after decompression, got more; send smaller batches",
                reason="too_large",
            )
        if out:
            self._parts.append(out)
        return self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail

    def _damaged(self, why: str) -> RequestRefused:
        return RequestRefused(
            f"expected a body in {self._encoding}, got one that does not decompress: {why}", reason="malformed"
        )
