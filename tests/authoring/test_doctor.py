from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest
import tomli
from pytest_httpserver import HTTPServer

from fetch_artifacts._api import artifact
from fetch_artifacts.artifacts_toml.editing import Fix, repair
from fetch_artifacts.authoring.doctor import Diagnosis, diagnose
from fetch_artifacts.errors import ArtifactsTomlError, ArtifactsTomlNotFoundError
from support.archives import file, pax, zstd_frame
from support.fixtures import load_vectors
from support.published import TREE, TREE_HASH, Published, entry, publish, sha256, tar
from support.trees import Link, Tree, recorded_tree

# TREE without its links, which fetch-artifacts 0.1.0 followed, and what its
# compute_git_tree_sha1 gave for such a folder.
PLAIN: Tree = {name: text for name, text in TREE.items() if not isinstance(text, Link)}
WRAPPED = "ec64ceb826244fa842136ae51525a5f4bbcd955e"


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path / "published")


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "Artifacts.toml"


def write(toml: Path, text: str) -> Path:
    toml.write_text(text, "utf-8")
    return toml


def wrong(diagnoses: tuple[Diagnosis, ...]) -> list[tuple[str, str]]:
    """The key and the text of what is wrong."""
    return [(it.finding.key, it.finding.what) for it in diagnoses if not it.harmless]


def notes(diagnoses: tuple[Diagnosis, ...]) -> list[str]:
    return [it.finding.what for it in diagnoses if it.harmless]


def fixed(toml: Path) -> str:
    """Repair all that can be; gives the diff."""
    return repair(toml, [it.fix for it in diagnose(toml) if it.fix])


def test_nothing_is_wrong_with_a_good_file(published: Published) -> None:
    diagnoses = diagnose(published.toml)
    assert wrong(diagnoses) == []
    assert notes(diagnoses) == ["the archive's size is not given"]


def test_each_url_is_downloaded_once(toml: Path, httpserver: HTTPServer) -> None:
    data = gzip.compress(tar(TREE))
    httpserver.expect_request("/a", method="GET").respond_with_data(data)
    source = (httpserver.url_for("/a"), sha256(data))
    write(toml, entry(source, name="A") + entry(source, source, name="B"))
    assert wrong(diagnose(toml)) == []
    assert [r.method for r, _ in httpserver.log].count("GET") == 1


