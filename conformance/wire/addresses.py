"""Resolves a host once, and classifies its addresses as loopback, private or public."""

from __future__ import annotations

import enum
import ipaddress
import socket


class AddressScope(enum.StrEnum):
    """The widest scope of a host's addresses."""

    LOOPBACK = "loopback"
    PRIVATE = "private"
    PUBLIC = "public"
    UNRESOLVED = "nowhere"


def resolve_host(host: str, port: int) -> tuple[tuple[str, ...], str]:
    """The addresses of a host, or the reason why it has none.

    A run resolves a host only once: a name that is loopback when permission is given and another machine when it is
    connected to would circumvent every permission.
    """
    try:
        address_infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        if f".{host}".endswith(".localhost"):  # RFC 6761, section 6.3, whether or not the resolver knows it
            return ("127.0.0.1",), ""
        return (), f"the host {host!r} does not resolve: {error.strerror}"
    except UnicodeError:
        return (), f"the host {host!r} is no name of a host"
    return tuple(dict.fromkeys(str(item[4][0]) for item in address_infos)), ""


def widest_scope(addresses: tuple[str, ...]) -> AddressScope:
    """The widest scope of some addresses."""
    if not addresses:
        return AddressScope.UNRESOLVED
    scopes = {_scope_of(ipaddress.ip_address(address)) for address in addresses}
    return next(
        scope for scope in (AddressScope.PUBLIC, AddressScope.PRIVATE, AddressScope.LOOPBACK) if scope in scopes
    )


def _scope_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> AddressScope:
    """The scope of an address; an IPv4 address embedded in an IPv6 address counts as itself."""
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        embedded = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
        if embedded is not None:
            return _scope_of(embedded)
    if address.is_loopback:
        return AddressScope.LOOPBACK
    return AddressScope.PRIVATE if address.is_private or address.is_link_local else AddressScope.PUBLIC
