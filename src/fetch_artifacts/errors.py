"""The errors that this package raises.

Each class also derives from the built-in exception that fetch-artifacts 0.1.0 raised,
or that a caller would expect, in its place::

    FetchArtifactsError
    ├── ArgumentError (ValueError)              a value that a function can't use
    ├── ArgumentTypeError (TypeError)           a value of another type than it takes
    ├── SettingsError (ValueError)              an environment variable or a setting
    ├── ArtifactsTomlError (ValueError)         a file that Julia could not use either
    │   └── ArtifactsTomlNotFoundError (FileNotFoundError)
    ├── BindingExistsError (ValueError)         bind without force
    ├── OverrideError (ValueError)              Overrides.toml
    ├── PlatformError (ValueError)              a triplet or a tag
    ├── ArtifactNotFoundError (KeyError)        no such name in the file
    │   ├── NoMatchingPlatformError             the name, but not for this platform
    │   └── ArtifactFileNotFoundError (FileNotFoundError)  the same, of a file system
    ├── ReadOnlyArtifactError (NotImplementedError, OSError)   writing to artifact://
    ├── ArtifactPathError (ValueError)          a path that leads out of an artifact
    ├── HashParseError (ValueError)             not a git-tree-sha1, not a sha256
    ├── HashMismatchError (RuntimeError)
    │   ├── TarballHashMismatchError            the archive's sha256
    │   └── TreeHashMismatchError               the tree's git-tree-sha1
    ├── DownloadError (RuntimeError)            a URL that gave no body
    ├── UnpackError (ValueError)                an archive that must not be unpacked
    │   └── NotAnArchiveError                   what came is not an archive at all
    ├── ArchiveError (ValueError)               an archive that can't be made as asked
    ├── UnhashableFileError (ValueError)        a FIFO, a socket, an unreadable file
    │   └── NotAFolderError (NotADirectoryError, FileNotFoundError)  nothing to hash
    ├── UnportableNameError (ValueError)        a name that Windows can't store
    ├── SpecialFileError (OSError)              a FIFO or a device in place of a file
    ├── InstallError (RuntimeError)             every source failed
    │   └── ArtifactNotInstalledError           missing, and downloading is off
    ├── PublishError (RuntimeError)             an archive that did not get to its place
    ├── JuliaError (RuntimeError)               a Julia that was asked and failed
    │   ├── NoJuliaError                        there is none to ask
    │   ├── OracleError                         it crashed, hung, or was asked nonsense
    │   └── JuliaThrewError                     its answer is an exception
    └── DepotError (RuntimeError)               a depot that can't be used
        └── LockTimeoutError (TimeoutError)
"""

from __future__ import annotations

from os import fspath
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from pathlib import Path
    from typing import Protocol

    class Digest(Protocol):
        """A `~fetch_artifacts.TreeHash`, or the sha256 of an archive."""

        @property
        def digest(self) -> bytes:
            """The bytes; ``str()`` is their lower-case hex."""
            ...


def _rebuild(
    cls: type[FetchArtifactsError], args: tuple[object, ...], facts: dict[str, object]
) -> FetchArtifactsError:
    make = OSError.__new__ if issubclass(cls, OSError) else Exception.__new__
    error = make(cls, *args)
    error.__dict__.update(facts)
    return error


class FetchArtifactsError(Exception):
    """The base of all errors of this package.

    Attributes:
        message: What was expected, what was found, where, and what to do.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        # KeyError would print the repr, OSError its errno.
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # The constructors take more than the message, so the default fails to unpickle.
        return _rebuild, (type(self), self.args, self.__dict__)


class ArgumentError(FetchArtifactsError, ValueError):
    """A function was given a value that it can't use."""


class ArgumentTypeError(FetchArtifactsError, TypeError):
    """A function was given a value of another type than it takes."""


class SettingsError(FetchArtifactsError, ValueError):
    """An environment variable or a setting has a value that means nothing."""


class ArtifactsTomlError(FetchArtifactsError, ValueError):
    """An Artifacts.toml can't be used.

    Attributes:
        path: The file, None where a table was given instead of a file.
        context: The dotted place of the fault, such as ``Foo[2].os`` for the second
            ``[[Foo]]``, or "".
        problem: The message without path and context.
    """

    def __init__(
        self, message: str, *, path: Path | None = None, context: str = ""
    ) -> None:
        where = str(path) if path else ""
        super().__init__(": ".join(part for part in (where, context, message) if part))
        self.path = path
        self.context = context
        self.problem = message


class ArtifactsTomlNotFoundError(ArtifactsTomlError, FileNotFoundError):
    """No Artifacts.toml was found.

    Attributes:
        searched: The folders that were looked into, or the file that is missing.
    """

    def __init__(self, message: str, *, searched: Sequence[Path] = ()) -> None:
        super().__init__(message)
        self.searched = tuple(searched)


class BindingExistsError(FetchArtifactsError, ValueError):
    """A name is bound already, and ``force`` was not given.

    Attributes:
        path: The Artifacts.toml.
        name: The name.
    """

    def __init__(self, message: str, *, path: Path, name: str) -> None:
        super().__init__(message)
        self.path = path
        self.name = name


class OverrideError(FetchArtifactsError, ValueError):
    """An Overrides.toml has a value that can't be followed, or a cycle."""


class PlatformError(FetchArtifactsError, ValueError):
    """A triplet or a platform tag is not valid."""