def test_what_takes_much_memory_is_read_where_its_sha256_is_right(
    toml: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "a.tar.zst"
    archive.write_bytes(zstd_frame(tar(TREE), b"\x88"))
    right, other = sha256(archive.read_bytes()), "0" * 64
    write(toml, entry((archive.as_uri(), right)))
    assert wrong(diagnose(toml)) == []
    write(toml, entry((archive.as_uri(), other)))
    assert "FETCH_ARTIFACTS_MAX_WINDOW" in str(diagnose(toml))


def test_offline_downloads_nothing(
    toml: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(toml, entry((httpserver.url_for("/a"), "f" * 64), tree_hash="f" * 64))
    found = wrong(diagnose(toml, offline=True))
    assert [key for key, _ in found] == ["Demo.git-tree-sha1"]
    monkeypatch.setenv("JULIA_PKG_OFFLINE", "true")
    assert wrong(diagnose(toml)) == found
    assert not httpserver.log


def mistakes() -> dict[str, tuple[str, str]]:
    """Wrong values for the archive of `published`, and what the doctor says of each."""
    digest = sha256(gzip.compress(tar(TREE), mtime=0))
    return {
        "the whole sha256": (digest, "it is the sha256 of the archive"),
        "a cut sha256": (digest[:40], "it is the first 40 digits of the archive's"),
        "any other": ("1" * 40, "it is not the hash of the tree"),
    }


@pytest.mark.parametrize("case", mistakes())
def test_a_wrong_tree_hash_is_named_and_put_right(
    tmp_path: Path, depot: Path, case: str
) -> None:
    published = publish(tmp_path, gzip.compress(tar(TREE), mtime=0))
    value, meaning = mistakes()[case]
    source = (published.url, sha256(published.data))
    text = write(published.toml, entry(source, tree_hash=value)).read_text()
    [(key, what)] = wrong(diagnose(published.toml))
    assert key == "Demo.git-tree-sha1"
    assert meaning in what
    assert what.endswith(f"the true one is {TREE_HASH}")
    diff = fixed(published.toml)
    assert published.toml.read_text() == text.replace(
        f'tree-sha1 = "{value}"', f'tree-sha1 = "{TREE_HASH}"'
    )
    assert f'-git-tree-sha1 = "{value}"\n+git-tree-sha1 = "{TREE_HASH}"\n' in diff
    assert wrong(diagnose(published.toml)) == []
    assert artifact("Demo", published.toml) == depot / "artifacts" / TREE_HASH


def test_the_hash_of_tar_tree_hash_is_recognised(tmp_path: Path) -> None:
    """Both hashes are those that Julia 1.12.5 gave for the same tree."""
    case, answer = next(
        (case, answer)
        for case, answer in load_vectors("tree")
        if answer.get("tar", {}).get("tree_hash", "") != answer["git_tools"]
        and all(entry["kind"] != "symlink" for entry in case["entry"])
    )
    published = publish(tmp_path, gzip.compress(tar(recorded_tree(case))))
    source = (published.url, sha256(published.data))
    write(published.toml, entry(source, tree_hash=answer["tar"]["tree_hash"]))
    [(_, what)] = wrong(diagnose(published.toml))
    assert "the hash of Tar.tree_hash, which counts folders without files" in what
    assert what.endswith(f"the true one is {answer['git_tools']}")


@pytest.mark.parametrize(
    ("prefix", "where"),
    [("", ""), ("data/", ", of what is in the archive's folder 'data'")],
)
def test_the_hash_that_0_1_0_made_is_recognised(
    tmp_path: Path, prefix: str, where: str
) -> None:
    tree = {prefix + name: content for name, content in PLAIN.items()}
    published = publish(tmp_path, gzip.compress(tar(tree)))
    write(
        published.toml,
        entry((published.url, sha256(published.data)), tree_hash=WRAPPED),
    )
    [(_, what)] = wrong(diagnose(published.toml))
    assert f"that fetch-artifacts 0.1.0 made, with a folder around the tree{where}" in (
        what
    )


def test_the_hash_of_the_one_folder_in_an_archive_is_recognised(tmp_path: Path) -> None:
    tree = {f"data/{name}": content for name, content in TREE.items()}
    published = publish(tmp_path, gzip.compress(tar(tree)))
    write(published.toml, entry((published.url, sha256(published.data))))
    diagnoses = diagnose(published.toml)
    [(_, what)] = wrong(diagnoses)
    assert what.startswith("it is the hash of what is in the archive's folder 'data'")
    assert "all of it is in the folder 'data'" in notes(diagnoses)
    fixed(published.toml)
    diagnoses = diagnose(published.toml)
    assert wrong(diagnoses) == []
    assert "all of it is in the folder 'data'" in notes(diagnoses)


def test_the_hash_of_git_for_a_link_outside_ascii_is_recognised(tmp_path: Path) -> None:
    published = publish(tmp_path, gzip.compress(tar({"link": Link("schön")})))
    source = (published.url, sha256(published.data))
    git = "289b9713bf8902fbd0688b0ca5584ec4cf08fdc9"  # git write-tree
    write(published.toml, entry(source, tree_hash=git))
    [(_, what)] = wrong(diagnose(published.toml))
    assert "git's hash" in what


def test_a_wrong_sha256_is_put_right_where_the_tree_is_the_one_promised(
    published: Published,
) -> None:
    write(
        published.toml,
        entry((published.url, "a" * 64)) + "size = 1\n",
    )
    found = wrong(diagnose(published.toml))
    assert [key for key, _ in found] == [
        "Demo.download[1].sha256",
        "Demo.download[1].size",
    ]
    fixed(published.toml)
    source = tomli.loads(published.toml.read_text())["Demo"]["download"][0]
    assert source["sha256"] == sha256(published.data)
    assert source["size"] == len(published.data)
    assert wrong(diagnose(published.toml)) == []


def test_a_missing_sha256_is_written_where_the_tree_is_the_one_promised(
    published: Published,
) -> None:
    text = published.toml.read_text()
    line = f'sha256 = "{sha256(published.data)}"\n'
    write(published.toml, text.replace(line, ""))
    [(key, _)] = wrong(diagnose(published.toml))
    assert key == "Demo.download[1].sha256"
    fixed(published.toml)
    assert line in published.toml.read_text()
    assert wrong(diagnose(published.toml)) == []


def test_what_fits_neither_hash_is_never_written_into_the_file(
    published: Published,
) -> None:
    for tree_hash in ("1" * 40, "a" * 64):
        write(published.toml, entry((published.url, "a" * 64), tree_hash=tree_hash))
        diagnoses = diagnose(published.toml)
        found = dict(wrong(diagnoses))["Demo.download[1].sha256"]
        assert found.startswith("something else is served")
        assert sha256(published.data) in found
        assert TREE_HASH in found
        assert [it.fix for it in diagnoses if it.fix] == []


@pytest.mark.parametrize("known", [True, False])
def test_the_hash_of_sources_of_different_trees_is_not_repaired(
    tmp_path: Path, published: Published, *, known: bool
) -> None:
    other = tmp_path / "other.tar"
    other.write_bytes(tar({"foo3": "other"}))
    first = (published.url, sha256(published.data) if known else "a" * 64)
    second = (other.as_uri(), sha256(other.read_bytes()))
    write(published.toml, entry(first, second))
    diagnoses = diagnose(published.toml)
    assert dict(wrong(diagnoses))["Demo.git-tree-sha1"].startswith(
        f"its sources hold different trees: {TREE_HASH}, "
    )
    assert "Demo.git-tree-sha1" not in {it.finding.key for it in diagnoses if it.fix}


def test_a_dead_url_is_wrong_and_another_source_repairs_the_rest(
    tmp_path: Path, published: Published
) -> None:
    digest = sha256(published.data)
    dead = (tmp_path / "gone.tar.gz").as_uri()
    write(
        published.toml,
        entry((dead, digest), (published.url, digest), tree_hash=digest),
    )
    diagnoses = diagnose(published.toml)
    assert [key for key, _ in wrong(diagnoses)] == [
        "Demo.download[1].url",
        "Demo.git-tree-sha1",
    ]
    assert [it.fix.new for it in diagnoses if it.fix] == [TREE_HASH]


def test_a_url_that_moved_for_good_is_noted_and_a_signed_link_is_not(
    toml: Path, httpserver: HTTPServer
) -> None:
    data = gzip.compress(tar(TREE))
    httpserver.expect_request("/new").respond_with_data(data)
    for place, status in (("/old", 301), ("/signed", 302)):
        location = {"Location": "/new"}
        httpserver.expect_request(place).respond_with_data(
            status=status, headers=location
        )
    sources = [(httpserver.url_for(it), sha256(data)) for it in ("/old", "/signed")]
    write(toml, entry(*sources))
    diagnoses = diagnose(toml)
    assert wrong(diagnoses) == []
    moved = [it for it in notes(diagnoses) if "moved" in it]
    assert moved == [f"it has moved permanently to {httpserver.url_for('/new')}"]


@pytest.mark.parametrize(
    ("kind", "harmless"), [("zip", False), ("tar", False), ("zst", True)]
)
def test_archives_that_julia_cannot_unpack_are_told(
    tmp_path: Path, kind: str, *, harmless: bool
) -> None:
    published = publish(tmp_path, packed(kind))
    write(
        published.toml,
        entry((published.url, sha256(published.data)), tree_hash=FOO3_HASH),
    )
    diagnoses = diagnose(published.toml)
    told = [it for it in diagnoses if "can unpack" in it.finding.what]
    assert [(it.finding.key, it.harmless) for it in told] == [
        ("Demo.download[1]", harmless)
    ]
    assert len(wrong(diagnoses)) == (not harmless)


# git write-tree
FOO3_HASH = "6b6832264f794d296c02d1a9f39877778442ac07"


def packed(kind: str) -> bytes:
    """An archive with one file of Pkg.jl's test tree."""
    if kind == "tar":
        return tar({"foo3": "baz!"})
    if kind == "zst":
        from fetch_artifacts.archive.compression import compressed

        return b"".join(compressed([tar({"foo3": "baz!"})], "zst"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("foo3", "baz!")
    return buffer.getvalue()


def test_a_file_that_is_no_archive_is_told(tmp_path: Path) -> None:
    published = publish(tmp_path, b"<html>log in</html>")
    [(key, what)] = wrong(diagnose(published.toml))
    assert key == "Demo.download[1]"
    assert "an HTML page" in what


def test_what_julia_cannot_read_is_told_as_by_check(toml: Path) -> None:
    write(toml, "[Demo]\ngit-tree-sha1 = 'x'\n[[Other]]\ngit-tree-sha1 = '0'\n")
    found = dict(wrong(diagnose(toml)))
    assert set(found) >= {"Demo.git-tree-sha1", "Other[1].os"}
    write(toml, "no toml")
    [(key, what)] = wrong(diagnose(toml))
    assert (key, what[:13]) == ("", "expected TOML")
    with pytest.raises(ArtifactsTomlNotFoundError):
        diagnose(toml.with_name("absent.toml"))


def test_the_usual_platforms_that_are_missing_are_noted(toml: Path) -> None:
    element = (
        f'[[Lib]]\narch = "x86_64"\nos = "{{}}"\ngit-tree-sha1 = "{TREE_HASH}"\n'
        f'[[Lib.download]]\nurl = "https://example.org/a"\nsha256 = "{"f" * 64}"\n'
    )
    write(toml, element.format("linux") + element.format("macos"))
    assert notes(diagnose(toml, offline=True))[-1] == (
        "nothing is bound for aarch64-linux-gnu, aarch64-apple-darwin, "
        "x86_64-w64-mingw32"
    )


def test_an_artifact_that_nobody_can_download_is_noted(toml: Path) -> None:
    write(toml, f'[Demo]\ngit-tree-sha1 = "{TREE_HASH}"\n')
    assert notes(diagnose(toml)) == ["nobody else can install it"]


# The shape of the files that jaxace and jaxeffort published.
OLD = """\
# Emulators, downloaded on first use
# Compatible with Julia's Pkg.Artifacts system

[ACE_basis]
git-tree-sha1 = "{digest}"   # from the release page
lazy = true
description = "An emulator"
doi = "10.5281/zenodo.17635885"

    [[ACE_basis.download]]
    url = "{url}?download=1"
    sha256 = "{digest}"

[EFT_basis]
git-tree-sha1 = "{short}"
lazy = true
    [[EFT_basis.download]]
    url = "{url}/content"
    sha256 = "{digest}"
# the end
"""


def test_an_old_file_is_repaired_and_keeps_its_comments(
    toml: Path, depot: Path, httpserver: HTTPServer
) -> None:
    data = gzip.compress(tar(TREE))
    for place in ("/records/1/files/a.tar.xz", "/records/1/files/a.tar.xz/content"):
        httpserver.expect_request(place).respond_with_data(data)
    digest = sha256(data)
    url = httpserver.url_for("/records/1/files/a.tar.xz")
    old = OLD.format(digest=digest, short=digest[:40], url=url)
    write(toml, old)
    diff = fixed(toml)
    expected = old.replace(
        f'git-tree-sha1 = "{digest}"', f'git-tree-sha1 = "{TREE_HASH}"'
    ).replace(digest[:40] + '"\nlazy', TREE_HASH + '"\nlazy')
    assert toml.read_text() == expected
    assert [line for line in diff.splitlines() if line[0] in "+-"] == [
        f"--- {toml}",
        f"+++ {toml}",
        f'-git-tree-sha1 = "{digest}"   # from the release page',
        f'+git-tree-sha1 = "{TREE_HASH}"   # from the release page',
        f'-git-tree-sha1 = "{digest[:40]}"',
        f'+git-tree-sha1 = "{TREE_HASH}"',
    ]
    assert wrong(diagnose(toml)) == []
    assert artifact("EFT_basis", toml) == artifact("ACE_basis", toml)


def test_an_element_of_a_platform_array_is_repaired(published: Published) -> None:
    digest = sha256(published.data)
    element = (
        '[[Lib]]\narch = "x86_64"\nos = "{os}"\ngit-tree-sha1 = "{tree}"\n'
        f'    [[Lib.download]]\n    url = "{published.url}"\n    sha256 = "{digest}"\n'
    )
    text = element.format(os="linux", tree=TREE_HASH) + element.format(
        os="macos", tree=digest
    )
    write(published.toml, text)
    [(key, _)] = wrong(diagnose(published.toml))
    assert key == "Lib[2].git-tree-sha1"
    fixed(published.toml)
    assert published.toml.read_text() == text.replace(
        f'tree-sha1 = "{digest}"', f'tree-sha1 = "{TREE_HASH}"'
    )


def test_a_file_that_was_changed_meanwhile_is_not_repaired(toml: Path) -> None:
    text = write(toml, f'[Demo]\ngit-tree-sha1 = "{TREE_HASH}"\n').read_text()
    for keys in (
        ("Demo", "git-tree-sha1"),
        ("Gone", "x"),
        ("Demo", "download", 0, "y"),
    ):
        fix = Fix(keys=keys, old="before", new="after")
        with pytest.raises(ArtifactsTomlError, match="was it just changed"):
            repair(toml, [fix])
    assert toml.read_text() == text


SPARSE = pax((b"GNU.sparse.map", b"0,3")) + file(b"model.bin", b"abc")


def test_a_sparse_file_is_a_fault_and_its_hash_is_never_written(
    tmp_path: Path, toml: Path
) -> None:
    published = publish(tmp_path / "p", gzip.compress(SPARSE))
    source = (published.url, sha256(published.data))
    text = write(toml, entry(source, tree_hash="1" * 40)).read_text()
    found = wrong(diagnose(toml))
    assert [key for key, _ in found] == ["Demo.download[1]", "Demo.git-tree-sha1"]
    assert "'model.bin': a sparse file in GNU's pax format" in found[0][1]
    assert fixed(toml) == ""
    assert toml.read_text() == text


@pytest.mark.parametrize("stated", ["sha256", "git-tree-sha1"])
def test_what_no_julia_can_install_is_never_written(
    tmp_path: Path, toml: Path, stated: str
) -> None:
    # A server, or a proxy, that takes .tar.gz for a coding sends the plain tar.
    published = publish(tmp_path / "p", tar(TREE))
    archive, tree = "1" * 64, TREE_HASH
    if stated == "sha256":
        archive, tree = sha256(published.data), "1" * 40
    text = write(toml, entry((published.url, archive), tree_hash=tree)).read_text()
    found = wrong(diagnose(toml))
    assert any("no Julia can unpack an uncompressed tar" in what for _, what in found)
    assert len(found) == 2
    assert fixed(toml) == ""
    assert toml.read_text() == text


def test_an_archive_that_holds_nothing_is_noted(tmp_path: Path, toml: Path) -> None:
    published = publish(tmp_path / "p", gzip.compress(bytes(1024)))
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    write(toml, entry((published.url, sha256(published.data)), tree_hash=empty))
    assert "the archive holds no files" in notes(diagnose(toml))


def test_what_is_no_archive_is_told_with_its_address_and_size(
    tmp_path: Path, toml: Path
) -> None:
    published = publish(tmp_path / "p", b"<!DOCTYPE html><title>Sign in</title>")
    write(toml, entry((published.url, "1" * 64)))
    [(_, what)] = wrong(diagnose(toml))
    assert f"{published.url} (37 bytes): expected a tar archive" in what
    assert "found an HTML page" in what
