"""Phones of Debian's SIPp: scenarios made of steps, and what each phone saw."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Phone:
    """A phone that writes its number and address wherever SIP has a place for it.

    `media` is where its sound comes from, the one thing that the other side has to know.
    """

    number: str
    host: str
    port: int
    media: str
    media_port: int = 40000

    @property
    def identities(self) -> list[str]:
        """Headers, each with the number in it."""
        uri = f"<sip:{self.number}@{self.host}:{self.port}>"
        return [
            f'P-Asserted-Identity: "{self.number}" {uri}',
            f"P-Preferred-Identity: {uri}",
            f"Remote-Party-ID: {uri};party=calling;privacy=off",
            f"Diversion: {uri};reason=unconditional",
            f"History-Info: {uri};index=1",
            f"Subject: call of {self.number}",
            f"Organization: {self.number} at {self.host}",
            f"User-Agent: phone {self.number}",
            f"Call-Info: <http://{self.host}/{self.number}.png>;purpose=icon",
            f"X-Own: {self.number}",
            f'Reason: SIP;cause=200;text="{self.number}"',
            f'Warning: 399 {self.host} "{self.number}"',
        ]

    @property
    def contact(self) -> str:
        return f'Contact: "{self.number}" <sip:{self.number}@{self.host}:{self.port}>'

    def sdp(self, direction: str = "sendrecv") -> str:
        return f"""v=0
o={self.number} {self.number} {len(direction)} IN IP4 {self.host}
s=sound of {self.number}
i={self.number}
e={self.number}@{self.host}
p={self.number}
c=IN {"IP6" if ":" in self.media else "IP4"} {self.media}
t=0 0
a=tool:{self.number}
m=audio {self.media_port} RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=candidate:1 1 UDP 1 {self.host} 40000 typ host
a={direction}
"""

    @property
    def traces(self) -> list[str]:
        """What must never be seen on the other side."""
        return [self.number.removeprefix("+86"), self.host]


def request(phone: Phone, method: str, cseq: int, *, body: str | None = None) -> str:
    """A request of the caller; its Call-ID is made by SIPp from `-cid_str`."""
    begins = method == "INVITE" and cseq == 1
    via = f"{phone.host}:{phone.port}"
    return _send(
        f"{method} {'sip:[service]@[remote_ip]:[remote_port]' if begins else '[next_url]'} SIP/2.0",
        [
            f"Via: SIP/2.0/UDP {via};branch=[branch]",
            f'From: "{phone.number}" <sip:{phone.number}@{via}>;tag=[pid]x[call_number]',
            f"To: <sip:[service]@[remote_ip]:[remote_port]>{'' if begins else '[peer_tag_param]'}",
            "Call-ID: [call_id]",
            f"CSeq: {cseq} {method}",
            phone.contact,
            "Max-Forwards: 70",
            *([] if method in ("ACK", "CANCEL") else phone.identities),
        ],
        body,
        'retrans="500"' if method in ("INVITE", "BYE") else "",
    )


def cancel(phone: Phone) -> str:
    """Three steps after its INVITE, whose branch it has."""
    text = request(phone, "CANCEL", 1).replace("[next_url]", "sip:[service]@[remote_ip]:[remote_port]")
    return text.replace("[peer_tag_param]", "").replace("[branch]", "[branch-3]")


def answer(phone: Phone, status: str, *, body: str | None = None, within: bool = False) -> str:
    """To the last request received, one `within` a call or the first. Its reason phrase names the phone too."""
    code = status.split()[0]
    reliable = 'retrans="500"' if code[0] in "23456" and body else ""
    return _send(
        f"SIP/2.0 {status} {phone.number}",
        [
            "[last_Via:]",
            "[last_From:]",
            "[last_To:]" if within else "[last_To:];tag=[pid]y[call_number]",
            "[last_Call-ID:]",
            "[last_CSeq:]",
            phone.contact if code[0] != "3" else f"Contact: <sip:{phone.number}@{phone.host}:5999>",
            *phone.identities,
        ],
        body,
        reliable,
    )


def callee_request(phone: Phone, method: str, cseq: int, *, body: str | None = None) -> str:
    """A request within the call, by the one who was called. `kept_invite` knows its headers."""
    via = f"{phone.host}:{phone.port}"
    return _send(
        f"{method} [$1] SIP/2.0",
        [
            f"Via: SIP/2.0/UDP {via};branch=[branch]",
            "From: [$3];tag=[pid]y[call_number]",
            "To: [$2]",
            "Call-ID: [call_id]",
            f"CSeq: {cseq} {method}",
            phone.contact,
            "Max-Forwards: 70",
            *([] if method == "ACK" else phone.identities),
        ],
        body,
        'retrans="500"' if method in ("INVITE", "BYE") else "",
    )


def kept_invite() -> list[str]:
    """The callee's first step: an INVITE, of which later steps know contact, from, to, CSeq and via."""
    kept = ("Contact:", "From:", "To:", "CSeq:", "Via:")
    found = "".join(
        f'<ereg regexp="{"sip:[^>]*" if name == "Contact:" else "[^ ].*"}" search_in="hdr" header="{name}"'
        f' assign_to="{position}" />'
        for position, name in enumerate(kept, start=1)
    )
    return [f'<recv request="INVITE"><action>{found}</action></recv>', '<Reference variables="1,2,3,4,5" />']


