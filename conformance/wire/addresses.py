"""Addresses: what the name of a host stands for, found out once, and how far away that is."""

from __future__ import annotations

import enum
import ipaddress
import socket


class AddressScope(enum.StrEnum):
    """How far away a host is: the farthest of its addresses counts."""

    LOOPBACK = "loopback"
    PRIVATE = "private"
    PUBLIC = "public"
    UNRESOLVED = "nowhere"


def resolve_host(host: str, port: int) -> tuple[tuple[str, ...], str]:
    """The addresses of a host, and why there are none.

    They are asked for once a run: a name that means this machine when it is judged, and another one when it
    is connected to, would be a way around every permission.
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
    """How far away the farthest of some addresses is."""
    if not addresses:
        return AddressScope.UNRESOLVED
    scopes = {_scope_of(ipaddress.ip_address(address)) for address in addresses}
    return next(
        scope for scope in (AddressScope.PUBLIC, AddressScope.PRIVATE, AddressScope.LOOPBACK) if scope in scopes
    )


def _scope_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> AddressScope:
    """How far away an address is; one of the old world that is wrapped in a new one counts as itself."""
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        embedded = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
        if embedded is not None:
            return _scope_of(embedded)
    if address.is_loopback:
        return AddressScope.LOOPBACK
    return AddressScope.PRIVATE if address.is_private or address.is_link_local else AddressScope.PUBLIC
