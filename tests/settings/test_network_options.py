from __future__ import annotations

import time

import pytest

from fetch_artifacts.settings.environment import proxy_variable
from fetch_artifacts.settings.network_options import ca_roots, verify_host


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"SSL_CERT_FILE": "/f"}, "SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": "/f", "SSL_CERT_DIR": "/d"}, "SSL_CERT_DIR"),
        (
            {"SSL_CERT_DIR": "/d", "JULIA_SSL_CA_ROOTS_PATH": "/j"},
            "JULIA_SSL_CA_ROOTS_PATH",
        ),
        ({"SSL_CERT_DIR": "/d", "JULIA_SSL_CA_ROOTS_PATH": ""}, None),
        ({"SSL_CERT_DIR": "", "SSL_CERT_FILE": "/f"}, "SSL_CERT_FILE"),
        ({"JULIA_SSL_CA_ROOTS_PATH": "/j", "CURL_CA_BUNDLE": "/c"}, "CURL_CA_BUNDLE"),
        ({"CURL_CA_BUNDLE": "/c", "REQUESTS_CA_BUNDLE": "/r"}, "REQUESTS_CA_BUNDLE"),
    ],
)
def test_the_first_that_is_set_names_the_certificates(
    environ: dict[str, str], expected: str | None
) -> None:
    found = (expected, environ[expected]) if expected else None
    assert found == ca_roots(environ)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HTTPS_PROXY": "p", "http_proxy": "p", "ALL_PROXY": "p"}, "HTTPS_PROXY"),
        ({"https_proxy": "q", "HTTPS_PROXY": "p"}, "HTTPS_PROXY"),
        ({"http_proxy": "p", "ALL_PROXY": "p"}, "ALL_PROXY"),
        ({"http_proxy": "p"}, None),
    ],
)
def test_the_variable_of_a_proxy_is_that_of_the_scheme(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str | None
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert proxy_variable("https", "p") == expected


# The patterns and what they match are those of NetworkOptions' README.
@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("**", "example.com", True),
        ("**.org", "example.org", True),
        ("**.org", "example.com", False),
        ("example.com", "example.com", True),
        ("example.com", "EXAMPLE.com", True),
        ("example.com", "api.example.com", False),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "v1.api.example.com", False),
        ("**.example.com", "example.com", True),
        ("**.example.com", "v1.api.example.com", True),
        ("a.**.b", "a.x.y.b", True),
        ("a.**.b", "a.x.y.c", False),
        ("other.org, example.com", "example.com", True),
        ("exam*.com", "example.com", False),
        ("", "example.com", False),
    ],
)
def test_a_host_is_believed_without_a_certificate_where_a_pattern_says_so(
    pattern: str, host: str, expected: bool
) -> None:
    for variable in ("JULIA_SSL_NO_VERIFY_HOSTS", "JULIA_NO_VERIFY_HOSTS"):
        assert expected is not verify_host({variable: pattern}, host)


def test_what_must_always_be_verified_is() -> None:
    environ = {
        "JULIA_SSL_NO_VERIFY_HOSTS": "**",
        "JULIA_ALWAYS_VERIFY_HOSTS": "**.example.com",
    }
    assert verify_host(environ, "a.example.com")
    assert not verify_host(environ, "example.org")


def test_a_pattern_of_many_stars_takes_no_longer_than_its_length() -> None:
    def seconds(count: int) -> float:
        environ = {"JULIA_NO_VERIFY_HOSTS": ".".join(["**"] * count + ["x"])}
        host = ".".join("a" * 100)
        return min(_seconds(lambda: verify_host(environ, host)) for _ in range(3))

    assert seconds(400) < 20 * max(seconds(200), 0.01)


def _seconds(work: object) -> float:
    assert callable(work)
    began = time.process_time()  # of this process: others don't count
    work()
    return time.process_time() - began
