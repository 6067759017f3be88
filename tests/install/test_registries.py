"""What a package server is asked for: Pkg 1.13, Operations.jl:1330, Registry.jl:156."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fetch_artifacts import artifact, install_artifacts, pkg_artifacts
from fetch_artifacts.errors import InstallError
from fetch_artifacts.install.registries import may_ask
from support.published import TREE, TREE_HASH, entry, tar

PACKAGE = "ae2b37e2-2b1c-4e2a-9d5e-6f0c7c3f1a11"
OTHER = "0b3af459-2d7d-4ccb-a31e-df15ac8e5170"
REGISTRY = "23338594-aafe-5451-b93e-139f81909106"
REGISTRY_TOML = f"""
name = "General"
uuid = "{REGISTRY}"

[packages]
{PACKAGE} = {{ name = "Demo", path = "D/Demo" }}
"""
SERVED = f"/registry/{REGISTRY}/{TREE_HASH}\n"


def as_folder(depot: Path, text: str = REGISTRY_TOML) -> None:
    folder = depot / "registries" / "General"
    folder.mkdir(parents=True)
    (folder / "Registry.toml").write_text(text)


def as_tarball(depot: Path, text: str = REGISTRY_TOML) -> None:
    folder = depot / "registries"
    folder.mkdir(parents=True)
    packed = gzip.compress(tar({"D/Demo/Package.toml": "", "Registry.toml": text}))
    (folder / "General.tar.gz").write_bytes(packed)
    (folder / "General.toml").write_text(
        f'git-tree-sha1 = "{TREE_HASH}"\nuuid = "{REGISTRY}"\npath = "General.tar.gz"\n'
    )


@pytest.fixture
def server(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """A package server with the artifact, which the environment names."""
    archive = gzip.compress(tar(TREE))
    httpserver.expect_request(f"/artifact/{TREE_HASH}").respond_with_data(archive)
    monkeypatch.setenv("JULIA_PKG_SERVER", httpserver.url_for("/"))
    return httpserver


@pytest.fixture
def of_julia(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the host that of a Julia of some version."""

    def of_julia(version: str) -> None:
        triplet = f"x86_64-linux-gnu-julia_version+{version}"
        monkeypatch.setenv("FETCH_ARTIFACTS_PLATFORM", triplet)

    return of_julia


def package(folder: Path, uuid: str | None = PACKAGE) -> Path:
    """An Artifacts.toml without sources, in a package."""
    folder.mkdir()
    named = "" if uuid is None else f'name = "Demo"\nuuid = "{uuid}"\n'
    (folder / "Project.toml").write_text(named)
    toml = folder / "Artifacts.toml"
    toml.write_text(entry() + "\n" + entry(name="Again"))
    return toml


def asked(server: HTTPServer) -> list[str]:
    return [request.path for request, _ in server.log]


@pytest.mark.parametrize("install_registry", [as_folder, as_tarball])
def test_a_registered_package_comes_from_the_server(
    install_registry: Callable[[Path], None],
    server: HTTPServer,
    of_julia: Callable[[str], None],
    depot: Path,
    tmp_path: Path,
) -> None:
    of_julia("1.13.0")
    install_registry(depot)
    server.expect_request("/registries").respond_with_data(SERVED)
    paths = install_artifacts(package(tmp_path / "pkg"))
    assert paths["Demo"] == paths["Again"] == depot / "artifacts" / TREE_HASH
    assert asked(server) == ["/registries", f"/artifact/{TREE_HASH}"]


@pytest.mark.parametrize(
    ("uuid", "served"),
    [
        (None, SERVED),
        (OTHER, SERVED),
        (PACKAGE, ""),
        (PACKAGE, SERVED.replace(REGISTRY, OTHER)),
        (PACKAGE, SERVED.replace("/registry", "registry")),
    ],
    ids=["no UUID", "not in it", "no registry", "another one", "no list"],
)
def test_the_server_is_not_asked_for_others(
    uuid: str | None,
    served: str,
    server: HTTPServer,
    of_julia: Callable[[str], None],
    depot: Path,
    tmp_path: Path,
) -> None:
    of_julia("1.13.0")
    as_folder(depot)
    server.expect_request("/registries").respond_with_data(served)
    with pytest.raises(InstallError, match=r"(?s)not asked.*FETCH_ARTIFACTS_MIRRORS"):
        install_artifacts(package(tmp_path / "pkg", uuid))
    assert f"/artifact/{TREE_HASH}" not in asked(server)


