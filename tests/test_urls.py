from __future__ import annotations

from pathlib import Path

import pytest

from fetch_artifacts.errors import DownloadError
from fetch_artifacts.urls import (
    expected_instead,
    file_name,
    local_path,
    redacted,
    redirected,
    split_url,
)

NO_URLS = [
    "http://[",
    "http://[x]/",
    "http://a..b/",
    f"http://{'a' * 64}.org/",
    "http://a\u2100b/",
    "http://a\udcffb/",
    "http://a/\udcff",
    "http://a/\n",
    "http://a\0b/",
    "http://a:99999/",
    "http://a:b/",
    "http://.a/",
    "http://a%b/",
]


@pytest.mark.parametrize("url", NO_URLS)
def test_what_is_no_url_is_an_error_that_says_so(url: str) -> None:
    with pytest.raises(DownloadError, match="expected a URL"):
        split_url(url)
    assert expected_instead(url) == "a URL such as https://host/file.tar.gz"


@pytest.mark.parametrize(
    "url",
    [
        f"http://{'a' * 63}.org/",
        "http://b\u00fccher.example/",
        "http://example.org./x",
        "http://[::1]:8000/x",
        "http://a/b c",
    ],
)
def test_what_is_one_is_taken(url: str) -> None:
    split_url(url)
    assert expected_instead(url) == ""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@h/x", "https://h/x"),
        ("https://me:p@w@h/x", "https://h/x"),
        ("https://me:p/w@h/x", "https://h/x"),
        ("https://me:p/w@[h/x", "https://[h/x"),
        ("https://me:p#w@h/x?k=pw#f", "https://h/x?..."),
        ("https://me:p?w@h/x", "https://h/x"),
        ("me:pw@h:x", "h:x"),
        ("me:p#w@h/x", "h/x"),
        ("https:/me:pw@h/x", "h/x"),
        ("https://h/x?token=pw#pw", "https://h/x?..."),
        ("https://h/x#pw?pw", "https://h/x"),
        ("https://h/@scope/x", "https://h/@scope/x"),
        ("https://web/https://me:pw@h/x", "https://web/https://h/x"),
        ("file://me:pw@h/x", "file://h/x"),
        ("file:///a/b@c", "file:///a/b@c"),
    ],
)
def test_no_secret_of_a_url_is_shown(url: str, shown: str) -> None:
    assert shown == redacted(url)


def test_the_name_of_a_bare_host_has_no_login() -> None:
    assert file_name("https://me:pw@h") == "h"
    assert file_name("https://h/a.tar.gz?token=pw") == "a.tar.gz"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "http://a.org/b"),
        ("//c.org/b", "http://c.org/b"),
        ("/b\u00c3\u00bc", "http://a.org/b\u00fc"),  # UTF-8, as http.client gives it
        ("/b\u00fc c", "http://a.org/b%FC%20c"),  # Latin-1
    ],
)
def test_a_location_is_taken_as_it_is_meant(location: str, target: str) -> None:
    assert target == redirected("http://a.org/x", location)


@pytest.mark.parametrize("location", [*NO_URLS[:4], "//me:pw@[/", "http://a\x80b/"])
def test_a_location_that_is_no_url_is_an_error_of_who_sent_it(location: str) -> None:
    with pytest.raises(DownloadError, match=r"redirected to something that") as caught:
        redirected("http://a.org/x?t=pw", location)
    assert "pw" not in str(caught.value)


def test_a_file_url_is_a_path() -> None:
    assert local_path("file:///a/b%20c%3F") == Path("/a/b c?")
    assert local_path("file://localhost/a") == Path("/a")


@pytest.mark.parametrize("url", ["file:///%00", "file:///a%00b", "file://me:pw@h/x"])
def test_a_file_url_without_a_path_here_is_an_error(url: str) -> None:
    with pytest.raises(DownloadError, match="expected") as caught:
        local_path(url)
    assert "pw" not in str(caught.value) + caught.value.url
