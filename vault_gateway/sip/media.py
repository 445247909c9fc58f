"""Sound through this machine, so that neither side learns where the other's comes from: RTPProxy, inside this process.

It is the `rtp.io` package, which comes from those who make sippy, and sippy's own client of it.
"""

from __future__ import annotations

import socket
from typing import Any

from sippy.Rtp_proxy.client import Rtp_proxy_client
from sippy.Rtp_proxy.session import Rtp_proxy_session
from sippy.Rtp_proxy.Session.side import _rtpps_side

# As superuser too, and about nothing but its own end.
_QUIETLY = ("-F", "-d", "crit")


class MediaRelay:
    """`address` is one of this machine (IPv4), which both sides reach. The ports are RTPProxy's: 35000 to 65000."""

    def __init__(self, config: dict[str, Any], address: str) -> None:
        """OSError where the address is not to be had: RTPProxy would only find out at the first call."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
        spath = ";".join(("rtp.io:" + _QUIETLY[0], *_QUIETLY[1:], "-l", address))
        # What it is able to is known: it is no other process of another version.
        # And with no modules: with those it has by default it writes down both sides' addresses, call by call, in a
        # file of the folder where it runs.
        self._client = Rtp_proxy_client(config, spath=spath, no_version_check=True, modules=())
        config["rtp_proxy_client"] = self._client
        self._config = config

    def session(self) -> Any:
        """Of one call: has `on_caller_sdp_change` and `on_callee_sdp_change`, which put its own address into what
        the one side is to be told of the other, and `delete`."""
        session = Rtp_proxy_session(self._config)
        session.caller, session.callee = _Side("caller"), _Side("callee")
        return session

    def close(self) -> None:
        self._client.shutdown()


class _Side(_rtpps_side):  # type: ignore[misc]  # sippy ships no types
    def update(self, up: Any) -> None:
        """Sound is taken from where SIP said and sent there (`A`). Otherwise whoever sends to the port first is heard
        and sent the other side's."""
        up.options += "A"
        super().update(up)
