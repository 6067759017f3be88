"""What `fetch_artifacts.authoring.publish` needs of a place to publish in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fetch_artifacts.archive.writer import Archive


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that was put in its place.

    Attributes:
        url: Where everybody can download it.
        existed: A file of that name was there already, and was left as it is.
        is_public: It can be downloaded right now. Where it can't, the target has made
            sure itself that it arrived whole.
        note: What its author has to know, or "".
    """

    url: str
    existed: bool = False
    is_public: bool = True
    note: str = ""


class Target(Protocol):
    """A place to publish archives in."""

    def upload(self, archive: Archive) -> Upload:
        """Put an archive there, under the name of its file.

        Raises:
            PublishError: It did not get there.
        """
        ...
