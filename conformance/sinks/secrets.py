"""What a sink takes from the environment, kept out of everything that is printed or written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from conformance import redaction
from conformance.core.errors import UsageError
from conformance.redaction.redactor import TextRedactor

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_WORD = re.compile("pass|secret|token|key|credential|signature|auth", re.IGNORECASE)
_HIDDEN = "${...}"


def is_secret_name(name: str) -> bool:
    """Whether an option of this name holds a credential, as far as its name says."""
    return _SECRET_WORD.search(name) is not None


def has_variable(text: str) -> bool:
    """Whether a text takes something from the environment."""
    return _VARIABLE.search(text) is not None


def literal_password(url: str) -> bool:
    """Whether a URL holds a password as it is, rather than by the name of a variable."""
    authority = re.split("[/?#]", url.partition("//")[2], maxsplit=1)[0]
    password = authority.rpartition("@")[0].partition(":")[2]
    return password != "" and not has_variable(password)


class SinkSecrets:
    """The environment for one sink: replaces `${NAME}`, and knows from then on which texts are secret."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._placeholders: dict[str, str] = {}
        self._redactor = TextRedactor({})

    def expand(self, text: str, *, is_secret: bool = False) -> str:
        """A text with the values of its variables. With `is_secret` these are secret; in a URL, the password is.

        Raises UsageError for a variable that is not set.
        """
        expanded = _VARIABLE.sub(self._value, text)
        if expanded == text and "://" not in text:
            return text
        if "://" in expanded:
            for name, secret in _secrets_of_url(expanded).items():
                self._learn(secret, text if has_variable(text) and name == "url" else _HIDDEN)
        elif is_secret:
            for match in _VARIABLE.finditer(text):
                self._learn(self._value(match), match[0])
            self._learn(expanded, text)
        return expanded

    def clean(self, text: str) -> str:
        """A text, such as the message of a driver, in one line and without the secrets."""
        return self._redactor.redact_text(" ".join(text.split()))

    def _value(self, match: re.Match[str]) -> str:
        value = self._environment.get(match[1])
        if not value:
            raise UsageError(f"the sink needs the environment variable {match[1]}, which is not set")
        return value

    def _learn(self, secret: str, placeholder: str) -> None:
        if secret and secret not in self._placeholders:
            self._placeholders[secret] = placeholder
            self._redactor = TextRedactor(self._placeholders)
            redaction.learn({secret: placeholder})


def _secrets_of_url(url: str) -> dict[str, str]:
    """What is secret in a URL: the URL with a password, the password as written and decoded, and options like it."""
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query)
        password = parts.password
    except ValueError:
        return {"url": url}
    secrets = {name: value for name, value in options if is_secret_name(name)}
    if password:
        secrets |= {"password": unquote(password), "written password": password}
    return {"url": url, **secrets} if secrets else {}
