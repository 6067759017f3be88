"""libdeflate's gzip, for which zlib-ng or zlib stands in.

libdeflate has no wheel for some machines; then everything works, only slower. Import
this module inside functions.
"""

from __future__ import annotations

try:
    import deflate
except ImportError:  # pragma: no cover - depends on the machine
    _HERE = False
else:
    _HERE = True


def gzip_member(data: bytes, level: int) -> bytes:
    """Compress data to a gzip member with neither a time nor a name.

    Args:
        data: All of the data.
        level: 0 stores it, 1 is the fastest.
    """
    if _HERE:
        return bytes(deflate.gzip_compress(data, level))
    from fetch_artifacts.archive.codecs.zlib_ng import zlib

    if level == 1:
        level = 2  # zlib-ng's level 1 makes noise 5 % larger, the others do not
    compressor = zlib.compressobj(level, zlib.DEFLATED, 31)
    return compressor.compress(data) + compressor.flush()
