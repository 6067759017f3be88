"""Publishing on GitHub: as an asset of a release, or in a gist.

The API is documented at docs.github.com/rest/releases and docs.github.com/rest/gists.
"""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from fetch_artifacts.authoring.targets.target import TargetKind, Upload
from fetch_artifacts.errors import PublishError
from fetch_artifacts.files.scratch import scratch_folder
from fetch_artifacts.network.rest import RestSession

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from fetch_artifacts.archive.writer import Archive
    from fetch_artifacts.authoring.targets.target import TargetOptions
    from fetch_artifacts.settings.environment import Settings

_TOKEN: Final = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
_API: Final = "https://api.github.com"
_GH_SECONDS: Final = 30.0
_SILENT_SECONDS: Final = 300
# What an interrupted upload leaves ("Upload a release asset" in its documentation).
_BROKEN_OFF: Final = "starter"
# The code of the error 422 ("Troubleshooting the REST API" in its documentation).
_THERE: Final = "already_exists"
_HEADERS: Final = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
}
# GitHub serves larger files to git only ("Truncation" in its documentation).
_LARGEST_IN_GIST: Final = 10_000_000


def _session(settings: Settings) -> RestSession:
    return RestSession(settings, _TOKEN, _HEADERS, partial(_token_of_gh, settings))