# Messages that say where the next one goes.
_WITH_CONTACT = ("INVITE", "180", "200")


def recv(what: str, *, optional: bool = False, contact: bool = True) -> str:
    """`contact` is false for an answer to something within a call, as to an INFO: SIPp would forget the way."""
    kind = "response" if what.isdigit() else "request"
    follows = contact and what in _WITH_CONTACT
    return f'<recv {kind}="{what}" optional="{_said(optional)}" rrs="{_said(follows)}" />'


def _said(yes: bool) -> str:
    return "true" if yes else "false"


def pause(ms: int) -> str:
    return f'<pause milliseconds="{ms}" />'


def _send(start: str, headers: list[str], body: str | None, options: str) -> str:
    kept = [header for header in headers if header]
    length = "Content-Type: application/sdp\nContent-Length: [len]" if body else "Content-Length: 0"
    text = "\n".join([start, *kept, length, "", body or ""])
    return f"<send {options}><![CDATA[\n\n{text}\n]]></send>"


@dataclass
class Seen:
    """All SIP that a phone received and sent."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def _messages(self) -> list[tuple[str, str]]:
        text = (self.folder / "messages").read_text(encoding="utf-8", errors="replace")
        parts = re.split(r"^-{10,} .*$", text, flags=re.MULTILINE)
        found = [
            re.match(r"\s*(?:UDP )?message (sent|received)[^\n]*\n\s*(.*)", part, re.DOTALL) for part in parts
        ]
        return [(match[1], match[2]) for match in found if match]

    @property
    def received(self) -> list[str]:
        return [text for way, text in self._messages if way == "received"]

    @property
    def sent(self) -> list[str]:
        return [text for way, text in self._messages if way == "sent"]

    def starts(self) -> list[str]:
        return [text.splitlines()[0].strip() for text in self.received]

    def wait(self, within_s: float = 25) -> None:
        code = self.process.wait(within_s)
        errors = self.folder / "errors"
        told = errors.read_text(errors="replace")[-1500:] if errors.exists() else ""
        assert code == 0, f"sipp ended with {code}: {told}\n{self.starts()}"


@contextmanager
def phone(
    folder: Path,
    phone_: Phone,
    steps: list[str],
    *,
    to: str | None = None,
    dials: str = "x",
    calls: int = 1,
    rate: int = 10,
    options: list[str] | None = None,
) -> Iterator[Seen]:
    """A running phone: it calls `to` (host:port) and dials, or waits to be called where there is no `to`."""
    program = shutil.which("sipp")
    assert program is not None, "sipp is missing: apt-get install sip-tester"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8" ?>\n<scenario name="phone">\n'
        + "\n".join(steps)
        + "\n</scenario>\n",
        encoding="utf-8",
    )
    command = [
        program, "-sf", str(folder / "scenario.xml"), "-i", phone_.host, "-p", str(phone_.port), "-m", str(calls),
        "-nostdin", "-trace_msg", "-message_file", str(folder / "messages"), "-trace_err", "-error_file",
        str(folder / "errors"), "-timeout", "30", "-timeout_error", "-buff_size", "1000000", "-s", dials,
        "-cid_str", f"{phone_.number}-%u-%p@{phone_.host}", *(options or []),
    ]  # fmt: skip
    if to is not None:
        command += ["-r", str(rate), to]
    with (folder / "screen").open("wb") as screen:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=screen, stderr=screen)
    seen = Seen(folder, process)
    try:
        if to is None:
            time.sleep(0.3)
        yield seen
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(10)
