"""Publishing on the Hugging Face Hub, as a file of a data set.

The client is huggingface_hub, which knows how the site wants large files sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fetch_artifacts._version import pip_install
from fetch_artifacts.authoring.targets.target import TargetKind, Upload
from fetch_artifacts.errors import PublishError
from fetch_artifacts.network.rest import RestSession, remedy
from fetch_artifacts.urls import redacted_text

if TYPE_CHECKING:
    from fetch_artifacts.archive.writer import Archive
    from fetch_artifacts.authoring.targets.target import TargetOptions
    from fetch_artifacts.settings.environment import Settings

_TYPE: Final = "dataset"
_VARIABLE: Final = "HF_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetTarget:
    """A data set on the Hub; it is made if missing.

    Attributes:
        settings: The environment settings, with a token in HF_TOKEN; without one,
            that of ``hf auth login`` is used. HF_ENDPOINT may name another site.
        repository: ``USER/NAME``.
    """

    settings: Settings
    repository: str

    @property
    def name(self) -> str:
        """See `PublishTarget`."""
        return f"hf:datasets/{self.repository}"

    def upload(self, archive: Archive) -> Upload:
        """Add an archive to the data set; its URL names the commit, so it stays.

        Raises:
            PublishError: huggingface_hub is not installed, or the site refuses or
                can't be reached.
        """
        try:
            import huggingface_hub as hub
        except ImportError as error:
            msg = f"needs huggingface_hub: {pip_install('hf')}"
            raise PublishError(msg) from error
        endpoint = self.settings.environ.get("HF_ENDPOINT")
        with RestSession(self.settings, _VARIABLE, {}, _logged_in) as session:
            api = hub.HfApi(endpoint=endpoint, token=session.token)
            # The client waits for an answer for ever; this does not.
            session.call("GET", f"{api.endpoint}/api/whoami-v2")
        try:
            return self._upload(api, archive)
        except Exception as error:  # noqa: BLE001 - errors of the site and of its client
            msg = f"could not be written: {_why(error)}"
            raise PublishError(msg) from None

    def _upload(self, api: Any, archive: Archive) -> Upload:
        place = {"repo_id": self.repository, "repo_type": _TYPE}
        name = archive.path.name
        api.create_repo(**place, exist_ok=True)
        existed = api.file_exists(**place, filename=name)
        if not existed:
            api.upload_file(**place, path_or_fileobj=archive.path, path_in_repo=name)
        info = api.repo_info(**place)
        url = f"{api.endpoint}/datasets/{self.repository}/resolve/{info.sha}/{name}"
        if not info.private:
            return Upload(url=url, existed=existed)
        note = f"the data set is private, so not everybody can download {url}"
        return Upload(url=url, existed=existed, is_public=False, note=note)


def _logged_in() -> str:
    """The token of ``hf auth login``, "" without one."""
    import huggingface_hub as hub

    return hub.get_token() or ""


def _why(error: Exception) -> str:
    """What the site said in one line, and what to do; else what its client said."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is None:
        words = f"{type(error).__name__}: {error}"
        return redacted_text(" ".join(words.split()))
    said = getattr(error, "server_message", None)
    words = redacted_text(" ".join(f"HTTP {status}: {said or ''}".split()).rstrip(":"))
    return "; ".join(filter(None, (words, remedy(status, _VARIABLE))))


def _dataset(match: re.Match[str], options: TargetOptions) -> DatasetTarget:
    return DatasetTarget(settings=options.settings, repository=match[1])


KINDS: Final = (
    TargetKind(
        syntax="hf:datasets/USER/NAME",
        pattern=re.compile(r"hf:datasets/([^/@]+/[^/@]+)"),
        make=_dataset,
    ),
)
