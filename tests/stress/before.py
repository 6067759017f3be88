"""What the scripts found before the promises that they test were kept.

`__main__` prints these figures above what a script measures now. They were noted when
the faults were found, most of them by other scripts, and are not measured again.
"""

from __future__ import annotations

from typing import Final

BEFORE: Final[dict[str, tuple[str, ...]]] = {
    "power_loss": (
        "ext4, 6 to 10 s after an install: 300 of 300 files empty, and given out",
        "xfs, 30 s after a bind: Artifacts.toml has 0 bytes",
    ),
    "removals": (
        "6,179 of 10,021 calls beside removals were given half a tree",
        "overlay, a tree deeper than 32 levels of the lower layer: not removed (EXDEV)",
    ),
    "nfs": ("4.2, four nodes fill a depot from nothing: installs failed, File exists",),
    "pauses": ("a bind stopped for 47 s lost the other's binding; both exited with 0",),
    "stale": (
        "257 of 1,000 runs ended with an error, 12 said: / is not a folder",
        "later look-ups gave the path of an artifact that was gone; one gc a traceback",
    ),
    "neighbours": (
        "files of a download landed in a private folder, and install exited 0",
        "a private folder was emptied in 2 of 15 installs",
    ),
    "installs": (
        "35 of 20,280 installs failed on tmpfs, by 4 processes",
        "32 of 39 runs of 80 installs failed on sshfs",
    ),
    "file_systems": (
        "ntfs-3g, exfat: what was just installed was called damaged for ever",
        "fusefat, which refuses chmod: install, bind, create and override failed",
    ),
    "full_disk": ("a full disk left an empty CACHEDIR.TAG",),
    "publish": ("9 of 60 killed publications left temporary folders",),
    "bombs": (
        "0.55 MB of archive with 200,000 links of 4,000 bytes: 825 MB of memory",
        "4 kB with 1,000 paths of 2,041 folders: 461 MB; 0.4 MB of lost links: 388 MB",
        "a usage log of 50 MB: 874 MB; /dev/zero as a log: all there is",
        "1,570 bytes with 300 paths of 1,900 folders: 2.2 GB on the disk",
        "1 MB of zstd behind the end of a tar: 34 GB were read",
    ),
    "growth": (
        "check and doctor of 10,000 platforms: 26 s",
        "2 entries of 6,000 tags: 18 s; a chain of 10,000 overrides: 6 s",
    ),
    "waits": ("install went on for over 40 s after Ctrl-C, path for 0.1 s",),
    "editors": ("189 of 237 edits were lost",),
    "long_installs": ("7 of 16 installs had 0 of 8,000 files, and said done",),
    "kills": ("35 of 60 killed installs left jl_* folders and pid files",),
}
"""The figures of each script that had one, a line each."""