def _token_of_gh(settings: Settings) -> str:
    """The token of GitHub's own program, "" where it is missing or not logged in."""
    program = shutil.which("gh", path=settings.environ.get("PATH"))
    if program is None:
        return ""
    command = [program, "auth", "token"]
    host = urlsplit(_api(settings)).hostname or ""
    if host != "api.github.com":  # a token is good for its own site only
        command += ["--hostname", host]
    try:
        done = subprocess.run(  # noqa: S603 - gh, with arguments of ours
            command,
            env=dict(settings.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_GH_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout


def _api(settings: Settings) -> str:
    """The API's address; GITHUB_API_URL is what GitHub's own runners set."""
    return (settings.environ.get("GITHUB_API_URL") or _API).rstrip("/")


def _field(answer: dict[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str):
        msg = f"GitHub's answer: expected a text as {key!r}, found {value!r}"
        raise PublishError(msg)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTarget:
    """The assets of a release; a missing release is created, with its tag.

    Attributes:
        settings: The environment settings, with a token in GITHUB_TOKEN.
        repository: ``owner/name``.
        tag: The release's tag.
    """

    settings: Settings
    repository: str
    tag: str

    @property
    def name(self) -> str:
        """See `PublishTarget`."""
        return f"github:{self.repository}@{self.tag}"

    def upload(self, archive: Archive) -> Upload:
        """Add an archive to the release's assets.

        Raises:
            PublishError: GitHub refuses, or can't be reached.
        """
        releases = f"{_api(self.settings)}/repos/{self.repository}/releases"
        name = archive.path.name
        again = "it was made meanwhile: run it again, and it is used"
        with _session(self.settings) as session, _if_there(again):
            release = session.find(f"{releases}/tags/{quote(self.tag, safe='')}")
            if release is None:
                body = {"tag_name": self.tag, "name": self.tag}
                release = session.call("POST", releases, body)
            for asset in release.get("assets", ()):
                if asset.get("name") != name:
                    continue
                if asset.get("state") != _BROKEN_OFF:
                    url = _field(asset, "browser_download_url")
                    return Upload(url=url, existed=True)
                session.delete(_field(asset, "url"))
            # A URI template: https://.../assets{?name,label}
            address = _field(release, "upload_url").partition("{")[0]
            query = urlencode({"name": name})
            asset = session.send_file("POST", f"{address}?{query}", archive.path)
        return Upload(url=_field(asset, "browser_download_url"))


@contextlib.contextmanager
def _if_there(remedy: str) -> Iterator[None]:
    """Say what to do where GitHub says that what would be made is there already."""
    try:
        yield
    except PublishError as error:
        if _THERE not in str(error):
            raise
        msg = f"{error}; {remedy}"
        raise PublishError(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class GistTarget:
    """A new gist, for archives of up to 10 MB.

    The REST API accepts text files only, so the archive is uploaded by ``git push``.

    Attributes:
        settings: The environment settings, with a token in GITHUB_TOKEN.
        public: Whether the gist is listed, or reachable by its address only.
    """

    settings: Settings
    public: bool = False

    @property
    def name(self) -> str:
        """See `PublishTarget`."""
        return "gist:public" if self.public else "gist"

    def upload(self, archive: Archive) -> Upload:
        """Create a gist and push an archive to it.

        Raises:
            PublishError: The archive is too large, git is not installed, or GitHub
                refuses or can't be reached.
        """
        name = archive.path.name
        if archive.size > _LARGEST_IN_GIST:
            msg = (
                f"{name}: expected at most {_LARGEST_IN_GIST} bytes, which is what a "
                f"gist serves, found {archive.size}; publish it in a release"
            )
            raise PublishError(msg)
        gists = f"{_api(self.settings)}/gists"
        body = {
            "description": f"The artifact {name}",
            "public": self.public,
            "files": {"README.md": {"content": f"{name}, for an Artifacts.toml\n"}},
        }
        with _session(self.settings) as session:
            with _if_there("run it again: each run makes a gist of its own"):
                made = session.call("POST", gists, body)
            again = f"delete {made.get('html_url', 'it')}, or there will be two gists"
            try:
                push_url = _field(made, "git_push_url")
                _push(push_url, archive, self.settings, session.token)
                gist = session.call("GET", f"{gists}/{_field(made, 'id')}")
                url = _field(gist.get("files", {}).get(name, {}), "raw_url")
            except PublishError as error:
                msg = f"{error}; a gist was made: {again}"
                raise PublishError(msg) from error
        return Upload(url=url, again=again)


def _push(url: str, archive: Archive, settings: Settings, token: str) -> None:
    """Push a commit that adds an archive."""
    login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    # Other users can read a command line, but not the environment.
    environ = {
        **settings.environ,
        "GIT_TERMINAL_PROMPT": "0",
        # Git waits for ever for a server that says nothing.
        "GIT_HTTP_LOW_SPEED_LIMIT": "1",
        "GIT_HTTP_LOW_SPEED_TIME": str(_SILENT_SECONDS),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{url}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
        **{f"GIT_{who}_NAME": "fetch-artifacts" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "" for who in ("AUTHOR", "COMMITTER")},
    }
    with scratch_folder() as folder:
        clone = folder / "gist"
        _git(environ, folder, "clone", "--quiet", "--depth=1", url, "gist")
        shutil.copyfile(archive.path, clone / archive.path.name)
        _git(environ, clone, "add", "--force", archive.path.name)
        message = f"Add {archive.path.name}"
        _git(environ, clone, "commit", "--quiet", "-m", message)
        _git(environ, clone, "push", "--quiet", "origin", "HEAD")


def _git(
    environ: dict[str, str], folder: str | os.PathLike[str], verb: str, *options: str
) -> None:
    program = shutil.which("git", path=environ.get("PATH"))
    if program is None:
        msg = "a gist needs the program git, found none; install it, or use a release"
        raise PublishError(msg)
    done = subprocess.run(  # noqa: S603 - git, with arguments of ours
        [program, verb, *options],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.split()) or "failed without a message"
        msg = (
            f"git {verb}: {said}; the token in {_TOKEN} needs the right to write gists"
        )
        raise PublishError(msg)


def _release(match: re.Match[str], options: TargetOptions) -> ReleaseTarget:
    return ReleaseTarget(settings=options.settings, repository=match[1], tag=match[2])


def _gist(match: re.Match[str], options: TargetOptions) -> GistTarget:
    return GistTarget(settings=options.settings, public=match[1] is not None)


KINDS: Final = (
    TargetKind(
        syntax="github:OWNER/REPOSITORY@TAG",
        pattern=re.compile(r"github:([^/@]+/[^/@]+)@(.+)"),
        make=_release,
    ),
    TargetKind(
        syntax="gist[:public]", pattern=re.compile(r"gist(:public)?"), make=_gist
    ),
)
