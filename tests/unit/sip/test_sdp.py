"""SDP is written anew: of what a phone wrote no line survives that is not understood."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.sip.sdp import Rewriter

OFFER = """v=0
o=19900000000 19900000000 1 IN IP4 203.0.113.9
s=call of 19900000000
i=19900000000
u=http://19900000000.example
e=19900000000@example.net
p=+86 199 0000 0000
c=IN IP4 192.0.2.21
b=AS:19900000000
t=0 0
a=tool:phone 19900000000
a=sendonly
m=audio 40000 RTP/AVP 8 0 96 97 101
a=rtpmap:8 PCMA/8000
a=rtpmap:96 opus/48000/2
a=fmtp:96 maxaveragebitrate=20000;useinbandfec=1
a=rtpmap:97 19900000000/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=fmtp:0 who=19900000000
a=candidate:1 1 UDP 1 203.0.113.9 40000 typ host
a=rtcp:40001 IN IP4 203.0.113.9
a=ptime:20
a=label:19900000000
m=video 40002 RTP/AVP 99
a=rtpmap:99 H264/90000
"""

# Every line that may come out.
LINE = re.compile(
    r"""v=0|s=-|t=0\ 0
    |o=-\ [0-9]+\ [0-9]+\ IN\ IP[46]\ [0-9a-f.:]+
    |c=IN\ IP[46]\ [0-9a-f.:]+
    |m=audio\ [0-9]{1,5}\ RTP/AVPF?(\ [0-9]{1,3})+
    |m=(audio|video|text|image|application|message)\ 0\ RTP/AVP\ 0
    |a=(sendrecv|sendonly|recvonly|inactive)
    |a=(max)?ptime:[0-9]{1,3}
    |a=rtpmap:[0-9]{1,3}\ [A-Za-z0-9.-]{1,20}/[0-9]{4,6}(/[12])?
    |a=fmtp:[0-9]{1,3}\ [A-Za-z0-9=,;-]+""",
    re.VERBOSE,
)


def test_sound_stays_and_names_go() -> None:
    text = Rewriter().rewritten(OFFER)
    assert text is not None
    origin = text.splitlines()[1]
    assert re.fullmatch(r"o=- [0-9]{1,19} 1 IN IP4 192\.0\.2\.21", origin)
    assert text.splitlines() == [
        "v=0",
        origin,
        "s=-",
        "c=IN IP4 192.0.2.21",
        "t=0 0",
        "m=audio 40000 RTP/AVP 8 0 96 101",
        "a=sendonly",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:96 opus/48000/2",
        "a=fmtp:96 maxaveragebitrate=20000;useinbandfec=1",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "m=video 0 RTP/AVP 0",
    ]


def test_the_version_counts_changes_and_the_session_stays() -> None:
    rewriter = Rewriter()
    texts = [OFFER, OFFER.replace("sendonly", "recvonly"), OFFER.replace("sendonly", "recvonly"), OFFER]
    origins = [(rewriter.rewritten(text) or "").splitlines()[1].split() for text in texts]
    assert [origin[2] for origin in origins] == ["1", "2", "2", "3"]
    assert len({origin[1] for origin in origins}) == 1
    assert (Rewriter().rewritten(OFFER) or "").splitlines()[1].split()[1] != origins[0][1]


def test_without_sound_to_agree_on_there_is_nothing() -> None:
    for changed in (
        OFFER.replace("192.0.2.21", "phone-19900000000.example"),
        OFFER.replace("RTP/AVP 8 0 96 97 101", "RTP/SAVP 8"),
        OFFER.replace("RTP/AVP 8 0 96 97 101", "RTP/AVP 97"),
        OFFER.replace("audio 40000", "audio 0"),
        OFFER.replace("audio 40000", "audio 99999"),
        OFFER.replace("m=audio", "m=19900000000"),
        "m=audio 40000 RTP/AVP 8\n",
        "v=0\n" * 4000,
        "",
    ):
        assert Rewriter().rewritten(changed) is None


_LINES = st.one_of(
    st.sampled_from(OFFER.splitlines()),
    st.text(max_size=60),
    st.builds("{}={}".format, st.sampled_from("vosiuepcbtzkmar"), st.text(max_size=60)),
    st.builds("a={}:{}".format, st.sampled_from(["rtpmap", "fmtp", "ptime", "x"]), st.text(max_size=60)),
    st.builds("a=fmtp:{} {}".format, st.sampled_from(["8", "96"]), st.from_regex(r"[a-z=0-9;,-]{1,40}")),
)


@given(st.lists(st.integers(0, len(OFFER.splitlines()))), st.lists(_LINES, max_size=12))
def test_no_line_comes_out_that_is_not_allowed(positions: list[int], added: list[str]) -> None:
    lines = OFFER.splitlines()
    for position, line in zip(positions, added, strict=False):
        lines.insert(position, line)
    text = Rewriter().rewritten("\r\n".join(lines))
    if text is None:
        return
    for line in text.split("\r\n")[:-1]:
        assert LINE.fullmatch(line), line
        if line.startswith("a="):
            # No number so long that it could be a phone.
            assert not re.search(r"[0-9]{7}", line), line
    assert "203.0.113.9" not in text
