from __future__ import annotations

import sys

import pytest

from fetch_artifacts.files.remote import file_system, plain_errors
from fetch_artifacts.urls import FSSPEC_SCHEMES

CREDENTIALS = "; check the credentials that its driver finds, and what they may do"


class AzureError(Exception):
    """As azure.core.exceptions.HttpResponseError."""

    status_code = 403

    def __str__(self) -> str:
        return (
            "Server failed to authenticate the request.\nRequestId:2f0ea9a2\n"
            "Time:2026-11-29T03:15:00.0Z\nErrorCode:AuthenticationFailed\n"
            'Content: <?xml version="1.0" encoding="utf-8"?>\n<Error>\n</Error>'
        )


class MissingError(Exception):
    """As azure.core.exceptions.ResourceNotFoundError."""

    status_code = 404


class GoogleError(Exception):
    """As gcsfs.retry.HttpError."""

    code = "503"


class AwsError(Exception):
    """As botocore.exceptions.ClientError."""

    response = {"ResponseMetadata": {"HTTPStatusCode": 401}}  # noqa: RUF012 - its own


class ReadTimeoutError(Exception):
    """As urllib3, botocore and aiohttp have them, below Exception."""


def said(error: Exception, cause: Exception | None = None) -> str:
    words = "nothing"
    try:
        with plain_errors("x://bucket/a"):
            raise error from cause
    except OSError as raised:
        words = str(raised)
    return words


def test_the_path_of_an_error_is_not_told() -> None:
    error = PermissionError(13, "Permission denied", "/x?hunter2")
    assert said(error) == "Permission denied" + CREDENTIALS


def test_what_a_file_system_says_is_one_line_with_what_to_do() -> None:
    assert said(AzureError()) == (
        "Server failed to authenticate the request. ErrorCode:AuthenticationFailed"
        + CREDENTIALS
    )
    assert said(MissingError("x")) == "there is no such file"
    assert said(GoogleError("down, 503")) == "down, 503; try again later"
    assert said(OSError(5, "Unauthorized"), AwsError()) == "Unauthorized" + CREDENTIALS
    assert said(OSError("Forbidden: b\n\nno")) == "Forbidden: b no" + CREDENTIALS
    assert said(ReadTimeoutError("late")) == "late; try again later"
    assert said(ValueError()) == "ValueError"
    xml = "<?xml version='1.0'?><Error><Message>No\nway.</Message></Error>"
    assert said(ValueError(xml)) == "No way."
    assert len(said(ValueError("x" * 10_000))) == 300


@pytest.mark.parametrize("form", ["u:pw@b/a?k=pw", "b/a%3Fk%3Dpw", "u%3Apw%40b/a?k=pw"])
def test_the_login_and_the_query_of_an_address_are_not_told(form: str) -> None:
    with (
        pytest.raises(OSError, match="no answer from") as raised,
        plain_errors("x://u:pw@b/a?k=pw"),
    ):
        raise OSError(f"no answer from y://h/{form} at all")
    assert "pw" not in str(raised.value)


def test_an_address_is_that_of_one_file_system() -> None:
    pytest.importorskip("fsspec", reason="NO ADDRESS WAS OPENED: needs fsspec")
    system, path = file_system("MEMORY://b/a")
    assert (system.protocol, path) == ("memory", "/b/a")
    with pytest.raises(OSError, match='expected one address, found several with "::"'):
        file_system("memory://b/a::zip://c")


@pytest.mark.parametrize("scheme", sorted(FSSPEC_SCHEMES - {"webhdfs"}))
def test_without_a_driver_what_to_install_is_said(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fsspec", reason="NO ADDRESS WAS OPENED: needs fsspec")
    # Another test may have loaded it.
    loaded = vars(sys.modules["fsspec.registry"])["_registry"]
    monkeypatch.delitem(loaded, scheme, raising=False)
    drivers = {"abfss": "adlfs", "hdfs": "pyarrow", "hf": "huggingface_hub"}
    for driver in ("gcsfs", "ocifs", "ossfs", "s3fs", *drivers.values()):
        monkeypatch.setitem(sys.modules, driver, None)
    command = r"[a-z3]+" if scheme != "hf" else r"\"fetch-artifacts\[hf\]>=.*"
    needed = drivers.get(scheme, r"\w+")
    with pytest.raises(OSError, match=rf"^needs {needed}: pip install {command}$"):
        file_system(f"{scheme}://bucket/a")
