"""The options that all commands share, before a command's name and after it.

Those that concern the whole process take effect as soon as they are read. ``--toml``,
``--platform`` and ``--json`` before the command's name are defaults for the command. A
command that does not declare one of these three has no use for it, and refuses it.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from typing import TYPE_CHECKING, Any, Final, cast

import click
from click.core import ParameterSource

from fetch_artifacts.cli.shared.completing import complete_platforms
from fetch_artifacts.cli.shared.printing import tell, volume
from fetch_artifacts.cli.shared.values import NamedPath
from fetch_artifacts.settings.depot_path import only_depot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import NoReturn

_LOGGER: Final = logging.getLogger("fetch_artifacts")
_LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)
_VERBOSITY: Final = f"{__name__}.verbosity"
_DEFAULTS: Final = f"{__name__}.defaults"
_TRACES: Final = f"{__name__}.traces"


class _LogLines(logging.Handler):
    """Shows what the library logs as lines on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        tell(record.getMessage(), kind=record.levelname.lower())


@contextlib.contextmanager
def log_shown() -> Iterator[None]:
    """Show the library's warnings, and more with ``-v``, within a ``with`` block.

    Those of other libraries are left out; our errors say what matters of them.
    """
    before = _LOGGER.level, _LOGGER.propagate, volume.quiet
    handler, others = _LogLines(), logging.NullHandler()
    _LOGGER.addHandler(handler)
    logging.getLogger().addHandler(others)
    _LOGGER.setLevel(logging.WARNING)
    _LOGGER.propagate = volume.quiet = False
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        logging.getLogger().removeHandler(others)
        _LOGGER.setLevel(before[0])
        _LOGGER.propagate, volume.quiet = before[1:]


def shows_traces(context: click.Context) -> bool:
    """Whether ``--debug`` was given."""
    return bool(context.find_root().meta.get(_TRACES))


def _be_quiet(context: click.Context, _parameter: click.Parameter, on: bool) -> None:
    if on:
        volume.quiet = True
        from fetch_artifacts.terminal.progress import without_progress

        context.with_resource(without_progress())
        _LOGGER.setLevel(logging.ERROR)


def _be_verbose(context: click.Context, _parameter: click.Parameter, by: int) -> None:
    if by:
        meta = context.find_root().meta
        meta[_VERBOSITY] = min(meta.get(_VERBOSITY, 0) + by, len(_LEVELS) - 1)
        _LOGGER.setLevel(_LEVELS[meta[_VERBOSITY]])


def _debug(context: click.Context, parameter: click.Parameter, on: bool) -> None:
    if on:
        context.find_root().meta[_TRACES] = True
        _be_verbose(context, parameter, len(_LEVELS))


def _use_depot(
    context: click.Context, _parameter: click.Parameter, path: Path | None
) -> None:
    if path:
        context.with_resource(only_depot(path, named_by="--depot"))


def _stay_offline(
    context: click.Context,
    _parameter: click.Parameter,
    on: bool,
) -> None:
    if on:
        from fetch_artifacts.settings.environment import offline_by

        context.with_resource(offline_by("--offline"))


def _hide_progress(
    context: click.Context,
    _parameter: click.Parameter,
    on: bool,
) -> None:
    if on:
        from fetch_artifacts.terminal.progress import without_progress

        context.with_resource(without_progress())


@functools.cache
def _global_options() -> tuple[click.Option, ...]:
    """The options that concern the whole process."""
    return (
        _option(
            ["--depot"],
            _use_depot,
            type=NamedPath(file_okay=False),
            metavar="DIR",
            help="Use this depot and no other.  [env: JULIA_DEPOT_PATH]",
        ),
        _option(
            ["--offline"],
            _stay_offline,
            is_flag=True,
            help="Never use the network.  [env: FETCH_ARTIFACTS_OFFLINE, "
            "JULIA_PKG_OFFLINE]",
        ),
        _option(
            ["-q", "--quiet"],
            _be_quiet,
            is_flag=True,
            help="Print results and errors only.",
        ),
        _option(
            ["-v", "--verbose"],
            _be_verbose,
            count=True,
            help="Say what is done; twice: log each step.",
        ),
        _option(
            ["--no-progress"],
            _hide_progress,
            is_flag=True,
            help="Show no progress.  [env: FETCH_ARTIFACTS_PROGRESS=off]",
        ),
        _option(
            ["--debug"],
            _debug,
            is_flag=True,
            help="Log each step, and show where an error comes from.",
        ),
    )


