"""The address of the target: its base URL, taken apart, and its IP addresses."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.core.errors import UsageError
from conformance.core.text import shorten
from conformance.core.user_files import UnreadableFile, read_bytes
from conformance.redaction.harmless import NOT_SHOWN, is_harmless
from conformance.wire.addresses import AddressScope, resolve_host, scope_of_name, widest_of, widest_scope
from conformance.wire.sockets import NetworkBackend

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from urllib.parse import SplitResult

_MAX_URL_LENGTH = 4_000
"""Half of the request line that servers should take (RFC 9110, section 4.1): the checks add paths and queries."""
_RESERVED_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})
_AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)(?:%25(?P<zone>[0-9A-Za-z._~-]+))?\]|(?P<name>[0-9A-Za-z._-]+))(?::(?P<port>[0-9]{0,5}))?"
)
"""RFC 3986, section 3.2, without user information, and RFC 6874, section 2."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAddress:
    """A base URL, taken apart, with the headers of every request to it.

    `prefix` is the path of the base URL without its last slash; `tls` is None for plain HTTP. Connections go to
    `addresses` only; if there are none, `resolution_error` says why. `has_own_authorities`: not those of the system.
    """

    url: str
    scheme: str
    host: str
    port: int
    prefix: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tls: ssl.SSLContext | None = None
    addresses: tuple[str, ...] = ()
    resolution_error: str = ""
    has_own_authorities: bool = False

    @property
    def authority(self) -> str:
        """The value of the Host header; without a zone, which means nothing to others (RFC 6874, section 4)."""
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        default = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def is_unverified(self) -> bool:
        """Whether connections are encrypted to a certificate that is not verified."""
        return self.tls is not None and self.tls.verify_mode is ssl.CERT_NONE

    @property
    def names(self) -> tuple[str, ...]:
        """Its host, and those that Host headers of the user's name in its place, without ports."""
        values = [value for name, value in self.headers if name.lower() == "host"]
        return (self.host, *(_host_of_header(value) for value in values))

    def scopes_by_name(self) -> Iterator[tuple[str, AddressScope]]:
        """The scope of each of its `names`; that of the host is the widest one of its addresses."""
        host, *header_names = self.names
        yield host, widest_scope(self.addresses)
        yield from ((name, scope_of_name(name)) for name in header_names)

    def network_backend(self) -> NetworkBackend:
        """The backend that opens connections to it."""
        return NetworkBackend(self.addresses, self.resolution_error)

    async def connect(
        self, loop: asyncio.AbstractEventLoop, protocol_factory: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        """Connects to the first address that accepts. Raises OSError, or its subclass ssl.SSLError."""
        last_error = OSError(self.resolution_error)
        server_hostname = self.host if self.tls else None
        for address in self.addresses:
            try:
                await loop.create_connection(
                    protocol_factory, address, self.port, ssl=self.tls, server_hostname=server_hostname
                )
            except ssl.SSLError:
                raise
            except OSError as error:
                last_error = error
            else:
                return
        raise last_error

    @property
    def is_loopback(self) -> bool:
        """Whether every address is a loopback address, and no Host header names another host."""
        return self.scope is AddressScope.LOOPBACK

    @property
    def scope(self) -> AddressScope:
        """The widest scope of its addresses, and of the names in Host headers."""
        return widest_of([scope for _, scope in self.scopes_by_name()])


def parse_target(
    url: str, *, headers: tuple[str, ...] = (), ca_bundle: str | None = None, insecure: bool = False
) -> TargetAddress:
    """The target of a URL and options of the command line. Raises UsageError."""
    parts, host = parse_base_url(url)
    tls = _tls_context(ca_bundle, insecure=insecure) if parts.scheme == "https" or ca_bundle is not None else None
    port = {"http": 80, "https": 443}[parts.scheme] if parts.port is None else parts.port
    addresses, resolution_error = resolve_host(host, port)
    return TargetAddress(
        url=url,
        scheme=parts.scheme,
        host=host,
        port=port,
        prefix=parts.path.rstrip("/"),
        headers=tuple(_parse_header(line) for line in headers),
        tls=tls if parts.scheme == "https" else None,
        addresses=addresses,
        resolution_error=resolution_error,
        has_own_authorities=ca_bundle is not None,
    )


def parse_base_url(url: str) -> tuple[SplitResult, str]:
    """A base URL, taken apart, and its host, whose addresses are not asked for. Raises UsageError."""
    if len(url) > _MAX_URL_LENGTH:
        raise UsageError(f"the URL has more than {_MAX_URL_LENGTH:,} characters, which no server need take")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise UsageError("the URL carries credentials; hand in the write key with --write-key instead")
    shown = _shown(url)
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise UsageError(f"{shown!r} is not a URL: {_reason(error)}") from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"{shown!r} is not a URL: write it in printable ASCII characters")
    host = _parse_host(parts.netloc)
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        raise UsageError(f"{shown!r} is not a base URL; write it like http://127.0.0.1:8080 or https://host/prefix")
    if parts.query or parts.fragment:
        raise UsageError(f"{shown!r} is not a base URL: drop what follows the path, which is not shown")
    return parts, host


