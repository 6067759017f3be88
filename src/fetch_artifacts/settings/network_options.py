"""Which certificates to trust, and which hosts to trust without one.

Julia: ``NetworkOptions``.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# What requests reads comes first, then what Julia does, in its order.
_BUNDLES: Final = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "JULIA_SSL_CA_ROOTS_PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)


def ca_roots(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that names a file or folder of CA certificates, and that path.

    None where the usual ones count. An empty JULIA_SSL_CA_ROOTS_PATH hides the
    variables after it (NetworkOptions.jl ca_roots.jl).
    """
    looked_at = takewhile(
        lambda name: not (name.startswith("JULIA_") and environ.get(name) == ""),
        _BUNDLES,
    )
    return next(
        ((name, environ[name]) for name in looked_at if environ.get(name)), None
    )


def verify_host(environ: Mapping[str, str], host: str) -> bool:
    """Whether a host must have a valid certificate (NetworkOptions.jl verify_host.jl).

    Each variable is a list of patterns with commas between: ``*`` stands for one part
    of a name, ``**`` for any number of parts.
    """

    def is_in(variable: str) -> bool:
        patterns = environ.get(variable, "").split(",")
        return any(_matches(pattern.strip(), host) for pattern in patterns)

    if is_in("JULIA_ALWAYS_VERIFY_HOSTS"):
        return True
    return not (is_in("JULIA_NO_VERIFY_HOSTS") or is_in("JULIA_SSL_NO_VERIFY_HOSTS"))


def _matches(pattern: str, host: str) -> bool:
    words = pattern.lower().split(".")
    if not all(word in {"*", "**"} or _is_label(word) for word in words):
        return False
    parts = host.lower().split(".")
    # Which numbers of the first parts are matched by what was read of the pattern.
    reached = {0}
    for word in words:
        if word == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {
                end + 1
                for end in reached
                if end < len(parts) and word in {"*", parts[end]}
            }
        if not reached:
            return False
    return len(parts) in reached


def _is_label(word: str) -> bool:
    return word.isascii() and word.replace("-", "").replace("_", "").isalnum()
