"""Where click's own completion falls short in zsh and fish."""

from __future__ import annotations

from click.shell_completion import (
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)


class _WholeWords(ShellComplete):
    """Completes ``--option=val`` as these shells see it, as one word.

    click gives what is behind the equals sign, and zsh puts that in the word's place.
    """

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        found = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        if equals and option.startswith("--"):
            for item in found:
                if item.type == "plain":
                    item.value = f"{option}={item.value}"
        return found


class _Zsh(_WholeWords, ZshComplete):
    pass


class _Fish(_WholeWords, FishComplete):
    # What is said of a command may have commas; only the first one separates.
    source_template = FishComplete.source_template.replace(
        'string split ","', 'string split -m 1 ","'
    )


def improve_completion() -> None:
    """Let click use these for the rest of the process."""
    add_completion_class(_Zsh)
    add_completion_class(_Fish)