def _reason(error: ValueError) -> str:
    """Why a URL can't be parsed; without what stands in place of its port, which may be a key."""
    return "its port is no number" if "cast to integer" in str(error) else str(error)


def _shown(url: str) -> str:
    """A URL for a message, without where a key may be by mistake: its query, its fragment, and what is no port."""
    plain = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, slashes, rest = plain.partition("://")
    authority, slash, path = rest.partition("/")
    host, colon, port = authority.rpartition(":")
    is_shown = not colon or "]" in port or is_harmless(port)
    return plain if is_shown else f"{scheme}{slashes}{host}:{NOT_SHOWN}{slash}{path}"


def _parse_host(authority: str) -> str:
    """The host of an authority, with the zone of an IPv6 address; nothing if it is not one, or not plainly so.

    Resolvers take `0177.0.0.1`, `127.1` and `2130706433` for 127.0.0.1, or for something else: they are refused.
    """
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return ""
    host = match["name"] or match["ipv6"]
    is_numeric = match["ipv6"] or re.fullmatch(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?", host)
    try:
        if is_numeric:
            ipaddress.ip_address(host)
    except ValueError:
        return ""
    return f"{host}%{match['zone']}" if match["zone"] else host.lower()


def _host_of_header(value: str) -> str:
    """The host in the value of a Host header."""
    match = _AUTHORITY.fullmatch(value)
    return (match["name"] or match["ipv6"]) if match else value


def _parse_header(line: str) -> tuple[str, str]:
    """`Name: value` as a pair."""
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name) or not value.isprintable() or not value.isascii():
        raise UsageError("--header: write it as 'Name: value', in printable ASCII characters")
    if name.lower() in _RESERVED_HEADERS:
        raise UsageError(f"--header {name}: this header is set by the client itself")
    return name, value.strip()


def _tls_context(ca_bundle: str | None, *, insecure: bool) -> ssl.SSLContext:
    """TLS with the system's authorities or those of a file; without verification if `insecure`."""
    try:
        # Between the certificates there may be comments in any encoding.
        # An empty text would stand for the system's authorities.
        authorities = None if ca_bundle is None else read_bytes(ca_bundle).decode("ascii", "ignore") or "none"
        context = ssl.create_default_context(cadata=authorities)
    except UnreadableFile as error:
        raise UsageError(f"--ca-bundle {error}") from None
    except (ValueError, ssl.SSLError):
        raise UsageError(f"--ca-bundle {shorten(str(ca_bundle))}: the file holds no certificate") from None
    context.set_alpn_protocols(["http/1.1"])
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
