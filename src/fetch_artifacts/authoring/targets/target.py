"""The interface between `fetch_artifacts.authoring.publish` and its targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fetch_artifacts.errors import PublishError
from fetch_artifacts.urls import redacted

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from fetch_artifacts.archive.writer import Archive
    from fetch_artifacts.settings.environment import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An archive after its upload.

    Attributes:
        url: The public download URL.
        existed: Whether a file of that name existed before; it was left unchanged.
        is_public: Whether the URL works right away. If not, the target has itself
            verified that the whole file arrived.
        note: What the author has to do next, or "".
        again: What to do before the same is published again, where that would not
            find this upload; or "".
    """

    url: str
    existed: bool = False
    is_public: bool = True
    note: str = ""
    again: str = ""


class PublishTarget(Protocol):
    """A place where archives are published."""

    @property
    def name(self) -> str:
        """What users write for it, without secrets."""
        ...

    def upload(self, archive: Archive) -> Upload:
        """Upload an archive under its own file name.

        Raises:
            PublishError: The upload failed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions:
    """What users say about a target besides its name.

    Attributes:
        settings: The environment settings.
        url_base: The public URL of a folder's files.
        final: Whether a deposit is published permanently.
        title: The title of a new deposit.
        creators: The authors of a new deposit.
    """

    settings: Settings
    url_base: str | None = None
    final: bool = False
    title: str = ""
    creators: tuple[str, ...] = ()

    def require_url_base(self, target: str) -> str:
        """Give the URL of a folder's files.

        Raises:
            PublishError: It is not set, or not a URL.
        """
        if not self.url_base:
            msg = (
                f"{redacted(target)}: expected url_base, the URL under which its files "
                "are served, found none"
            )
            raise PublishError(msg)
        if ":" not in self.url_base:
            msg = (
                f"{redacted(target)}: expected url_base to be a URL such as "
                f"https://host/folder, found {redacted(self.url_base)!r}"
            )
            raise PublishError(msg)
        return self.url_base


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetKind:
    """How users name the targets of one kind, and how to make such a target.

    Attributes:
        syntax: What users write, for help texts and errors.
        pattern: Matches the whole of what they write, from its prefix on.
        make: Makes the target from a match of ``pattern``.
        needs_url_base: Whether users have to say where its files will be served.
    """

    syntax: str
    pattern: re.Pattern[str]
    make: Callable[[re.Match[str], TargetOptions], PublishTarget]
    needs_url_base: bool = False
