"""The format and the rules are those of Pkg 1.12 (Pkg.jl Types.jl:669-727)."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import tomli

from fetch_artifacts import julia_toml
from fetch_artifacts.artifacts_toml.file import load_artifacts_toml
from fetch_artifacts.depot.usage import entries
from fetch_artifacts.depot.usage import log as usage_log
from fetch_artifacts.depot.usage.log import mark_used, marked_lately, write_usage
from support.trees import facts

MODES = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


def make_toml(tmp_path: Path, name: str = "p") -> Path:
    path = tmp_path / name / "Artifacts.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def make_log(depot: Path, text: str) -> Path:
    log = log_of(depot)
    log.parent.mkdir(parents=True)
    log.write_bytes(text.encode())
    return log


def log_of(depot: Path) -> Path:
    return depot / "logs" / "artifact_usage.toml"


def paths_in(log: Path) -> list[str]:
    return list(tomli.loads(log.read_text("utf-8")))


def time_in(log: Path, path: str | Path) -> datetime:
    (entry,) = tomli.loads(log.read_text("utf-8"))[str(path)]
    moment = entry["time"]
    assert isinstance(moment, datetime)
    return moment.replace(tzinfo=None)


def wall_clock() -> datetime:
    return datetime.now(timezone.utc).astimezone().replace(tzinfo=None)


def block(path: str | Path, moment: datetime) -> str:
    name = str(path).replace("\\", "\\\\")
    return f'[["{name}"]]\ntime = {moment.isoformat(timespec="milliseconds")}Z\n'


def test_a_file_is_logged_in_julias_bytes(depot: Path, tmp_path: Path) -> None:
    toml = make_toml(tmp_path)
    write_usage(depot, [toml])
    moment = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
    text = log_of(depot).read_bytes().decode()
    assert re.fullmatch(rf'\[\["{re.escape(str(toml))}"\]\]\ntime = {moment}\n', text)


def test_entries_are_sorted_with_an_empty_line_between_them(
    depot: Path, tmp_path: Path
) -> None:
    names = ["b", "a", "c"]
    tomls = [make_toml(tmp_path, name) for name in names]
    write_usage(depot, tomls)
    text = log_of(depot).read_text()
    assert [str(make_toml(tmp_path, name)) for name in "abc"] == paths_in(log_of(depot))
    assert text.count("\n\n[[") == 2


# E15: an entry made at 09:51:42 UTC with TZ=Asia/Tokyo reads 18:51:42Z.
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone can't be changed")
def test_the_time_is_local_time_with_a_false_z(depot: Path, tmp_path: Path) -> None:
    toml = make_toml(tmp_path)
    script = (
        "import sys; from pathlib import Path;"
        "from fetch_artifacts.depot.usage.log import write_usage;"
        "write_usage(Path(sys.argv[1]), [Path(sys.argv[2])])"
    )
    command = [sys.executable, "-c", script, str(depot), str(toml)]
    subprocess.run(command, env={**os.environ, "TZ": "Asia/Tokyo"}, check=True)
    utc = datetime.now(timezone.utc).replace(tzinfo=None)
    ahead = time_in(log_of(depot), toml) - utc
    assert timedelta(hours=8, minutes=59) < ahead <= timedelta(hours=9)


def test_a_relative_path_is_logged_as_an_absolute_one(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = make_toml(tmp_path)
    monkeypatch.chdir(toml.parent)
    write_usage(depot, [Path("Artifacts.toml")])
    assert [str(toml)] == paths_in(log_of(depot))


def test_a_file_that_does_not_exist_is_not_logged(depot: Path, tmp_path: Path) -> None:
    write_usage(depot, [tmp_path / "Artifacts.toml"])
    assert not depot.exists()


def test_entries_of_others_are_kept(depot: Path, tmp_path: Path) -> None:
    moment = datetime(2020, 1, 2, 3, 4, 5, 6000)  # noqa: DTZ001 - Julia has no zones
    log = make_log(depot, block("/gone/Artifacts.toml", moment))
    toml = make_toml(tmp_path)
    write_usage(depot, [toml])
    assert sorted([str(toml), "/gone/Artifacts.toml"]) == paths_in(log)
    assert moment == time_in(log, "/gone/Artifacts.toml")


def test_what_julia_1_8_appended_is_condensed_to_the_latest(
    depot: Path, tmp_path: Path
) -> None:
    log = make_log(
        depot,
        '[["/a"]]\ntime = 2021-01-01T00:00:00.000Z\n'
        '[["/b"]]\ntime = 2020-01-01T00:00:00.000Z\n'
        '[["/a"]]\ntime = 2022-05-01T00:00:00.500Z\n'
        '[["/a"]]\ntime = 2020-01-01T00:00:00.000Z\n',
    )
    toml = make_toml(tmp_path)
    write_usage(depot, [toml])
    head = (
        '[["/a"]]\ntime = 2022-05-01T00:00:00.500Z\n\n'
        '[["/b"]]\ntime = 2020-01-01T00:00:00.000Z\n\n'
    )
    assert log.read_text().startswith(head)


def test_an_entry_without_a_time_counts_as_used_now(
    depot: Path, tmp_path: Path
) -> None:
    log = make_log(depot, '[["/a"]]\n')
    write_usage(depot, [make_toml(tmp_path)])
    assert wall_clock() - time_in(log, "/a") < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text", ["2021-01-01T00:00:00", '"2021-01-01T00:00:00"', "2021-01-01"]
)
def test_a_time_of_another_form_is_understood(
    text: str, depot: Path, tmp_path: Path
) -> None:
    log = make_log(depot, f'[["/a"]]\ntime = {text}\n')
    write_usage(depot, [make_toml(tmp_path)])
    assert log.read_text().startswith('[["/a"]]\ntime = 2021-01-01T00:00:00.000Z\n')


@pytest.mark.parametrize(
    "damage",
    [
        "this is not TOML\n",
        '[["/half',
        "\udcff\n".encode("utf-8", "surrogateescape").decode("latin-1"),
        '[["/c"]]\ntime = 2021-01-01T00:00:00+02:00\n',  # Julia gives up on offsets
        '["/c"]\ntime = 2021-01-01T00:00:00Z\n',  # a table, where gc wants an array
        '[["/a"]]\ntime = 2020-01-01T00:00:00.000Z\nleft = 1 over\n',
    ],
)
def test_a_damaged_log_loses_nothing_that_is_readable_and_is_kept_aside(
    damage: str, depot: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = wall_clock() - timedelta(days=300)
    text = block("/a", old) + damage + block("/b", old)
    log = make_log(depot, text)
    toml = make_toml(tmp_path)
    write_usage(depot, [toml])
    assert {"/b", str(toml)} <= set(paths_in(log))
    (copy,) = log.parent.glob("artifact_usage.toml.damaged-*")
    assert text.encode() == copy.read_bytes()
    assert str(copy) in caplog.text


def test_a_time_with_an_offset_keeps_its_moment(depot: Path, tmp_path: Path) -> None:
    log = make_log(depot, '[["/a"]]\ntime = 2021-01-01T00:00:00+02:00\n')
    write_usage(depot, [make_toml(tmp_path)])
    moment = datetime.fromisoformat("2021-01-01T00:00:00+02:00")
    assert moment.astimezone().replace(tzinfo=None) == time_in(log, "/a")


def test_a_file_that_was_logged_within_a_day_is_not_logged_again(
    depot: Path, tmp_path: Path
) -> None:
    toml = make_toml(tmp_path)
    os.utime(toml, (1e9, 1e9))
    log = make_log(depot, block(toml, wall_clock() - timedelta(hours=23)))
    before = log.stat()
    write_usage(depot, [toml])
    assert before.st_ino == log.stat().st_ino
    assert marked_lately(str(depot), str(toml))


def test_a_file_that_was_gone_for_a_while_is_logged_again(
    depot: Path, tmp_path: Path
) -> None:
    toml = make_toml(tmp_path)
    load_artifacts_toml(toml)
    mark_used(str(toml))
    assert marked_lately(str(depot), str(toml))
    toml.unlink()
    log_of(depot).unlink()  # as a gc that runs meanwhile drops it
    make_toml(tmp_path)
    load_artifacts_toml(toml)
    mark_used(str(toml))
    assert paths_in(log_of(depot)) == [str(toml)]


def test_a_log_that_went_with_its_depot_is_written_again(
    depot: Path, tmp_path: Path
) -> None:
    toml = make_toml(tmp_path)
    assert mark_used(str(toml))
    assert not mark_used(str(toml))
    shutil.rmtree(depot)
    assert mark_used(str(toml))
    assert paths_in(log_of(depot)) == [str(toml)]
    shutil.rmtree(depot)
    other = make_toml(tmp_path, "other")
    make_log(  # as another process does that was the first to use the new depot
        depot, block(other, wall_clock())
    )
    assert mark_used(str(toml))
    assert paths_in(log_of(depot)) == sorted(map(str, (other, toml)))


def test_a_log_that_others_write_is_read_once_for_each_change(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = make_toml(tmp_path)
    mark_used(str(toml))
    write_usage(depot, [make_toml(tmp_path, "other")])
    monkeypatch.setattr(usage_log, "locked_log", None)  # to call it would be an error
    assert not mark_used(str(toml))
    monkeypatch.setattr(usage_log, "_is_recorded", None)
    assert not mark_used(str(toml))


def test_a_log_that_can_not_be_written_is_not_tried_at_each_use(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = make_toml(tmp_path)
    log_of(depot).mkdir(parents=True)
    mark_used(str(toml))
    monkeypatch.setattr(usage_log, "locked_log", None)
    assert not mark_used(str(toml))


def test_a_file_that_was_just_changed_waits_for_a_gc_that_runs(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = make_toml(tmp_path)
    write_usage(depot, [toml])
    taken = []

    @contextlib.contextmanager
    def locked(log: Path) -> Iterator[None]:
        taken.append(log)
        yield

    monkeypatch.setattr(usage_log, "locked_log", locked)
    write_usage(depot, [toml])
    assert taken == [log_of(depot)]
    monkeypatch.setattr(usage_log, "_NEW_FOR", 0)
    write_usage(depot, [toml])
    assert taken == [log_of(depot)]


def test_a_file_that_was_logged_longer_ago_is_logged_again(
    depot: Path, tmp_path: Path
) -> None:
    toml = make_toml(tmp_path)
    log = make_log(depot, block(toml, wall_clock() - timedelta(hours=25)))
    write_usage(depot, [toml])
    assert wall_clock() - time_in(log, toml) < timedelta(minutes=1)


def test_this_process_remembers_what_it_recorded(depot: Path, tmp_path: Path) -> None:
    toml = make_toml(tmp_path)
    assert not marked_lately(str(depot), str(toml))
    write_usage(depot, [toml])
    assert marked_lately(str(depot), str(toml))
    assert not marked_lately(str(tmp_path / "other depot"), str(toml))


@MODES
def test_the_log_keeps_its_mode(depot: Path, tmp_path: Path) -> None:
    log = make_log(depot, "")
    log.chmod(0o660)
    write_usage(depot, [make_toml(tmp_path)])
    assert log.stat().st_mode & 0o7777 == 0o660


@MODES
def test_a_new_log_is_open_to_others_as_the_umask_says(
    depot: Path, tmp_path: Path
) -> None:
    before = os.umask(0o022)
    try:
        write_usage(depot, [make_toml(tmp_path)])
    finally:
        os.umask(before)
    assert log_of(depot).stat().st_mode & 0o7777 == 0o644


def test_nothing_but_the_log_is_left(depot: Path, tmp_path: Path) -> None:
    write_usage(depot, [make_toml(tmp_path)])
    assert [p.name for p in log_of(depot).parent.iterdir()] == ["artifact_usage.toml"]


def test_a_log_that_can_not_be_written_is_a_warning(
    depot: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    depot.mkdir()
    (depot / "logs").write_text("a file")
    write_usage(depot, [make_toml(tmp_path)])
    assert "artifact_usage.toml" in caplog.text


@pytest.mark.parametrize("name", ["depot", "depot/logs"])
def test_a_link_that_leads_nowhere_is_told_as_that(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    link = tmp_path / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / "nowhere")
    write_usage(tmp_path / "depot", [make_toml(tmp_path)])
    assert f"{link} is a link to {tmp_path / 'nowhere'}, where" in caplog.text
    assert "File exists" not in caplog.text


# NFS says ESTALE of a file that it lost sight of, now and then.
def test_a_file_that_can_not_be_looked_at_is_a_warning_and_tried_again(
    depot: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    toml = make_toml(tmp_path)

    def stale(path: Path) -> bool:
        raise OSError(errno.ESTALE, "Stale file handle", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_file", stale)
        assert mark_used(str(toml))
    assert f"can't log the use of {toml}" in caplog.text
    assert "Stale file handle" in caplog.text
    mark_used(str(toml))
    assert paths_in(log_of(depot)) == [str(toml)]


# Else a gc deletes what such a process has installed since.
def test_a_use_is_logged_once_a_read_only_depot_has_become_writable(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml, tries = make_toml(tmp_path), []

    def refuse(log: Path, *_: object, **__: object) -> None:
        tries.append(log)
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(log))

    depot.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(usage_log, "_record_surely", refuse)
        patch.setattr(os, "access", lambda *_: False)
        for _ in range(3):
            mark_used(str(toml))
        assert len(tries) == 1
    mark_used(str(toml))
    assert paths_in(log_of(depot)) == [str(toml)]


def test_a_lock_that_is_never_released_is_a_warning(
    depot: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(usage_log, "_LOCK_TIMEOUT", 0.05)
    log = log_of(depot)
    log.parent.mkdir(parents=True)
    log.with_name("artifact_usage.toml.pid").write_text("1 elsewhere")
    write_usage(depot, [make_toml(tmp_path)])
    assert "process 1 on elsewhere" in caplog.text


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs Linux")
def test_a_read_only_depot_is_passed_over_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_usage(Path("/sys/kernel"), [make_toml(tmp_path)])
    assert not caplog.records


def test_a_path_that_is_no_text_is_a_warning(
    depot: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        toml = make_toml(tmp_path, "\udcff")
    except (OSError, UnicodeError):
        pytest.skip("this file system has no such names")
    write_usage(depot, [toml])
    assert caplog.records


def _fifo(log: Path) -> None:
    os.mkfifo(log)


def _link(log: Path) -> None:
    (log.parent / "elsewhere").write_text('[["/a"]]\ntime = 2020-01-01T00:00:00.000Z\n')
    log.symlink_to("elsewhere")


def _folder(log: Path) -> None:
    log.mkdir()


@MODES
@pytest.mark.parametrize("make", [_fifo, _link, _folder])
def test_what_is_no_regular_file_is_a_warning_and_left_as_it_is(
    make: Callable[[Path], None],
    depot: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = log_of(depot)
    log.parent.mkdir(parents=True)
    make(log)
    before = facts(log), sorted(log.parent.iterdir())
    write_usage(depot, [make_toml(tmp_path)])
    assert before == (facts(log), sorted(log.parent.iterdir()))
    assert str(log) in caplog.text
    assert "expected a regular file with one name" in caplog.text


def test_a_log_of_values_within_values_is_kept_aside(
    depot: Path, tmp_path: Path
) -> None:
    deep = f"a = {'[' * 4000}{']' * 4000}\n"
    log = make_log(depot, block("/a", wall_clock()) + deep)
    toml = make_toml(tmp_path)
    write_usage(depot, [toml])
    assert str(toml) in paths_in(log)
    (copy,) = log.parent.glob("artifact_usage.toml.damaged-*")
    assert copy.read_text().endswith(deep)


def test_a_long_log_is_read_in_bounded_memory_and_then_condensed(
    depot: Path, tmp_path: Path
) -> None:
    blocks = [block(f"/{n % 50}/{'x' * 900}", wall_clock()) for n in range(50)]
    log = make_log(depot, "".join(blocks * 400))
    assert log.stat().st_size > 16 << 20
    toml = make_toml(tmp_path)
    tracemalloc.start()
    write_usage(depot, [toml])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20
    assert len(paths_in(log)) == 51
    assert log.stat().st_size < 100_000


def test_a_block_that_ends_in_another_chunk_is_read(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = wall_clock() - timedelta(days=300)
    text = "".join(block(f"/{n}", old) for n in range(20))
    toml = make_toml(tmp_path)
    for size in range(1, 60):
        monkeypatch.setattr(entries, "_CHUNK", size)
        log = log_of(depot)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text)
        write_usage(depot, [toml])
        assert sorted([str(toml), *(f"/{n}" for n in range(20))]) == paths_in(log)
        assert not list(log.parent.glob("*damaged*"))


def test_a_log_that_is_too_long_to_be_read_is_added_to(
    depot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(usage_log, "_FILES_AT_MOST", 1)
    log = make_log(depot, block("/a", wall_clock()) + block("/b", wall_clock()))
    toml = make_toml(tmp_path)
    for _ in range(3):
        write_usage(depot, [toml])
    assert ["/a", "/b", str(toml)] == paths_in(log)
    assert log.read_text().count(str(toml)) == 1
    assert "gc" in caplog.text


def test_any_path_is_logged_in_the_bytes_of_julias_writer(
    depot: Path, tmp_path: Path
) -> None:
    names = ["plain", "with space", "umläut", 'quote"', "back\\slash", "tab\t", "\x7f"]
    if os.name == "nt":
        names = names[:3]
    write_usage(depot, [make_toml(tmp_path, name) for name in names])
    text = log_of(depot).read_text("utf-8")
    assert text == julia_toml.dumps(tomli.loads(text))
    assert sorted(str(tmp_path / n / "Artifacts.toml") for n in names) == paths_in(
        log_of(depot)
    )


def test_a_long_damaged_log_loses_no_readable_block(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "_PARSED_AT_MOST", 500)
    old = wall_clock() - timedelta(days=300)
    blocks = [block(f"/{n}", old) for n in range(40)]
    blocks[20:20] = ["this is = not [toml\n", '[["/odd"]]\ntime = 2021-01-01\n']
    log = make_log(depot, "".join(blocks))
    toml = make_toml(tmp_path)
    write_usage(depot, [toml])
    expected = [str(toml), "/odd", *(f"/{n}" for n in range(40))]
    assert sorted(expected) == paths_in(log)
    assert list(log.parent.glob("*damaged*"))


def test_threads_lose_no_entry(depot: Path, tmp_path: Path) -> None:
    tomls = [make_toml(tmp_path, f"p{n}") for n in range(24)]
    threads = [
        threading.Thread(target=write_usage, args=(depot, [toml])) for toml in tomls
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, tomls)) == paths_in(log_of(depot))


# A process that was stopped for longer than the lock's stale age.
def test_what_others_logged_while_the_lock_was_lost_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
        (folder / "Artifacts.toml").touch()
    replace_log = usage_log.replace_log
    calls: list[object] = []

    def paused(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            (tmp_path / "logs" / "artifact_usage.toml.pid").unlink()
            usage_log.write_usage(tmp_path, [theirs / "Artifacts.toml"])
        replace_log(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(usage_log, "replace_log", paused)
    usage_log.write_usage(tmp_path, [ours / "Artifacts.toml"])
    text = (tmp_path / "logs" / "artifact_usage.toml").read_text()
    assert str(theirs) in text
    assert str(ours) in text
