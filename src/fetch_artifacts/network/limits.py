"""How much to bear with a server before the next source is the better one.

Julia's limits are those of Downloads.jl, the lines are of its ``Curl/Easy.jl``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much to bear with a server.

    Attributes:
        connect_timeout: Seconds for a connection to be made (Curl/Easy.jl:84).
        stall_timeout: Seconds that may pass at less than `slowest` (Curl/Easy.jl:80).
        slowest: Bytes a second that are still worth waiting for.
        tries: How often in a row next to nothing may come.
        pause: Seconds before the second try; twice as long before each next one.
        longest_pause: Seconds that a server may ask for with Retry-After. When it asks
            for more, the next source is the better one.
        size: Bytes of a body, so that an endless one comes to an end.
    """

    connect_timeout: float = 30.0
    stall_timeout: float = 20.0
    slowest: float = 1.0
    tries: int = 4
    pause: float = 0.5
    longest_pause: float = 60.0
    size: int = 1 << 40
