"""Reading the configuration: from a file, or from what is in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from turnout.config.defaults import default_configuration
from turnout.config.document import Document, read_document
from turnout.config.json_schema import is_secret
from turnout.config.policies import artefacts
from turnout.config.providers import ProviderSettings, resolve_providers
from turnout.config.schema import Config, PhraseFile
from turnout.config.validate import validate
from turnout.config.version import config_version
from turnout.errors import ConfigError, ConfigErrors
from turnout.ledger.location import data_directory

DEFAULT_FILE: Final = "turnout.yaml"
FILE_VARIABLE: Final = "TURNOUT_CONFIG"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A configuration that has been read and found sound.

    Attributes:
        config: what it says.
        providers: each provider with every default filled in, its key among them.
        version: its digest (`turnout.config.version.config_version`).
        directory: what relative paths in it are relative to.
        learnt: a digest of each artefact that it names.
        document: where everything stood, for errors that are found later.
    """

    config: Config
    providers: Mapping[str, ProviderSettings] = field(repr=False)
    version: str
    directory: Path
    learnt: tuple[str, ...] = ()
    document: Document = field(repr=False)

    @property
    def file(self) -> str | None:
        """The file's path as the user gave it; None for a configuration made of the environment."""
        return self.document.file

    @property
    def files(self) -> list[Path]:
        """What it was read from: its own file, phrase lists, what was learnt; nothing where the environment made it."""
        if self.file is None:
            return []
        lists = (phrases for route in self.config.routes.values() for phrases in route.lists.values())
        phrase_files = [self.directory / each.file for each in lists if isinstance(each, PhraseFile)]
        return [Path(self.file), *phrase_files, *_artefact_files(self.config, self.directory)]

    def data_directory(self, given: str | Path | None = None) -> Path:
        """Where decisions are kept: `given`, else as configured, else as `turnout.ledger.location` says."""
        return data_directory(given or _from(self.directory, self.config.ledger.directory))

    def only_route(self) -> str:
        """The one route that there is.

        Raises:
            ConfigError: there are several, or none.
        """
        if len(self.config.routes) != 1:
            names = ", ".join(self.config.routes)
            fix = f"Give --route, one of: {names}." if names else "Give --route and a target's name."
            raise ConfigError(f"it has {'several' if names else 'no'} routes.", fix=fix, file=self.file)
        return next(iter(self.config.routes))


def load_config(
    path: str | Path | None = None, env: Mapping[str, str] | None = None, *, keyless: bool = False
) -> LoadedConfig:
    """Read the configuration.

    Without `path` it is the file that `TURNOUT_CONFIG` names, else `turnout.yaml` in the current directory, else what
    the keys in the environment make of it. Without `env` the process's own is read. With `keyless`, for those who call
    no model, providers need not have their keys, nor secrets the variables that they are written as.

    Raises:
        ConfigErrors: everything that is wrong with it, in the order of the lines.
        ConfigError: there is no such file, or it cannot be read.
    """
    env = os.environ if env is None else env
    file = find_file(path, env)
    if file is None:
        return _sound(Document(None, data=default_configuration(env)), Path.cwd(), env)
    document = read_document(_text_of(file), file=str(file), env=env, spared=is_secret if keyless else None)
    return _sound(document, file.absolute().parent, env, keyless=keyless)


def load_config_text(text: str, env: Mapping[str, str] | None = None, directory: Path | None = None) -> LoadedConfig:
    """Read a configuration that is not in a file. Raises as `load_config` does."""
    env = os.environ if env is None else env
    return _sound(read_document(text, file=None, env=env), directory or Path.cwd(), env)


def find_file(path: str | Path | None, env: Mapping[str, str]) -> Path | None:
    """The file that `load_config` reads, or None if there is none."""
    named = path or env.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        fix = f"Check the path, or have one written: turnout init{'' if str(file) == DEFAULT_FILE else f' {file}'}"
        raise ConfigError("there is no such file.", fix=fix, file=str(file)) from None
    except UnicodeDecodeError:
        raise ConfigError("it is not UTF-8 text.", fix="Save it as UTF-8.", file=str(file)) from None
    except OSError as error:
        raise ConfigError(f"it cannot be read: {error.strerror}.", file=str(file)) from None


def _sound(document: Document, directory: Path, env: Mapping[str, str], *, keyless: bool = False) -> LoadedConfig:
    config, errors = validate(document, directory)
    if config is None:
        raise ConfigErrors(errors)
    providers, errors = resolve_providers(config, document, env)
    if errors and not keyless:
        raise ConfigErrors(errors)
    learnt = tuple(map(_digest, _artefact_files(config, directory)))
    return LoadedConfig(
        config=config,
        providers=providers,
        version=config_version(config, learnt),
        directory=directory,
        learnt=learnt,
        document=document,
    )


def _artefact_files(config: Config, directory: Path) -> list[Path]:
    """The files of what was learnt that policies name, each once."""
    named = (file for route in config.routes.values() for file in artefacts(route.policy))
    return [directory / Path(file).expanduser() for file in dict.fromkeys(named)]


def _digest(file: Path) -> str:
    """Tells whether a file has changed; what cannot be read is told by whoever needs it."""
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def open_document(path: str | Path | None = None, env: Mapping[str, str] | None = None) -> Document:
    """What the file that `load_config` reads says, be it sound or not; nothing where there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    env = os.environ if env is None else env
    file = find_file(path, env)
    return Document(None) if file is None else read_document(_text_of(file), file=str(file), env=env)


def find_data_directory(
    given: str | Path | None = None, env: Mapping[str, str] | None = None, *, config: Path | None = None
) -> Path:
    """Where a gateway that is started here keeps its decisions, be its configuration sound or not.

    Args:
        given: the data directory, where somebody has said.
        env: the environment; None takes the process's own.
        config: the configuration, where it is another than the gateway would find.

    Raises:
        ConfigError: there is something else in its place.
    """
    found = _data_directory_of(given, os.environ if env is None else env, config)
    if found.exists() and not found.is_dir():
        raise ConfigError(f"{found} is not a directory.", fix="Say where the data directory is by --data.")
    return found


def find_copy(config: Path | None = None, env: Mapping[str, str] | None = None) -> str | None:
    """Where a configuration has its ledger copied to, be it sound otherwise or not: whoever reads needs no keys.

    Args:
        config: the configuration, where it is another than the gateway would find.
        env: the environment; None takes the process's own.

    Returns:
        The address; None where there is none.

    Raises:
        ConfigError: the file cannot be read.
    """
    env = os.environ if env is None else env
    file = find_file(config, env)
    if file is None:
        return None
    url = read_document(_text_of(file), file=str(file), env=env).value(("ledger", "postgres", "url"))
    return url if isinstance(url, str) else None


def _data_directory_of(given: str | Path | None, env: Mapping[str, str], config: Path | None) -> Path:
    file = find_file(config, env)
    if given or file is None:
        return data_directory(given)
    try:
        document = read_document(_text_of(file), file=str(file), env=env)
    except ConfigError:
        return data_directory()
    configured = document.value(("ledger", "directory"))
    return data_directory(_from(file.absolute().parent, configured) if isinstance(configured, str) else None)


def _from(directory: Path, configured: str | None) -> Path | None:
    return directory / Path(configured).expanduser() if configured else None
