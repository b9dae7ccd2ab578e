"""Gives the package the README as its description, with links that lead somewhere from a package index, too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://|#|mailto:)([^)\s]+)\)")
_RAW = "https://raw.githubusercontent.com/"


class ReadmeHook(MetadataHookInterface):
    """Sets `readme`; hatchling calls it for every build."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds the description to the metadata."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        source = metadata["urls"]["Source"]
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute_links(text, source)}


def absolute_links(text: str, source: str) -> str:
    """A text whose links to files lead to the repository at an address: pictures to their bytes, others to pages."""

    def replaced(match: re.Match[str]) -> str:
        is_picture, words, path = match.groups()
        raw = source.replace("https://github.com/", _RAW)
        return f"{is_picture}[{words}]({f'{raw}/main' if is_picture else f'{source}/blob/main'}/{path})"

    return _RELATIVE_LINK.sub(replaced, text)
