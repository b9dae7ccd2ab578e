"""Addresses: what the name of a host stands for, found out once, and how far away that is."""

from __future__ import annotations

import enum
import ipaddress
import socket


class Reach(enum.StrEnum):
    """How far away a host is: the farthest of its addresses counts."""

    LOOPBACK = "loopback"
    PRIVATE = "private"
    PUBLIC = "public"
    NOWHERE = "nowhere"


def resolve(host: str, port: int) -> tuple[tuple[str, ...], str]:
    """The addresses of a host, and why there are none.

    They are asked for once a run: a name that means this machine when it is judged, and another one when it
    is connected to, would be a way around every permission.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        if f".{host}".endswith(".localhost"):  # RFC 6761, section 6.3, whether or not the resolver knows it
            return ("127.0.0.1",), ""
        return (), f"the host {host!r} does not resolve: {error.strerror}"
    except UnicodeError:
        return (), f"the host {host!r} is no name of a host"
    return tuple(dict.fromkeys(str(item[4][0]) for item in found)), ""


def reach(addresses: tuple[str, ...]) -> Reach:
    """How far away the farthest of some addresses is."""
    if not addresses:
        return Reach.NOWHERE
    ways = {_reach(ipaddress.ip_address(address)) for address in addresses}
    return next(way for way in (Reach.PUBLIC, Reach.PRIVATE, Reach.LOOPBACK) if way in ways)


def _reach(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Reach:
    """How far away an address is; one of the old world that is wrapped in a new one counts as itself."""
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        inner = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
        if inner is not None:
            return _reach(inner)
    if address.is_loopback:
        return Reach.LOOPBACK
    return Reach.PRIVATE if address.is_private or address.is_link_local else Reach.PUBLIC
