from __future__ import annotations

import pytest

from fetch_artifacts.files.remote import plain_errors


def test_the_path_of_an_error_is_not_told() -> None:
    address = "file:///x?hunter2"
    with pytest.raises(OSError, match=r"^Permission denied$"), plain_errors(address):
        raise PermissionError(13, "Permission denied", "/x?hunter2")
