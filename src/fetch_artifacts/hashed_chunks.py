"""The bytes of an archive, hashed on their way to whoever uses them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fetch_artifacts.digests import Sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class HashedChunks:
    """Chunks that are hashed and counted as they pass.

    To iterate again goes on where the last iteration stopped.

    Attributes:
        size: How many bytes have passed so far.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._hasher = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hasher.update(chunk)
            self.size += len(chunk)
            yield chunk

    def sha256(self) -> Sha256:
        """The hash of what has passed so far."""
        return Sha256(self._hasher.digest())

    def drain(self, *, at_most: int | None = None) -> bool:
        """Let the rest pass; False where that is more than is worth reading."""
        limit = None if at_most is None else self.size + at_most
        return not any(limit is not None and self.size > limit for _ in self)
