"""Request headers for each host, so that private artifacts can be downloaded.

They are configured in the nearest pyproject.toml above the Artifacts.toml, or else
above the working directory::

    [tool.fetch-artifacts.auth."gitlab.example.org"]
    PRIVATE-TOKEN = "$FETCH_ARTIFACTS_AUTH_GITLAB"

    [tool.fetch-artifacts.auth."*.example.com"]
    Authorization = "Bearer $FETCH_ARTIFACTS_AUTH_EXAMPLE"

and, without the prefix ``tool.fetch-artifacts.``, in ``config.toml`` in the user's
configuration folder (``~/.config/fetch-artifacts``), which takes precedence for a
pattern that is in both files.

- A pattern is a host, or a host and a port. ``*`` matches any text. Only the table of
  the best matching pattern is used: one without ``*``, or else the longest one.
- A value is the text of the header. ``$NAME`` and ``${NAME}`` in it are the values of
  environment variables, ``$$`` is a dollar sign. A header with a variable that is not
  set is not sent.
- A pyproject.toml may only name variables that begin with ``FETCH_ARTIFACTS_AUTH_``:
  a project that somebody cloned must not choose who is sent other secrets. The user's
  own file may name any.
- A host that no pattern matches gets the user and password that are written in the
  URL, or else those of ``~/.netrc`` (or of the file that ``NETRC`` names).

Credentials are never sent over plain http, except to this machine, and never to another
host after a redirect. No log and no error contains them.
"""

from __future__ import annotations

import base64
import logging
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote

from fetch_artifacts.errors import SettingsError
from fetch_artifacts.files.regular import read_if_there
from fetch_artifacts.files.toml_text import parse_toml
from fetch_artifacts.settings.pyproject import TABLE, project_table
from fetch_artifacts.urls import is_secure, origin, split_url, without_user

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from fetch_artifacts.settings.environment import Settings

_log = logging.getLogger(__name__)

_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110

# What a project may be sent, and schemes of the Authorization header (RFC 9110, 11.4).
_FOR_PROJECTS: Final = "FETCH_ARTIFACTS_AUTH_"
_SCHEMES: Final = frozenset({"", "bearer", "basic", "token"})

_Headers: TypeAlias = "dict[str, Template]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The configured headers of hosts.

    Attributes:
        environ: The environment variables for the headers' values.
        patterns: The headers for each host pattern.
    """

    environ: Mapping[str, str] = field(repr=False)
    patterns: Mapping[str, _Headers] = field(repr=False, default_factory=dict)
    _ignored: set[str] = field(repr=False, compare=False, default_factory=set)

    @classmethod
    def load(cls, settings: Settings, folder: Path) -> Credentials:
        """Read the configuration for a working directory.

        Raises:
            SettingsError: A table in it is invalid, or the user's file can't be read.
        """
        config = settings.user_config / "config.toml"
        tables = _parse(_read(config).get("auth", {}), f"{config}: auth")
        pyproject, table = project_table(folder)
        where = f"{pyproject}: {TABLE}.auth"
        projects = _parse(table.get("auth", {}), where)
        for pattern in projects.keys() - tables.keys():
            _check_variables(pattern, projects[pattern], where, config)
        return cls(environ=settings.environ, patterns=projects | tables)

    def headers(self, url: str) -> dict[str, str]:
        """Give the headers for a request, none over plain http.

        Raises:
            SettingsError: A header's value can't be sent.
            DownloadError: The URL is invalid.
        """
        if not is_secure(without_user(url)):
            return {}
        pattern = self._pattern(url)
        if pattern:
            return {
                name: _sendable(pattern, name, template.substitute(self.environ))
                for name, template in self.patterns[pattern].items()
                if not _unset(template, self.environ)
            }
        login = _login_in(split_url(url)) or self._netrc_login(url)
        return {"Authorization": _basic(*login)} if login else {}

    def unset_variables(self, url: str) -> tuple[str, ...]:
        """List the unset environment variables of a URL's headers."""
        headers = self.patterns.get(self._pattern(url) or "", {})
        unset = (_unset(template, self.environ) for template in headers.values())
        return tuple(filter(None, unset))

    def _pattern(self, url: str) -> str | None:
        """Give the best matching pattern for a URL's host."""
        _, host, port = origin(url)
        found = [
            pattern
            for pattern in self.patterns
            if _matches(pattern, host) or _matches(pattern, f"{host}:{port}")
        ]
        return max(found, key=lambda it: ("*" not in it, len(it)), default=None)

    def _netrc_login(self, url: str) -> tuple[str, str] | None:
        from netrc import NetrcParseError, netrc

        named = self.environ.get("NETRC")
        places = [named] if named else ["~/.netrc", "~/_netrc"]
        for place in places:
            try:
                file = Path(place).expanduser()
                found = netrc(file).authenticators(origin(url)[1])
            except (FileNotFoundError, RuntimeError):  # no file, or no home folder
                continue
            except (OSError, NetrcParseError) as error:
                self._tell_ignored(place, error)
                continue
            return (found[0], found[2] or "") if found else None
        return None

    def _tell_ignored(self, place: str, error: Exception) -> None:
        """Say once that a file can't be used; what is wrong in it may be secret."""
        if place not in self._ignored:
            self._ignored.add(place)
            why = getattr(error, "strerror", None) or "it is not in the format of netrc"
            named_by = "NETRC names it, but " if self.environ.get("NETRC") else ""
            _log.warning("%s is ignored: %s%s", place, named_by, why)