class ArtifactNotFoundError(FetchArtifactsError, KeyError):
    """A file has no artifact of that name.

    Attributes:
        name: The name asked for.
        path: The file that was read, None where a table was given.
    """

    def __init__(self, message: str, *, name: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.path = path


class NoMatchingPlatformError(ArtifactNotFoundError):
    """A file has the artifact, but for other platforms only."""


class ArtifactFileNotFoundError(ArtifactNotFoundError, FileNotFoundError):
    """An artifact has no such path, or an ``artifact://`` address names none."""


class ReadOnlyArtifactError(FetchArtifactsError, NotImplementedError, OSError):
    """An ``artifact://`` address was to be written to."""


class ArtifactPathError(FetchArtifactsError, ValueError):
    """A path inside an artifact leads out of it."""


class HashParseError(FetchArtifactsError, ValueError):
    """A text is not the hexadecimal form of the hash it should be."""


class HashMismatchError(FetchArtifactsError, RuntimeError):
    """Something hashes to another value than it was promised to.

    Attributes:
        expected: The hash that was promised.
        actual: The hash that was found.
    """

    def __init__(self, message: str, *, expected: Digest, actual: Digest) -> None:
        super().__init__(message)
        self.expected = expected
        self.actual = actual


class TarballHashMismatchError(HashMismatchError):
    """The bytes that arrived are not the archive that was promised."""


class TreeHashMismatchError(HashMismatchError):
    """The unpacked tree is not the tree that was promised."""


class DownloadError(FetchArtifactsError, RuntimeError):
    """A URL gave no complete body.

    Attributes:
        url: The URL, without any credentials.
        status: The HTTP status, None where there was no answer.
    """

    def __init__(self, message: str, *, url: str, status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status


class UnpackError(FetchArtifactsError, ValueError):
    """An archive is damaged, or asks for something that is not allowed.

    Attributes:
        member: The path of the member at fault, as the archive spells it, or "".
        faults: What is wrong with it, one sentence each.
    """

    def __init__(
        self, message: str, *, member: str = "", faults: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.member = member
        self.faults = tuple(faults)

    def at(self, where: str, size: int | None = None) -> UnpackError:
        """Give the same error with the place that the archive comes from.

        Args:
            where: A path, or a URL without secrets.
            size: The length of what came in bytes, None where it is not known.
        """
        length = "" if size is None else f" ({size:,} bytes)"
        message = f"{where}{length}: {self.message}"
        facts = {**self.__dict__, "message": message}
        return cast("UnpackError", _rebuild(type(self), (message,), facts))


class NotAnArchiveError(UnpackError):
    """What came in place of an archive is not an archive.

    Attributes:
        fact: What was expected and what was found, with its first bytes.
        found: What it looks like, such as "an HTML page".
        todo: What to do about it.
    """

    def __init__(self, fact: str, *, found: str, todo: str) -> None:
        super().__init__(f"{fact}; {todo}")
        self.fact, self.found, self.todo = fact, found, todo


class ArchiveError(FetchArtifactsError, ValueError):
    """An archive can't be made in the way that was asked for."""


class UnhashableFileError(FetchArtifactsError, ValueError):
    """A tree holds something that git can't store, or that can't be read.

    Attributes:
        path: What it is, or the tree itself.
    """

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


class NotAFolderError(UnhashableFileError, NotADirectoryError, FileNotFoundError):
    """There is no folder where one should be: there is a file, or nothing."""


class UnportableNameError(FetchArtifactsError, ValueError):
    """A portable archive was asked for, and Windows can't store a name in it.

    Attributes:
        path: The file or folder of that name.
    """

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


class SpecialFileError(FetchArtifactsError, OSError):
    """A file is expected where a folder, a FIFO, a socket or a device is.

    Attributes:
        path: What was to be read.
        found: What it is.
        problem: The message without the path.
    """

    def __init__(self, path: str | PathLike[str], found: str) -> None:
        self.problem = f"expected a regular file, found {found}"
        super().__init__(f"{fspath(path)}: {self.problem}; give the path of a file")
        self.path = path
        self.found = found


class InstallError(FetchArtifactsError, RuntimeError):
    """An artifact could not be installed from any of its sources.

    Attributes:
        name: The artifact's name.
        attempts: A pair for each source: its URL and why it failed.
    """

    def __init__(
        self, message: str, *, name: str, attempts: Sequence[tuple[str, Exception]] = ()
    ) -> None:
        super().__init__(message)
        self.name = name
        self.attempts = tuple(attempts)


class ArtifactNotInstalledError(InstallError):
    """An artifact is missing, and nothing may be downloaded."""


class PublishError(FetchArtifactsError, RuntimeError):
    """An archive could not be published, or can't be downloaded from its URL.

    Attributes:
        uploaded: The URLs of what was uploaded before, and stays there.
    """

    def __init__(self, message: str, *, uploaded: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.uploaded = tuple(uploaded)


class JuliaError(FetchArtifactsError, RuntimeError):
    """A Julia that is needed is missing, or did not answer.

    Attributes:
        julia: Its executable, None where there is none or it is not known.
    """

    def __init__(self, message: str, *, julia: Path | None = None) -> None:
        super().__init__(message)
        self.julia = julia


class NoJuliaError(JuliaError):
    """There is no Julia to compare with."""


class OracleError(JuliaError):
    """A Julia that answers comparisons crashed, hung, or was asked nonsense."""


class JuliaThrewError(JuliaError):
    """Julia threw an exception, which is its answer to what it was asked.

    Attributes:
        kind: The name of the exception's type, such as ``ArgumentError``.
        text: Its first line.
        log: What Julia logged before.
    """

    def __init__(self, kind: str, text: str, *, log: str = "") -> None:
        super().__init__(text if text.startswith(kind) else f"{kind}: {text}")
        self.kind = kind
        self.text = text
        self.log = log


class DepotError(FetchArtifactsError, RuntimeError):
    """A depot can't be read or written."""


class LockTimeoutError(DepotError, TimeoutError):
    """A lock was not given up in time.

    Attributes:
        path: The lock file.
    """

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path