def test_the_server_is_not_asked_where_its_registries_are_not_known(
    server: HTTPServer,
    of_julia: Callable[[str], None],
    depot: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    of_julia("1.13.0")
    as_folder(depot)
    server.expect_request("/registries").respond_with_data("", status=404)
    with pytest.raises(InstallError, match="not asked"):
        install_artifacts(package(tmp_path / "pkg"))
    assert asked(server) == ["/registries"]
    assert "/registries: HTTP 404 Not Found" in caplog.text


@pytest.mark.parametrize("version", ["1.12.5", "1.5.3"])
def test_a_julia_before_1_13_asks_for_all(
    version: str,
    server: HTTPServer,
    of_julia: Callable[[str], None],
    depot: Path,
    tmp_path: Path,
) -> None:
    of_julia(version)
    install_artifacts(package(tmp_path / "pkg", uuid=None))
    assert asked(server) == [f"/artifact/{TREE_HASH}"]


def by_name(toml: Path) -> None:
    artifact("Demo", toml)


def by_julias_name(toml: Path) -> None:
    pkg_artifacts.ensure_artifact_installed("Demo", toml)


# Artifacts.jl:447: pkg_server_eligible is true unless an operation says otherwise.
@pytest.mark.parametrize("install", [by_name, by_julias_name])
def test_who_asks_for_one_artifact_asks_the_server(
    install: Callable[[Path], None],
    server: HTTPServer,
    of_julia: Callable[[str], None],
    depot: Path,
    tmp_path: Path,
) -> None:
    of_julia("1.13.0")
    install(package(tmp_path / "pkg", uuid=None))
    assert asked(server) == [f"/artifact/{TREE_HASH}"]


def test_a_mirror_is_asked_in_any_case(
    server: HTTPServer,
    of_julia: Callable[[str], None],
    depot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of_julia("1.13.0")
    monkeypatch.setenv("FETCH_ARTIFACTS_MIRRORS", server.url_for("/"))
    install_artifacts(package(tmp_path / "pkg", uuid=None))
    assert asked(server) == [f"/artifact/{TREE_HASH}"]


@pytest.mark.parametrize(
    "damage",
    [
        {"Broken/Registry.toml": b"= 1"},
        {"Broken/Registry.toml": b"packages = 1"},
        {"Broken.toml": b'uuid = "%s"' % REGISTRY.encode()},
        {"Broken.toml": b'uuid = "%s"\npath = "gone"' % REGISTRY.encode()},
        {
            "Broken.toml": b'uuid = "%s"\npath = "no.tar"' % REGISTRY.encode(),
            "no.tar": b"<html>",
        },
    ],
    ids=["no TOML", "no packages", "no path", "no tarball", "no archive"],
)
def test_a_damaged_registry_is_told_and_the_others_count(
    damage: dict[str, bytes],
    depot: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    as_folder(depot)
    for name, data in damage.items():
        file = depot / "registries" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    assert may_ask("https://pkg", PACKAGE, [depot], lambda _: SERVED.encode())
    assert "Broken" in caplog.text


def test_a_tarball_goes_before_the_folder_of_its_name(depot: Path) -> None:
    as_folder(depot)
    packed = depot / "other"
    as_tarball(packed, REGISTRY_TOML.replace(PACKAGE, OTHER))
    for file in (packed / "registries").iterdir():
        file.rename(depot / "registries" / file.name)
    served = SERVED.encode()
    assert may_ask("https://pkg", OTHER, [depot], lambda _: served)
    assert not may_ask("https://pkg", PACKAGE, [depot], lambda _: served)
