"""What comes while the process ends: a call begun now would be left hanging."""

from __future__ import annotations

from typing import cast

from sippy.Network_server import Remote_address
from sippy.SipRequest import SipRequest

from vault_gateway.sip.agent import Agent
from vault_gateway.sip.gateway import Gateway
from vault_gateway.sip.line import Line

INVITE = """INVITE sip:+8617012345678@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1
From: <sip:caller@127.0.0.1>;tag=1
To: <sip:+8617012345678@127.0.0.1>
Call-ID: one
CSeq: 1 INVITE
Contact: <sip:caller@127.0.0.1:5070>
Max-Forwards: 70
Content-Length: 0

""".replace("\n", "\r\n")


def test_no_call_is_begun_any_more_after_sigterm() -> None:
    # Without the sockets, which sippy never gives back.
    agent = Agent.__new__(Agent)
    agent._line = Line(cast(Gateway, None), ("127.0.0.1", 9), frozenset({"127.0.0.1"}), longest_s=60)
    agent._end()
    invite = SipRequest(INVITE)
    invite.setSource(Remote_address(("127.0.0.1", 5070), "udp"))
    response, *_ = agent._take(invite, None)
    assert response.getSCode() == (503, "Service Unavailable")
    assert not agent._line.calls
