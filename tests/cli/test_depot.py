from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from fetch_artifacts import artifact, clear_artifact_cache
from fetch_artifacts.cli.shared.installed import show_age
from fetch_artifacts.depot.usage import orphans
from fetch_artifacts.files.folder import Folder
from fetch_artifacts.install.installer import Installer
from fetch_artifacts.terminal.units import show_bytes
from support.commands import run
from support.published import TREE_HASH, Published, publish
from support.trees import make_tree, names

OTHER = "1" * 40


@pytest.fixture
def published(
    tmp_path: Path, depot: Path, monkeypatch: pytest.MonkeyPatch
) -> Published:
    """An artifact that is installed, in a working directory with its file."""
    published = publish(tmp_path / "p")
    artifact("Demo", published.toml)
    monkeypatch.chdir(published.toml.parent)
    assert names(depot / "artifacts") == [TREE_HASH, "CACHEDIR.TAG"]
    return published


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a test has just installed count as old."""
    monkeypatch.setattr(orphans, "NEW_FOR", timedelta(0))


def damage(depot: Path) -> None:
    file = depot / "artifacts" / TREE_HASH / "foo3"
    file.chmod(0o644)
    file.write_text("else")


@pytest.mark.usefixtures("_at_once", "published")
def test_gc_keeps_what_is_used_and_says_how_much_it_freed(depot: Path) -> None:
    make_tree(depot / "artifacts" / OTHER, {"file": "x" * 100_000})
    plan = run("gc", "--dry-run", "--collect-delay", "0")
    assert f"{OTHER}" in plan.stdout
    assert "would delete 1 of 2 artifacts and free 1" in plan.stdout
    waits = run("gc")
    assert "deleted 0 of 2 artifacts, 0 B; 1 more unused" in waits.stdout
    done = run("gc", "--collect-delay", "0")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "deleted 1 of 2 artifacts, 1" in done.stdout
    assert names(depot / "artifacts") == [TREE_HASH, "CACHEDIR.TAG"]


@pytest.mark.usefixtures("_at_once")
def test_gc_explains_what_keeps_each(depot: Path, published: Published) -> None:
    make_tree(depot / "artifacts" / OTHER, {"file": "x"})
    result = run("gc", "--explain", "--dry-run")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0][0] == OTHER
    assert "unused since" in result.stdout
    assert [lines[1][0], *lines[1][-2:]] == [TREE_HASH, "in", "use"]
    assert lines[2] == ["Demo", "of", str(published.toml)]
    facts = json.loads(run("gc", "--json", "--dry-run", "--collect-delay=0").stdout)
    fates = {tree["git_tree_sha1"]: tree["fate"] for tree in facts["artifacts"]}
    assert fates == {OTHER: "unwanted", TREE_HASH: "named"}
    assert facts["freed"] == facts["artifacts"][0]["size"] > 0
    uses = [{"name": "Demo", "toml": str(published.toml)}]
    assert facts["artifacts"][1]["uses"] == uses


@pytest.mark.usefixtures("published")
def test_gc_says_why_it_can_not_go_on(depot: Path) -> None:
    log = depot / "logs" / "artifact_usage.toml"
    log.unlink()
    log.mkdir()
    result = run("gc")
    assert result.exit_code == 1
    assert f"fetch-artifacts: {log}: can't be read" in result.stderr


def test_du_tells_sizes_and_what_binds_them(
    depot: Path, published: Published, tmp_path: Path
) -> None:
    make_tree(depot / "artifacts" / OTHER, {"file": "x" * 100_000})
    make_tree(tmp_path / "q", {"Artifacts.toml": published.toml.read_text()})
    artifact("Demo", tmp_path / "q" / "Artifacts.toml")
    result = run("du")
    small, first, second, large, total = result.stdout.splitlines()
    assert small.endswith(f"{TREE_HASH}  (shared)")
    assert first.split()[-1] == str(published.toml)
    assert second.split()[-1] == str(tmp_path / "q" / "Artifacts.toml")
    assert large.endswith(f"{OTHER}  (no file in use binds it)")
    assert total.endswith(" in 2 artifacts of 6 files")
    facts = json.loads(run("du", "--json").stdout)
    assert [tree["git_tree_sha1"] for tree in facts] == [TREE_HASH, OTHER]
    assert [tree["shared"] for tree in facts] == [True, False]
    assert facts[1]["size"] >= 100_000
    assert facts[1]["files"] == 1


@pytest.mark.usefixtures("published")
def test_what_is_overridden_is_told(depot: Path, tmp_path: Path) -> None:
    text = f'{TREE_HASH} = "{tmp_path}"\n'
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    note = f"(overridden to {tmp_path} by {depot}/artifacts/Overrides.toml)"
    assert note in run("du").stdout
    assert note in run("list", "--installed").stdout


@pytest.mark.usefixtures("_at_once")
def test_tables_of_what_is_installed_fit_the_terminal(
    depot: Path, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    make_tree(depot / "artifacts" / OTHER, {"file": "x" * 100_000})
    titles = "AGE TREE NAMES"
    for command, expected in (("du", f"SIZE FILES {titles}"), ("list", titles)):
        options = ["--installed"] if command == "list" else []
        shown = run(command, *options, terminal=True).stdout
        lines = shown.splitlines()
        assert expected.split() in [line.split() for line in lines]
        assert any(line.endswith("(none in use)") for line in lines)
        assert max(map(len, lines)) <= 60
        unfolded = "".join(shown.split())
        assert unfolded.startswith(f"{depot}/artifacts:")
        assert f"Demoof{published.toml}" in unfolded
        (row,) = [line for line in lines if TREE_HASH[:12] in line]
        assert row.split()[-1] == "Demo"
    explained = run("gc", "--dry-run", "--explain", terminal=True).stdout
    first, *lines, _ = explained.splitlines()
    assert first.split() == ["SIZE", "AGE", "TREE", "FATE"]
    assert max(map(len, [first, *lines])) <= 60
    assert "".join(lines).replace(" ", "").endswith(f"Demoof{published.toml}")
    plain = run("gc", "--dry-run", terminal=True).stdout
    assert plain.startswith("would delete 0 of 2 artifacts")


@pytest.mark.parametrize("command", [["du"], ["list", "--installed"]])
def test_an_override_by_the_name_in_a_package_is_told(
    command: list[str], depot: Path, published: Published, tmp_path: Path
) -> None:
    uuid = "0a8a87dd-0000-4000-8000-000000000001"
    project = f'name = "Site"\nuuid = "{uuid}"\n'
    bound = published.toml.read_text()
    make_tree(tmp_path / "q", {"Artifacts.toml": bound, "Project.toml": project})
    artifact("Demo", tmp_path / "q" / "Artifacts.toml")
    text = f'[{uuid.upper()}]\nDemo = "{tmp_path}"\n'
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    by = f"{depot}/artifacts/Overrides.toml"
    lines = run(*command).stdout.splitlines()
    noted = [line for line in lines if "(overridden" in line]
    use = f"    Demo of {tmp_path}/q/Artifacts.toml"
    assert noted == [f"{use}  (overridden to {tmp_path} by {by})"]
    (tree,) = json.loads(run(*command, "--json").stdout)
    told = {use["toml"]: use["overridden"] for use in tree["uses"]}
    assert told == {
        str(published.toml): None,
        f"{tmp_path}/q/Artifacts.toml": {"to": str(tmp_path), "by": by},
    }


def test_list_installed_lists_the_trees_of_all_depots(
    depot: Path, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "second"
    make_tree(second / "artifacts" / OTHER, {"file": "x"})
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{depot}{os.pathsep}{second}")
    monkeypatch.chdir(tmp_path)
    first, use, other = run("list", "--installed").stdout.splitlines()
    assert str(depot / "artifacts" / TREE_HASH) in first
    assert str(published.toml) in use
    assert str(second / "artifacts" / OTHER) in other
    facts = json.loads(run("list", "--installed", "--json").stdout)
    assert [tree["git_tree_sha1"] for tree in facts] == [TREE_HASH, OTHER]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_verify_all_finds_what_is_damaged_and_repairs_it(
    jobs: str, depot: Path
) -> None:
    assert "1 verified, 0 damaged, of 1 artifact" in run("verify", "--all").stdout
    damage(depot)
    make_tree(depot / "artifacts" / OTHER, {"file": "x"})
    result = run("verify", "--all", "--jobs", jobs)
    assert result.exit_code == 1
    assert "0 verified, 2 damaged, of 2 artifacts" in result.stdout
    told = run("verify", "--all", "--jobs", jobs, "--json")
    assert told.exit_code == 1
    facts = json.loads(told.stdout)
    assert facts["verified"] == 0
    assert [Path(row["path"]).name for row in facts["damaged"]] == [OTHER, TREE_HASH]
    assert [row["repair"] for row in facts["damaged"]] == ["", ""]
    result = run("verify", "--all", "--repair", "--jobs", jobs)
    assert result.exit_code == 1
    tree = depot / "artifacts" / TREE_HASH
    assert f"{tree}: repaired" in result.stdout
    assert f"{OTHER}: not repaired: no file in use names a source" in result.stdout
    assert (tree / "foo3").read_text() == "baz!"
    assert names(depot / "artifacts") == [OTHER, TREE_HASH, "CACHEDIR.TAG"]
    assert not [path for path in depot.rglob("*") if path.name.startswith("jl_")]


def test_what_can_not_be_repaired_is_put_back(
    depot: Path, published: Published
) -> None:
    damage(depot)
    published.archive.unlink()
    result = run("verify", "--all", "--repair")
    assert result.exit_code == 1
    assert "not repaired: " in result.stdout
    assert (depot / "artifacts" / TREE_HASH / "foo3").read_text() == "else"


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    "command",
    [("verify", "--all", "--repair"), ("install", "--reinstall", "Demo")],
)
def test_what_is_interrupted_is_put_back(
    depot: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    damage(depot)
    with monkeypatch.context() as patch:
        patch.setattr(Installer, "ensure", interrupt)
        assert run(*command).exit_code == 130
    assert (depot / "artifacts" / TREE_HASH / "foo3").read_text() == "else"
    assert ": repaired\n" in run("verify", "--all", "--repair").stdout
    assert run("verify").exit_code == 0


@pytest.mark.usefixtures("published")
def test_a_removal_that_is_interrupted_comes_to_its_end(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = Folder.remove

    def interrupt(self: Folder, name: str) -> None:
        monkeypatch.setattr(Folder, "remove", remove)
        raise KeyboardInterrupt

    damage(depot)
    monkeypatch.setattr(Folder, "remove", interrupt)
    assert run("install", "--reinstall", "Demo").exit_code == 130
    assert run("verify").exit_code == 0
    assert not [path for path in depot.rglob("*") if path.name.startswith("jl_")]


@pytest.mark.usefixtures("published")
def test_install_reinstall_replaces_what_is_there(depot: Path) -> None:
    damage(depot)
    result = run("verify")
    assert "run `fetch-artifacts install --reinstall Demo`" in result.stdout
    assert run("install", "--reinstall", "Demo").exit_code == 0
    assert (depot / "artifacts" / TREE_HASH / "foo3").read_text() == "baz!"
    assert run("verify").exit_code == 0
    assert run("install", "--reinstall").exit_code == 2


def test_remove_keeps_what_another_file_needs(
    depot: Path, published: Published, tmp_path: Path
) -> None:
    other = make_tree(tmp_path / "q", {"Artifacts.toml": published.toml.read_text()})
    artifact("Demo", other / "Artifacts.toml")
    result = run("remove", "Demo")
    assert result.exit_code == 0
    assert f"Demo: kept, also needed by Demo of {other}/Artifacts.toml" in result.stdout
    assert TREE_HASH in names(depot / "artifacts")
    assert "Demo: removed" in run("remove", "Demo", "--force").stdout
    assert TREE_HASH not in names(depot / "artifacts")
    assert "Demo: not installed" in run("remove", "Demo").stdout


@pytest.mark.usefixtures("published")
def test_remove_deletes_nothing_where_a_name_is_not_bound(depot: Path) -> None:
    assert run("install").exit_code == 0
    result = run("remove", "Demo", "Nope")
    assert (result.exit_code, result.stdout) == (1, "")
    assert TREE_HASH in names(depot / "artifacts")


def test_clearing_keeps_what_another_file_needs(
    depot: Path,
    published: Published,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = make_tree(tmp_path / "q", {"Artifacts.toml": published.toml.read_text()})
    artifact("Demo", other / "Artifacts.toml")
    clear_artifact_cache("Demo", published.toml)
    assert "also needed by" in caplog.text
    assert TREE_HASH in names(depot / "artifacts")
    clear_artifact_cache("Demo", published.toml, force=True)
    assert TREE_HASH not in names(depot / "artifacts")


@pytest.mark.usefixtures("published")
def test_remove_leaves_what_is_overridden(depot: Path, tmp_path: Path) -> None:
    overrides = depot / "artifacts" / "Overrides.toml"
    overrides.write_text(f'# ours\n{TREE_HASH} = "{tmp_path}"\n')
    result = run("remove", "Demo")
    back = f"fetch-artifacts override --remove {TREE_HASH}"
    by = f"overridden by {overrides}:2 (`{back}` takes it back)"
    assert f"Demo: {by}, so nothing was removed" in result.stdout
    result = run("install", "--reinstall", "Demo")
    assert result.exit_code == 1
    assert f"by {overrides}:2, and left as it is; `{back}`" in result.stderr
    assert TREE_HASH in names(depot / "artifacts")
    assert tmp_path.is_dir()


@pytest.mark.usefixtures("published")
def test_remove_looks_into_other_depots_only_when_asked(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "second"
    make_tree(second / "artifacts" / TREE_HASH, {"file": "x"})
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{depot}{os.pathsep}{second}")
    assert "Demo: removed" in run("remove", "Demo").stdout
    assert names(second / "artifacts") == [TREE_HASH]
    assert "Demo: removed" in run("remove", "--all-depots", "Demo").stdout
    assert TREE_HASH not in names(second / "artifacts")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        *((0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_960, "100 kB")),
        *((999_600, "1.0 MB"), (12_345_678, "12.3 MB"), (10**15, "1.0 PB")),
    ],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert show_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59, "59 s"), (61, "1 min"), (7200, "2 h"), (86400 * 3, "3 d")],
)
def test_ages_for_people(seconds: int, text: str) -> None:
    assert show_age(timedelta(seconds=seconds)) == text
