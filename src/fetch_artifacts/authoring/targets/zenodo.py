"""Publishing on Zenodo, as a file of a deposit.

The API is documented at developers.zenodo.org, "Deposit" and "bucket API".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fetch_artifacts.authoring.targets.target import TargetKind, Upload
from fetch_artifacts.errors import PublishError
from fetch_artifacts.network.rest import RestSession
from fetch_artifacts.urls import join_url

if TYPE_CHECKING:
    from pathlib import Path

    from fetch_artifacts.archive.writer import Archive
    from fetch_artifacts.authoring.targets.target import TargetOptions
    from fetch_artifacts.settings.environment import Settings

ZENODO: Final = "https://zenodo.org"
SANDBOX: Final = "https://sandbox.zenodo.org"

_TOKEN: Final = "ZENODO_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True, kw_only=True)
class ZenodoTarget:
    """A deposit, left as a draft that its author completes and publishes.

    Attributes:
        settings: The environment settings, with a token in ZENODO_TOKEN.
        site: `ZENODO` or `SANDBOX`; each has its own tokens.
        deposit: The number of an existing draft, None to create one.
        final: Whether to publish the deposit right away; this can't be undone.
        title: The title of a new deposit.
        creators: The authors of a new deposit, as ``Family, Given``; it gets metadata
            only with them.

    Raises:
        PublishError: A new deposit that is to be published has no author.
    """

    settings: Settings
    site: str = ZENODO
    deposit: int | None = None
    final: bool = False
    title: str = ""
    creators: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.final and self.deposit is None and not self.creators:
            msg = (
                f"{self.name}: a new deposit needs an author before it can be "
                "published; name one with creators="
            )
            raise PublishError(msg)

    @property
    def name(self) -> str:
        """See `PublishTarget`."""
        return self._named(self.deposit)

    def _named(self, deposit: object) -> str:
        kind = "zenodo-sandbox" if self.site == SANDBOX else "zenodo"
        return kind if deposit is None else f"{kind}:{deposit}"

    def upload(self, archive: Archive) -> Upload:
        """Add an archive to the deposit.

        Raises:
            PublishError: Zenodo refuses or can't be reached, or the file arrived
                damaged.
        """
        depositions = f"{self.site}/api/deposit/depositions"
        with RestSession(self.settings, _TOKEN, {}) as session:
            if self.deposit is None:
                deposit = session.call("POST", depositions, self._metadata())
            else:
                deposit = session.call("GET", f"{depositions}/{self.deposit}")
                if deposit.get("submitted"):
                    msg = (
                        f"deposit {self.deposit}: expected a draft, found a published "
                        "one, whose files stay as they are; make a new version of it "
                        f"on {self.site} and give its number, or give none"
                    )
                    raise PublishError(msg)
            number, links = deposit.get("id"), deposit.get("links", {})
            where = links.get("html") or f"{self.site}/uploads/{number}"
            again = f"give {self._named(number)} next time, or another draft is made"
            try:
                bucket = join_url(str(links.get("bucket", "")), archive.path.name)
                file = session.send_file("PUT", bucket, archive.path)
                _check_arrived(file, archive.path)
                if self.final:
                    publish = f"{depositions}/{number}/actions/publish"
                    deposit = session.call("POST", publish)
            except PublishError as error:
                msg = f"{error}; its draft is {where}: {again}"
                raise PublishError(msg) from error
        number = deposit.get("record_id") or number
        name = quote(archive.path.name)
        url = f"{self.site}/records/{number}/files/{name}?download=1"
        if self.final:
            again = "it is published permanently: leave it out next time"
            return Upload(url=url, again=again)
        note = f"it is a draft, which nobody can download until you publish it: {where}"
        again = "" if self.deposit == number else again
        return Upload(url=url, is_public=False, note=note, again=again)

    def _metadata(self) -> dict[str, Any]:
        if not self.creators:
            return {}
        return {
            "metadata": {
                "title": self.title,
                "description": f"The artifact {self.title}, for an Artifacts.toml",
                "upload_type": "dataset",
                "creators": [{"name": name} for name in self.creators],
            }
        }


def _check_arrived(answer: dict[str, Any], path: Path) -> None:
    """Compare the server's checksum with that of the file."""
    hasher = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            hasher.update(piece)
    expected, found = f"md5:{hasher.hexdigest()}", answer.get("checksum")
    if found != expected:
        msg = f"{path.name}: expected the checksum {expected}, Zenodo has {found}"
        raise PublishError(msg)


def _deposit(match: re.Match[str], options: TargetOptions) -> ZenodoTarget:
    return ZenodoTarget(
        settings=options.settings,
        site=SANDBOX if match[1] else ZENODO,
        deposit=int(match[2]) if match[2] else None,
        final=options.final,
        title=options.title,
        creators=options.creators,
    )


KINDS: Final = (
    TargetKind(
        syntax="zenodo[-sandbox][:NUMBER of a draft]",
        pattern=re.compile(r"zenodo(-sandbox)?(?::(\d*))?"),
        make=_deposit,
    ),
)