def _default_options() -> list[click.Option]:
    """Make the options whose values before a command's name are its defaults."""
    return [
        _option(
            ["--toml"],
            _hand_on,
            type=NamedPath(),
            metavar="PATH",
            help="The Artifacts.toml to use.",
        ),
        _option(
            ["--platform"],
            _hand_on,
            metavar="TRIPLET",
            shell_complete=complete_platforms,
            help="Choose entries for this platform.  [env: FETCH_ARTIFACTS_PLATFORM]",
        ),
        _option(["--json"], _hand_on, is_flag=True, help="Print JSON."),
    ]


def _option(names: list[str], callback: Any, **settings: Any) -> click.Option:
    return click.Option(names, expose_value=False, callback=callback, **settings)


# What a command does not do that has no use for an option.
_UNUSED: Final = {
    "toml": "it looks up no Artifacts.toml",
    "platform": "it chooses no entries by platform",
    "json": "it prints text only",
}


class Command(click.Command):
    """A command that takes the common options, and refuses those it has no use for.

    It uses ``--toml``, ``--platform`` and ``--json`` if it declares them itself.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        own = {name for each in self.params for name in each.opts}
        unused = [
            _option([each.opts[0]], _refuse, is_flag=each.is_flag, hidden=True)
            for each in _default_options()
            if own.isdisjoint(each.opts)
        ]
        self.params += [*unused, *_global_options()]

    def get_short_help_str(self, limit: int = 80) -> str:
        """Give the summary; shells show it whole, where click cuts at 45 characters."""
        return super().get_short_help_str(limit)

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the command's own options, then those that all commands take."""
        shared = {*_global_options()}
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record and isinstance(each, click.Option):
                is_common = each in shared or "--help" in each.opts
                (common if is_common else own).append(record)
        for title, records in (("Options", own), ("Common options", common)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def command(
    name: str | None = None, *, example: str = ""
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function a command.

    Args:
        name: Its name, that of the function unless given.
        example: Lines for a shell, shown at the end of its help.
    """
    shown = "".join(f"\n  {line}" for line in example.splitlines())
    epilog = f"\b\nExample:{shown}" if example else None
    return click.command(name, cls=Command, epilog=epilog)


def _refuse(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        why = _UNUSED[parameter.name or ""]
        _fail(context, parameter, f"with {context.info_name}: {why}")


def refuse_options(why: str, *options: str) -> None:
    """Refuse options that the running command has no use for, as it was called.

    Args:
        why: The rest of a sentence: "--toml has no use ...".
        options: The options.

    Raises:
        click.UsageError: One of them was given, before the command's name or after it.
    """
    context = click.get_current_context()
    by_default = (ParameterSource.DEFAULT, None)
    for parameter in context.command.params:
        if not set(options).isdisjoint(parameter.opts) and (
            context.get_parameter_source(parameter.name or "") not in by_default
        ):
            _fail(context, parameter, why)


def _fail(context: click.Context, parameter: click.Parameter, why: str) -> NoReturn:
    msg = f"{parameter.opts[0]} has no use {why}"
    raise click.UsageError(msg, context)


def group_options() -> list[click.Parameter]:
    """The options of the group itself."""
    return [*_default_options(), *_global_options()]


# The parameters of commands by the option, and whether they take several values.
_PARAMETERS: Final = {
    "toml": {"toml": False, "toml_path": False},
    "platform": {"platform": False, "platforms": True, "triplets": True},
    "json": {"json": False, "as_json": False},
}


def _hand_on(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value or value == "":  # which the command refuses
        defaults = context.meta.setdefault(_DEFAULTS, {})
        for name, takes_many in _PARAMETERS[parameter.name or ""].items():
            defaults[name] = (value,) if takes_many else value


def hand_defaults_on(context: click.Context) -> None:
    """Make what was given before a command's name the command's defaults."""
    defaults = context.meta.get(_DEFAULTS, {})
    names = cast("click.Group", context.command).list_commands(context)
    context.default_map = dict.fromkeys(names, defaults)