def _read(path: Path) -> dict[str, object]:
    """What the user's file says, nothing where there is none."""
    try:
        content = read_if_there(path)
        return {} if content is None else parse_toml(content.decode("utf-8"))
    except OSError as error:
        msg = (
            f"{path}: can't be read, for the headers of hosts: {error.strerror}; make "
            "it readable, or set XDG_CONFIG_HOME, or HOME, to a folder of your own"
        )
        raise SettingsError(msg) from error
    except ValueError as error:
        msg = f"{path}: expected TOML: {error}"
        raise SettingsError(msg) from error


def _parse(auth: object, where: str) -> dict[str, _Headers]:
    if not isinstance(auth, dict):
        msg = f"{where}: expected a table for each host, found {type(auth).__name__}"
        raise SettingsError(msg)
    return {
        pattern: _parse_headers(headers, f'{where}."{pattern}"')
        for pattern, headers in auth.items()
    }


def _parse_headers(headers: object, where: str) -> _Headers:
    # No message shows a value: it may be a token.
    if not isinstance(headers, dict):
        msg = f"{where}: expected a table of headers, found {type(headers).__name__}"
        raise SettingsError(msg)
    for name, value in headers.items():
        if not isinstance(value, str) or not _FIELD_NAME.fullmatch(name):
            msg = f'{where}.{name}: expected a header such as X-Token = "$TOKEN"'
            raise SettingsError(msg)
        try:
            Template(value).substitute(defaultdict(str))
        except ValueError:
            msg = f"{where}.{name}: expected $NAME, ${{NAME}} or $$ at each dollar sign"
            raise SettingsError(msg) from None
    return {name: Template(value) for name, value in headers.items()}


def _check_variables(pattern: str, headers: _Headers, where: str, config: Path) -> None:
    """Check that a project asks for no secret that was not meant for it.

    Raises:
        SettingsError: It names a variable of another kind.
    """
    for name, template in headers.items():
        for variable in _variables(template):
            if variable.startswith(_FOR_PROJECTS):
                continue
            msg = (
                f'{where}."{pattern}".{name}: expected a variable that begins with '
                f"{_FOR_PROJECTS}, found ${variable}: a project may name no other. If "
                f"you trust it with {variable}, put this line into {config}:\n"
                f'auth."{pattern}".{name} = "{_shown_value(template)}"'
            )
            raise SettingsError(msg)


def _variables(template: Template) -> list[str]:
    found = template.pattern.finditer(template.template)
    return [name for match in found if (name := match["named"] or match["braced"])]


def _shown_value(template: Template) -> str:
    """The text of a header, where nothing but variables in it can be secret."""
    literal = template.pattern.sub("", template.template).strip()
    if literal.lower() in _SCHEMES:
        return template.template
    return "...".join(["", *(f"${{{name}}}" for name in _variables(template)), ""])


def _matches(pattern: str, host: str) -> bool:
    """Whether ``*`` can stand for what is missing in a pattern; takes linear time."""
    pattern, host = pattern.lower(), host.lower()
    if "*" not in pattern:
        return pattern == host
    first, *middle, last = pattern.split("*")
    if not host.startswith(first):
        return False
    place = len(first)
    for text in middle:
        place = host.find(text, place)
        if place < 0:
            return False
        place += len(text)
    return host.endswith(last) and len(host) - len(last) >= place


def _unset(template: Template, environ: Mapping[str, str]) -> str:
    """Give the first unset or empty variable of a template, "" if there is none."""
    try:
        template.substitute({name: value for name, value in environ.items() if value})
    except KeyError as missing:
        return str(missing.args[0])
    return ""


def _sendable(pattern: str, name: str, value: str) -> str:
    value = value.strip()
    if not (value.isascii() and value.isprintable()):
        msg = (
            f"{name} for {pattern}: expected printable ASCII, found something else in "
            "the configured value"
        )
        raise SettingsError(msg)
    return value


def _login_in(parts: SplitResult) -> tuple[str, str] | None:
    if not parts.username:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
