"""The rules are those of ``gc`` in Pkg 1.12 (Pkg.jl API.jl:585), with its answers."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli

from fetch_artifacts.depot import gc
from fetch_artifacts.depot.gc import Collection, collect_garbage
from fetch_artifacts.depot.stack import with_artifacts_directory
from fetch_artifacts.depot.usage import orphans
from fetch_artifacts.depot.usage.log import (
    local_now,
    locked_log,
    replace_log,
    write_usage,
)
from fetch_artifacts.depot.usage.orphans import OrphanLog
from fetch_artifacts.depot.workspace import Workspace
from fetch_artifacts.errors import (
    ArtifactsTomlError,
    DepotError,
    FetchArtifactsError,
    OverrideError,
)
from fetch_artifacts.files.locks.pidlock import PidLock, pid_lock
from support.fixtures import UNIX, Case, load_vectors
from support.trees import facts, make_tree, names

A, B, C = (digit * 40 for digit in "abc")
NOW = timedelta(0)
WEEK = timedelta(days=7)
CASES = load_vectors("gc")


def tomorrow() -> datetime:
    """When what a test has just installed is no longer new."""
    return local_now() + timedelta(days=1)


def collect(delay: timedelta = NOW, **options: bool) -> Collection:
    return collect_garbage(collect_delay=delay, now=tomorrow(), **options)


def log_uses(depot: Path, *tomls: Path) -> None:
    """Log files as Julia does, those that are missing too."""
    log = depot / "logs" / "artifact_usage.toml"
    log.parent.mkdir(parents=True, exist_ok=True)
    moment = "2026-11-22T09:48:43.905Z"
    blocks = [f'[["{toml}"]]\ntime = {moment}\n' for toml in sorted(tomls)]
    log.write_text("\n".join(blocks))


def logged(depot: Path) -> list[str]:
    log = depot / "logs" / "artifact_usage.toml"
    return list(tomli.loads(log.read_text("utf-8"))) if log.exists() else []


def orphaned(depot: Path) -> dict[str, datetime]:
    log = depot / "logs" / "orphaned.toml"
    return tomli.loads(log.read_text("utf-8")) if log.exists() else {}


def install(depot: Path, *hashes: str) -> None:
    for tree_hash in hashes:
        make_tree(depot / "artifacts" / tree_hash, {"file": "x"})


def bind(toml: Path, **bound: str) -> Path:
    text = "".join(f'[{n}]\ngit-tree-sha1 = "{h}"\n' for n, h in bound.items())
    make_tree(toml.parent, {toml.name: text})
    return toml


def make_case(root: Path, case: Case) -> list[Path]:
    """Make the depots of a recorded case, and give them."""
    depots = [root / f"d{number}" for number in (1, 2)]
    for depot, hashes in zip(depots, case["installed"], strict=True):
        (depot / "artifacts").mkdir(parents=True)
        install(depot, *hashes)
    for toml in case["tomls"]:
        make_tree(root, {toml["path"]: toml["text"].replace("{ROOT}", str(root))})
    for number, depot in enumerate(depots, start=1):
        uses = [use["path"] for use in case["usage"] if use["depot"] == number]
        log_uses(depot, *(root / path for path in uses))
    if case["overrides"]:
        text = case["overrides"].replace("{ROOT}", str(root))
        make_tree(depots[0] / "artifacts", {"Overrides.toml": text})
    for name in case["extra_dirs"]:
        make_tree(depots[0] / "artifacts" / name, {"file": "x"})
    for name in case["extra_files"]:
        make_tree(depots[0] / "artifacts", {name: "x"})
    return depots[: 1 + case["two_depots"]]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_julia_keeps_and_deletes(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, answer = CASES[number]
    depots = make_case(tmp_path, case)
    monkeypatch.setenv("JULIA_DEPOT_PATH", os.pathsep.join(map(str, depots)))
    before = [names(depot / "artifacts") for depot in depots]
    planned: list[str] = []
    try:
        planned = [
            str(t.path)
            for t in collect(all_depots=case["force"], dry_run=True).collected
        ]
        assert before == [names(depot / "artifacts") for depot in depots]
        collect(all_depots=case["force"])
        done = True
    except FetchArtifactsError:
        done = False
    assert answer["gc"]["ok"] is done
    left = [names(depot / "artifacts") for depot in depots]
    # Julia also deletes the folders that it does not know.
    unknown = set() if not done else set(case["extra_dirs"])
    assert [[n for n in each if n not in unknown] for each in left] == answer["left"]
    assert unknown <= set(left[0])
    paths = [[p.replace(str(tmp_path), "{ROOT}") for p in logged(d)] for d in depots]
    if done:
        assert paths == answer["logged"]
        gone = [
            str(depot / "artifacts" / name)
            for depot, was, now in zip(depots, before, left, strict=True)
            for name in sorted(set(was) - set(now))
        ]
        assert gone == sorted(planned)


def fates(collection: Collection) -> dict[str, str]:
    """What becomes of each tree, by the first digit of its name."""
    return {tree.path.name[0]: tree.fate for tree in collection.trees}


def test_an_orphan_goes_a_week_after_it_was_first_seen(depot: Path) -> None:
    install(depot, A)
    path = str(depot / "artifacts" / A)
    first = tomorrow()
    for days, fate in ((0, "waiting"), (6.99, "waiting"), (7, "unwanted")):
        now = first + timedelta(days=days)
        assert fates(collect_garbage(now=now)) == {"a": fate}
        if fate == "waiting":
            shift = orphaned(depot)[path].replace(tzinfo=None) - first
            assert abs(shift) < timedelta(milliseconds=1)
    assert not orphaned(depot)
    assert names(depot / "artifacts") == []


def test_an_orphan_that_is_used_again_starts_anew(depot: Path, tmp_path: Path) -> None:
    install(depot, A)
    start = tomorrow()
    collect_garbage(now=start)
    toml = bind(tmp_path / "p" / "Artifacts.toml", Demo=A)
    log_uses(depot, toml)
    assert fates(collect_garbage(now=start + WEEK)) == {"a": "named"}
    assert not orphaned(depot)
    toml.unlink()
    assert fates(collect_garbage(now=start + 2 * WEEK)) == {"a": "waiting"}


def test_both_logs_are_in_julias_bytes(depot: Path, tmp_path: Path) -> None:
    install(depot, A, B)
    toml = bind(tmp_path / "p" / "Artifacts.toml", Demo=A)
    log_uses(depot, toml, tmp_path / "gone" / "Artifacts.toml")
    now = datetime(2030, 1, 2, 3, 4, 5, 6000)  # noqa: DTZ001 - Julia has no zones
    collect_garbage(now=now)
    logs = depot / "logs"
    text = (logs / "artifact_usage.toml").read_text()
    assert text == f'[["{toml}"]]\ntime = 2026-11-22T09:48:43.905Z\n'
    text = (logs / "orphaned.toml").read_text()
    assert text == f'"{depot}/artifacts/{B}" = 2030-01-02T03:04:05.006Z\n'
    assert names(logs) == ["artifact_usage.toml", "orphaned.toml"]


def test_each_step_is_logged(
    depot: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fetch_artifacts")
    install(depot, A, B)
    gone = tmp_path / "gone" / "Artifacts.toml"
    log_uses(depot, bind(tmp_path / "Artifacts.toml", Data=A), gone)
    collect()
    log, artifacts = depot / "logs" / "artifact_usage.toml", depot / "artifacts"
    assert caplog.messages[:5] == [
        f"{log}: locked",
        f"{artifacts / A}: named",
        f"{artifacts / B}: unwanted",
        f"{log}: rewritten",
        f"{artifacts / B}: moved out, to be deleted",
    ]


def test_what_was_installed_within_the_hour_stays(depot: Path) -> None:
    install(depot, A)
    os.utime(depot / "artifacts" / A, (0, 0))  # as an unpacked or copied folder has
    result = collect_garbage(collect_delay=NOW)
    assert fates(result) == {"a": "new"}
    assert names(depot / "artifacts") == [A]


def test_what_is_being_installed_stays(depot: Path) -> None:
    install(depot, A, B)
    with pid_lock(depot / "artifacts" / f"{A}.pid", stale_age=20):
        assert fates(collect(dry_run=True)) == {"a": "locked", "b": "unwanted"}
        assert fates(collect()) == {"a": "locked", "b": "unwanted"}
    assert names(depot / "artifacts") == [A]
    make_tree(depot / "artifacts", {f"{A}.pid": "999999999 "})  # of a dead process
    os.utime(depot / "artifacts" / f"{A}.pid", (0, 0))
    collect()
    assert names(depot / "artifacts") == []


def test_what_is_no_folder_of_a_trees_name_is_left_alone(
    depot: Path, tmp_path: Path
) -> None:
    artifacts = make_tree(
        depot / "artifacts",
        {A.upper() + "/x": "", "jl_abc/x": "", "a" * 41 + "/x": "", B: "a file"},
    )
    (artifacts / C).symlink_to(tmp_path)
    before = names(artifacts)
    assert not collect().trees
    assert names(artifacts) == before
    assert (artifacts / C).is_symlink()


def test_what_an_override_leads_to_stays(depot: Path) -> None:
    install(depot, A, B, C)
    targets = {"d" * 40: A, "e" * 40: f"{B}/x"}
    lines = [f'{k} = "{depot}/artifacts/{v}"' for k, v in targets.items()]
    text = "\n".join(lines)
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    assert fates(collect()) == {"a": "override", "b": "override", "c": "unwanted"}


def test_what_julia_notes_of_other_things_stays(depot: Path) -> None:
    install(depot, A)
    other = f"{depot}/packages/Foo/abcde"
    folder = f"{depot}/artifacts/jl_abc"
    make_tree(
        depot / "logs",
        {
            "orphaned.toml": f'"{folder}" = 2026-11-22T18:51:42.576Z\n'
            f'"{other}" = 2026-11-22T18:51:42.576Z\n'
            f'"{depot}/artifacts/{B}" = 2026-11-22T18:51:42.576Z\n'
        },
    )
    collect(delay=WEEK)
    assert sorted(orphaned(depot)) == [f"{depot}/artifacts/{A}", folder, other]


def test_a_relative_path_in_the_usage_log_stays(depot: Path, tmp_path: Path) -> None:
    # Whoever logged it had another working directory: it may well exist.
    log_uses(depot, Path("relative/Artifacts.toml"), tmp_path / "gone.toml")
    install(depot, A)
    collect()
    assert logged(depot) == ["relative/Artifacts.toml"]


def test_a_damaged_log_of_orphans_is_kept_aside(
    depot: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(depot, A)
    make_tree(depot / "logs", {"orphaned.toml": "this is = not [toml"})
    assert fates(collect(delay=WEEK)) == {"a": "waiting"}
    assert list(orphaned(depot)) == [f"{depot}/artifacts/{A}"]
    (copy,) = (depot / "logs").glob("orphaned.toml.damaged-*")
    assert copy.read_text() == "this is = not [toml"
    assert str(copy) in caplog.text


def test_a_damaged_usage_log_is_kept_aside_and_what_is_readable_counts(
    depot: Path, tmp_path: Path
) -> None:
    install(depot, A, B)
    write_usage(depot, [bind(tmp_path / "p" / "Artifacts.toml", Demo=A)])
    log = depot / "logs" / "artifact_usage.toml"
    log.write_text(f"garbage\n{log.read_text()}garbage")
    assert fates(collect()) == {"a": "named", "b": "unwanted"}
    assert len(list(log.parent.glob("*.damaged-*"))) == 1


def test_a_dry_run_changes_nothing_and_tells_the_same(
    depot: Path, tmp_path: Path
) -> None:
    install(depot, A, B)
    toml = bind(tmp_path / "p" / "Artifacts.toml", Demo=A)
    log_uses(depot, toml, tmp_path / "gone")
    before = sorted((path, facts(path)) for path in depot.rglob("*"))
    plan = collect(dry_run=True)
    assert sorted((path, facts(path)) for path in depot.rglob("*")) == before
    result = collect()
    assert fates(plan) == fates(result) == {"a": "named", "b": "unwanted"}
    assert plan.freed == result.freed > 0


def test_only_the_first_depot_is_looked_at_unless_all_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    monkeypatch.setenv("JULIA_DEPOT_PATH", f"{first}{os.pathsep}{second}")
    install(first, A)
    install(second, B, C)
    log_uses(second, bind(tmp_path / "p" / "Artifacts.toml", Demo=C))
    assert fates(collect()) == {"a": "unwanted"}
    assert names(second / "artifacts") == [B, C]
    assert fates(collect(all_depots=True)) == {"b": "unwanted", "c": "named"}
    assert names(second / "artifacts") == [C]


def test_a_file_without_a_hash_stops_everything(depot: Path, tmp_path: Path) -> None:
    install(depot, A)
    toml = make_tree(tmp_path / "p", {"Artifacts.toml": "[x]\nlazy = true\n"})
    log_uses(depot, toml / "Artifacts.toml")
    with pytest.raises(ArtifactsTomlError, match=r"x\.git-tree-sha1"):
        collect()
    assert names(depot / "artifacts") == [A]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_can_not_be_looked_at_stops_everything(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(depot, A)
    log_uses(depot, tmp_path / "private" / "Artifacts.toml")
    stat = os.stat

    def refuse(path: str, *args: object, **options: object) -> os.stat_result:
        if "private" in str(path):
            raise PermissionError(13, "Permission denied", path)
        return stat(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(DepotError, match=r"private.*Permission denied"):
        collect()
    monkeypatch.undo()
    assert (depot / "artifacts" / A).is_dir()


def test_a_circle_of_overrides_stops_everything(depot: Path, tmp_path: Path) -> None:
    install(depot, A)
    log_uses(depot, bind(tmp_path / "p" / "Artifacts.toml", Demo=A))
    text = f'{A} = "{B}"\n{B} = "{A}"\n'
    make_tree(depot / "artifacts", {"Overrides.toml": text})
    with pytest.raises(OverrideError):
        collect()


@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", os.mkdir)])
def test_a_log_that_can_not_be_read_stops_everything(
    make: Callable[[Path], None], depot: Path
) -> None:
    install(depot, A)
    (depot / "logs").mkdir()
    make(depot / "logs" / "artifact_usage.toml")
    with pytest.raises(DepotError, match="what is in use is not known"):
        collect()


def test_what_a_file_names_that_is_changed_at_the_last_moment_is_put_back(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(depot, A, B)
    toml = bind(tmp_path / "p" / "Artifacts.toml", Other=C)
    log_uses(depot, toml)
    move_out = Workspace.move_out

    def bind_first(self: Workspace, name: str, slot: str) -> None:
        bind(toml, Demo=A)
        move_out(self, name, slot)

    monkeypatch.setattr(Workspace, "move_out", bind_first)
    result = collect()
    assert names(depot / "artifacts") == [A]
    assert [tree.path.name for tree in result.collected] == [B]
    assert (depot / "artifacts" / A / "file").read_text() == "x"


def test_what_is_logged_before_gc_has_the_lock_is_not_even_taken_out(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(depot, A, B)
    toml = bind(tmp_path / "p" / "Artifacts.toml", Demo=A)
    move_out = Workspace.move_out
    taken: list[str] = []

    def wait(log: Path) -> AbstractContextManager[PidLock]:
        write_usage(depot, [toml])
        return locked_log(log)

    def noted(self: Workspace, name: str, slot: str) -> None:
        taken.append(name)
        move_out(self, name, slot)

    monkeypatch.setattr(gc, "locked_log", wait)
    monkeypatch.setattr(Workspace, "move_out", noted)
    collect()
    assert taken == [B]
    assert names(depot / "artifacts") == [A]


# A process that was stopped for longer than the lock's stale age.
@pytest.mark.parametrize("log", ["artifact_usage.toml", "orphaned.toml"])
def test_what_others_logged_while_the_lock_was_lost_is_kept(
    log: str, depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(depot, A)
    log_uses(depot, tmp_path / "gone" / "Artifacts.toml")
    theirs = bind(tmp_path / "p" / "Artifacts.toml", Demo=A)
    update = OrphanLog.update

    def pause() -> None:
        (depot / "logs" / "artifact_usage.toml.pid").unlink()
        write_usage(depot, [theirs])

    def paused_log(*arguments: Any) -> None:
        pause()
        replace_log(*arguments)

    def paused_orphans(*arguments: Any) -> None:
        pause()
        update(*arguments)

    with monkeypatch.context() as patch:
        if log == "orphaned.toml":
            patch.setattr(OrphanLog, "update", paused_orphans)
        else:
            patch.setattr(gc, "replace_log", paused_log)
        with pytest.raises(DepotError, match=r"usage\.toml\.pid: another process took"):
            collect()
    assert str(theirs) in logged(depot)
    assert names(depot / "artifacts") == [A]
    assert orphaned(depot) == {}
    collect()
    assert names(depot / "artifacts") == [A]


def test_what_can_not_be_deleted_is_told_and_the_rest_goes(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(depot, A, B)
    move_out = Workspace.move_out

    def refuse(self: Workspace, name: str, slot: str) -> None:
        if name == A:
            raise PermissionError(13, "Permission denied", name)
        move_out(self, name, slot)

    monkeypatch.setattr(Workspace, "move_out", refuse)
    result = collect()
    assert result.failures == {depot / "artifacts" / A: "Permission denied"}
    assert [tree.path.name for tree in result.collected] == [B]
    assert names(depot / "artifacts") == [A]
    assert list(orphaned(depot)) == [f"{depot}/artifacts/{A}"]


def test_more_trees_than_are_taken_out_at_once(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc, "_AT_ONCE", 2)
    install(depot, *(f"{number:040x}" for number in range(7)))
    assert len(collect().collected) == 7
    assert names(depot / "artifacts") == []
    assert not [path for path in depot.rglob("*") if "jl_" in path.name]


def test_nothing_is_made_where_there_is_no_depot(depot: Path) -> None:
    assert collect() == Collection(trees=(), sizes={}, failures={}, skipped=())
    assert not depot.exists()


@pytest.mark.usefixtures("depot")
def test_a_chosen_folder_is_no_depot(tmp_path: Path) -> None:
    with (
        with_artifacts_directory(tmp_path / "x"),
        pytest.raises(DepotError, match="no depot"),
    ):
        collect()


def test_what_stands_for_a_zipped_package_goes_with_it(
    depot: Path, tmp_path: Path
) -> None:
    install(depot, A)
    archive = tmp_path / "package.zip"
    archive.write_text("zip")
    status = archive.stat()
    header = json.dumps([str(archive), status.st_size, status.st_mtime_ns])
    text = (
        f"# For gc, in place of a temporary file of the package in {header}\n"
        f'[Demo]\ngit-tree-sha1 = "{A}"\n'
    )
    record = depot / "logs" / "fetch_artifacts_packages" / "x.toml"
    make_tree(record.parent, {record.name: text})
    log_uses(depot, record)
    assert fates(collect()) == {"a": "named"}
    archive.unlink()
    assert fates(collect()) == {"a": "unwanted"}
    assert not record.exists()
    assert not logged(depot)


def test_what_is_remembered_of_old_entries_goes_with_the_tree(depot: Path) -> None:
    install(depot, A)
    known = depot / "logs" / "fetch_artifacts_archives.toml"
    make_tree(known.parent, {known.name: f'{"1" * 64} = "{A}"\n'})
    collect(delay=WEEK)
    assert tomli.loads(known.read_text()) == {"1" * 64: A}
    collect()
    assert tomli.loads(known.read_text()) == {}


def test_what_was_remembered_for_the_user_goes_when_it_is_stale(
    depot: Path, tmp_path: Path
) -> None:
    (depot / "artifacts").mkdir(parents=True)
    julia = tmp_path / "julia"
    julia.touch()
    cache = tmp_path / "home" / ".cache" / "fetch-artifacts"
    answer = {"stamp": [1], "triplet": "x86_64-linux-gnu"}
    memory = {str(julia): answer, str(tmp_path / "gone"): answer}
    old = ("tree-sizes/old.json", "mirror/a.partial", "shipped/sha/Artifacts.toml")
    make_tree(
        cache,
        {
            "julia-platforms.json": json.dumps(memory),
            "tree-sizes/new.json": "{}",
            "other/old": "",
            **dict.fromkeys(old, ""),
        },
    )
    for name in (*old, "other/old"):
        os.utime(cache / name, (1e9, 1e9))
    collect(dry_run=True)
    assert all((cache / name).exists() for name in old)
    collect()
    assert json.loads((cache / "julia-platforms.json").read_text()) == {
        str(julia): answer
    }
    assert names(cache) == ["julia-platforms.json", "other", "tree-sizes"]
    assert names(cache / "tree-sizes") == ["new.json"]


def test_an_old_entry_keeps_the_tree_that_its_archive_holds(
    depot: Path, tmp_path: Path
) -> None:
    install(depot, A, B)
    sha256 = "1" * 64
    known = depot / "logs" / "fetch_artifacts_archives.toml"
    make_tree(known.parent, {known.name: f'{sha256} = "{A}"\n'})
    text = (
        f'[x]\ngit-tree-sha1 = "{sha256}"\n[[x.download]]\nurl = "https://h/x"\n'
        f'sha256 = "{sha256}"\n'
    )
    make_tree(tmp_path / "p", {"Artifacts.toml": text})
    log_uses(depot, tmp_path / "p" / "Artifacts.toml")
    assert fates(collect()) == {"a": "named", "b": "unwanted"}


def test_gc_starts_again_where_a_network_file_system_lost_sight_of_a_file(
    depot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(depot, A)
    left = [OSError(errno.ESTALE, os.strerror(errno.ESTALE))] * 4
    real = orphans.judge_trees

    def lose(*arguments: Any) -> Any:
        if left:
            raise left.pop()
        return real(*arguments)

    monkeypatch.setattr(gc, "judge_trees", lose)
    assert [tree.path.name for tree in collect().collected] == [A]
    assert not (depot / "artifacts" / A).exists()


@UNIX
def test_what_is_in_the_way_of_the_logs_is_named(depot: Path) -> None:
    install(depot, A)
    (depot / "logs").symlink_to("/nowhere/at/all")
    with pytest.raises(DepotError, match="logs is a link to /nowhere/at/all, where"):
        collect()
    (depot / "logs").unlink()
    lock = depot / "logs" / "artifact_usage.toml.pid"
    lock.mkdir(parents=True)
    with pytest.raises(DepotError, match=f"{lock}: expected a lock file, found a fold"):
        collect()
