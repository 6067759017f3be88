"""The commands, several of one subject in a module; `cli._main` names them."""
