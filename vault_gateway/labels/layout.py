"""Where everything stands on a label. Blocks go from top to bottom; each begins where the one above ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vault_gateway.labels.fonts import fitting, printable, width_of, wrapped
from vault_gateway.labels.label import Label, Masked
from vault_gateway.labels.marks import Bars, Box, Mark, Matrix, Size, Text
from vault_gateway.labels.symbols import code128, qr

_MARGIN = 3.0
_RULE = 0.4
# Spaces that scanners ask for beside a Code 128: ten modules of half a millimetre.
_QUIET = 5.0


def marks_of(label: Label, size: Size) -> list[Mark]:
    """Larger labels are drawn larger, by the ratio of their widths."""
    return list(_Page(size).draw(_printable(label)))


def _printable(label: Label) -> Label:
    """Names of people, carriers, networks and places may be of any script."""
    return replace(
        label,
        carrier=printable(label.carrier),
        network=printable(label.network),
        recipient=_printable_party(label.recipient),
        sender=None if label.sender is None else _printable_party(label.sender),
    )


def _printable_party(party: Masked) -> Masked:
    return Masked(printable(party.name), party.phone, printable(party.address))


class _Page:
    def __init__(self, size: Size) -> None:
        self._size = size
        self._unit = size.width / 76
        self._left = _MARGIN
        self._width = size.width - 2 * _MARGIN

    def draw(self, label: Label) -> Iterator[Mark]:
        unit, foot = self._unit, self._size.height - _MARGIN
        qr_side = 25 * unit
        top = _MARGIN
        yield from self._head(label, top)
        top += 9 * unit
        yield self._rule(top)
        if label.routing_code is not None:
            yield from self._routing(label.routing_code, top)
            top += 16 * unit
            yield self._rule(top)
        yield from self._barcode(label.waybill_no, top)
        top += 24 * unit
        yield self._rule(top)
        yield from self._recipient(label, top)
        top += 28 * unit
        yield self._rule(top)
        if label.sender is not None:
            yield from self._party("寄", label.sender, top, 3.6 * unit, lines=1)
            top += 14 * unit
            yield self._rule(top)
        yield from self._foot(label, foot - qr_side, qr_side)

    def _rule(self, y: float) -> Box:
        return Box(self._left, y, self._width, _RULE)

    def _head(self, label: Label, top: float) -> Iterator[Mark]:
        unit = self._unit
        right = self._width * 0.4
        size = fitting(label.network, 3.6 * unit, right)
        base = top + 6 * unit
        carrier_width = self._width - right - 2
        yield Text(
            self._left, base, fitting(label.carrier, 6 * unit, carrier_width), label.carrier, bold=True
        )
        at = self._left + self._width - width_of(label.network, size)
        yield Text(at, base, size, label.network)

    def _routing(self, code: str, top: float) -> Iterator[Mark]:
        size = fitting(code, 13 * self._unit, self._width - 4)
        yield self._centred(code, top + 8 * self._unit + size * 0.36, size, bold=True)

    def _barcode(self, waybill_no: str, top: float) -> Iterator[Mark]:
        unit = self._unit
        bars = tuple(code128(waybill_no))
        at, width = self._left + _QUIET - _MARGIN, self._width - 2 * (_QUIET - _MARGIN)
        yield Bars(at, top + 2 * unit, width, 15.5 * unit, bars)
        spaced = " ".join(waybill_no[i : i + 4] for i in range(0, len(waybill_no), 4))
        size = fitting(spaced, 4.4 * unit, self._width)
        yield self._centred(spaced, top + 22.2 * unit, size)

    def _recipient(self, label: Label, top: float) -> Iterator[Mark]:
        unit = self._unit
        yield from self._party("收", label.recipient, top, 4.8 * unit, lines=3 if label.call is None else 2)
        if label.call is not None:
            call = f"呼叫 {label.call}"
            x = self._left + 9 * unit
            size = fitting(call, 4.8 * unit, self._width - 9 * unit)
            yield Text(x, top + 25.6 * unit, size, call, bold=True)

    def _party(self, sign: str, party: Masked, top: float, size: float, *, lines: int) -> Iterator[Mark]:
        unit = self._unit
        tag = 1.45 * size
        yield Box(self._left, top + 1.8 * unit, tag, tag)
        yield Text(self._left + 0.225 * size, top + 1.8 * unit + 1.1 * size, size, sign, white=True)
        x, width = self._left + 9 * unit, self._width - 9 * unit
        who = f"{party.name}  {party.phone}"
        yield Text(x, top + 1.8 * unit + 1.1 * size, fitting(who, size, width), who, bold=True)
        address = 0.85 * size
        for at, line in enumerate(wrapped(party.address, address, width, lines)):
            yield Text(x, top + 1.8 * unit + 2.6 * size + 1.3 * address * at, address, line)

    def _foot(self, label: Label, top: float, side: float) -> Iterator[Mark]:
        unit = self._unit
        yield Matrix(self._left, top, side, tuple(qr(label.receipt)))
        x, width = self._left + side + 3 * unit, self._width - side - 3 * unit
        several = f"  共 {label.orders} 单 / {label.orders} orders" if label.orders > 1 else ""
        texts = (
            ("扫码查看谁看过您的信息", 3.4),
            ("Scan: who looked at your data", 2.8),
            (label.waybill_no, 3.0),
            (label.day + several, 3.0),
        )
        y = top
        for text, size in texts:
            y += 1.8 * size * unit
            yield Text(x, y, fitting(text, size * unit, width), text)

    def _centred(self, text: str, base: float, size: float, *, bold: bool = False) -> Text:
        at = (self._size.width - width_of(text, size)) / 2
        return Text(at, base, size, text, bold=bold)
