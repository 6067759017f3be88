"""A stand-in of the Hugging Face Hub: one repository, whose files are in a folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from benchmarks.harness import have_package
from benchmarks.server import Handler, serve

REPOSITORY = "me/data"
COMMIT = "c" * 40
_FILES = f"/{REPOSITORY}/resolve/{COMMIT}/"

Download = Callable[..., str]
"""``huggingface_hub.snapshot_download``; gives the folder of the snapshot."""


def snapshot_download(cache: Path) -> Download | None:
    """The client's function, None (and a line that says so) where it isn't installed.

    Args:
        cache: The folder for all that the client keeps.
    """
    if not have_package("huggingface_hub"):
        return None
    os.environ |= {  # read as it is imported
        "HF_HOME": str(cache),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
    }
    import huggingface_hub

    download: Download = huggingface_hub.snapshot_download
    return download


class Hub(Handler):
    """Answers what the client asks for: the commit, the list of files, and each file.

    All other paths are those of the folder, as a plain server has them.
    """

    protocol_version = "HTTP/1.1"  # connections are kept, as the site does

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        """Answer one of the two questions, or send a file."""
        path = urlsplit(self.path).path
        if path.startswith(f"/api/models/{REPOSITORY}/revision/"):
            self._send_json({"id": REPOSITORY, "sha": COMMIT, "siblings": []})
        elif path.startswith(f"/api/models/{REPOSITORY}/tree/"):
            self._send_json([self._entry(file) for file in self._files()])
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        """The file that an address stands for."""
        return super().translate_path(path.removeprefix(_FILES.rstrip("/")))

    def end_headers(self) -> None:
        """Say of a file which it is, as the client demands."""
        if self.path.startswith(_FILES):
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{self._id(self.path.removeprefix(_FILES))}"')
        super().end_headers()

    def _files(self) -> list[Path]:
        root = Path(self.directory)
        return [path for path in sorted(root.rglob("*")) if path.is_file()]

    def _entry(self, file: Path) -> dict[str, Any]:
        name = file.relative_to(self.directory).as_posix()
        size = file.stat().st_size
        return {"type": "file", "path": name, "size": size, "oid": self._id(name)}

    @staticmethod
    def _id(name: str) -> str:
        return unquote(name).encode().hex()[-40:].rjust(40, "0")

    def _send_json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    serve(partial(Hub, directory=sys.argv[1]))
