"""A stand-in of the Hugging Face Hub, for its own client to talk to."""

from __future__ import annotations

import base64
import json
import re
import threading

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

COMMIT = "c" * 40
OID = "0" * 40
TREE = "/api/datasets/me/data/tree/main"


class Hub:
    """A stand-in of the site: the data set ``me/data`` with small files.

    Attributes:
        address: Where it is.
        files: The files by their paths.
        tokens: The ``Authorization`` headers that came.
        private: Whether the data set is.
        status: What a request gets whose path has `refused` in it.
        stops: Ends the silence in which requests with `stops_at` in their path are
            left; None for no silence.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.files: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()
        self.private = False
        self.status = 200
        self.refused = ""
        self.stops: threading.Event | None = None
        self.stops_at = ""
        self.address = server.url_for("").rstrip("/")
        server.expect_request(re.compile(".*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.tokens.add(request.headers.get("Authorization"))
        if self.stops and self.stops_at in request.path:
            self.stops.wait(30)
        if self.status != 200 and self.refused in request.path:
            return Response('{"error": "No\\nway"}', self.status)
        if request.path.startswith(TREE):
            return self._listed(request.path.removeprefix(TREE).strip("/"))
        if request.path.startswith("/api/"):
            return self._json(self._api(request))
        name = request.path.partition("/resolve/")[2].partition("/")[2]
        if name in self.files:
            headers = {"X-Repo-Commit": COMMIT, "ETag": "x"}
            answer = Response(self.files[name], headers=headers)
            return answer.make_conditional(
                request, accept_ranges=True, complete_length=len(self.files[name])
            )
        return self._none()

    def _listed(self, folder: str) -> Response:
        """What is in a folder, which is there as long as a file is in it."""
        start = f"{folder}/" if folder else ""
        inside = [name for name in self.files if name.startswith(start)]
        rows: list[dict[str, object]] = []
        for name in dict.fromkeys(
            start + n[len(start) :].split("/")[0] for n in inside
        ):
            data = self.files.get(name)
            kind = {"type": "directory"} if data is None else {"type": "file"}
            rows.append({**kind, "path": name, "size": len(data or b""), "oid": OID})
        return self._json(rows) if rows or not folder else self._none()

    @staticmethod
    def _none() -> Response:
        return Response("", 404, headers={"X-Error-Code": "EntryNotFound"})

    def _api(self, request: Request) -> object:
        path = request.path
        if path == "/api/repos/create":
            return {"url": f"{request.host_url}datasets/me/data"}
        if path == "/api/datasets/me/data/preupload/main":
            [file] = json.loads(request.data)["files"]
            mode = {
                "path": file["path"],
                "uploadMode": "regular",
                "shouldIgnore": False,
            }
            return {"files": [mode]}
        if path == "/api/datasets/me/data/commit/main":
            for line in request.data.splitlines():
                item = json.loads(line)
                value = item["value"]
                if item["key"] == "file":
                    self.files[value["path"]] = base64.b64decode(value["content"])
                if item["key"] == "deletedFile":
                    del self.files[value["path"]]
            where = f"{request.host_url}datasets/me/data/commit/{COMMIT}"
            return {"commitOid": COMMIT, "commitUrl": where, "pullRequestUrl": None}
        facts = {"id": "me/data", "sha": COMMIT, "siblings": []}
        return {**facts, "private": self.private}

    @staticmethod
    def _json(value: object) -> Response:
        return Response(json.dumps(value), content_type="application/json")
