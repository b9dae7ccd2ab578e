"""JSON damage: what is wrong with a body that is no JSON, as far as lenient parsers tell such bodies apart."""

from __future__ import annotations

import json
from enum import StrEnum


class JsonDamage(StrEnum):
    """A kind of damage. A parser that takes one body of a kind takes most of that kind, and need not take others."""

    NONE = ""
    EMPTY = "nothing"
    CUT_OFF = "cut off"
    TRAILING = "something after the value"
    NUMBER_WORD = "a word for a number"
    CONTROL_CHARACTER = "a control character in a text"
    SYNTAX = "other syntax"


def damage_of(body: bytes) -> JsonDamage:
    """What is wrong with a body as JSON (RFC 8259); NONE if it is JSON, not UTF-8, or nested too deeply to tell."""
    try:
        text = body.decode().strip(" \t\r\n")
    except UnicodeDecodeError:
        return JsonDamage.NONE
    if not text:
        return JsonDamage.EMPTY
    try:
        return _damage_of_text(text)
    except RecursionError:
        return JsonDamage.NONE


def _damage_of_text(text: str) -> JsonDamage:
    words: list[str] = []
    lenient = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=words.append)
    try:
        _, end = lenient.raw_decode(text)
    except json.JSONDecodeError as problem:
        is_at_end = problem.pos >= len(text) or problem.msg.startswith("Unterminated")
        return JsonDamage.CUT_OFF if is_at_end else JsonDamage.SYNTAX
    if end < len(text):
        return JsonDamage.TRAILING
    if words:
        return JsonDamage.NUMBER_WORD
    try:
        json.JSONDecoder(parse_int=str, parse_float=str).decode(text)
    except json.JSONDecodeError:
        return JsonDamage.CONTROL_CHARACTER
    return JsonDamage.NONE
