"""zlib-ng under the names of the standard library's zlib, which stands in for it.

zlib-ng has no wheel for some machines; then everything works, only slower. Import this
module inside functions: it costs a millisecond.
"""

from __future__ import annotations

try:
    from zlib_ng import zlib_ng as zlib
except ImportError:  # pragma: no cover - depends on the machine
    import zlib  # type: ignore[no-redef]

__all__ = ["zlib"]
