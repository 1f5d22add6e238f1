"""What verbs do to the steps, bytes and head of a script."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import msgspec

from turnout.testing.fault_provider.script import (
    FOREVER,
    Close,
    HalfClose,
    Pause,
    Reset,
    Script,
    Send,
    Step,
)

_SEEN_S = 0.02  # a reset overtakes what the client has not read yet; this lets it read
_BLOCK = b"0" * 1_000_000
_GZIP = 16 + zlib.MAX_WBITS


def rst_after_request(script: Script) -> None:
    """Read the request, then reset."""
    script.before.append(Reset())
    script.billed = False


def hang_headers(script: Script) -> None:
    """Read the request, then nothing."""
    script.before.append(Pause(FOREVER))


def delay_headers(script: Script, s: float) -> None:
    """Be silent before the head."""
    script.before.append(Pause(s))


def delay_first_token(script: Script, s: float) -> None:
    """Be silent after the head."""
    script.body.insert(0, Pause(s))


def stall_after(script: Script, n: int, s: float) -> None:
    """Be silent after `n` tokens."""
    script.body.insert(script.after(n), Pause(s))


def drip(script: Script, ms: float) -> None:
    """Be silent before each token."""
    script.body = [
        each
        for index, step in enumerate(script.body)
        for each in ((Pause(ms / 1000), step) if script.is_token(index) else (step,))
    ]


def cut_after(script: Script, n: int) -> None:
    """Close after `n` tokens, whatever was promised."""
    script.body.insert(script.after(n), Close())


def rst_after_n_tokens(script: Script, n: int) -> None:
    """Reset after `n` tokens."""
    place = script.after(n)
    script.body[place:place] = [Pause(_SEEN_S), Reset()]


def half_close(script: Script, n: int) -> None:
    """Close the sending side after `n` tokens, and leave the connection open."""
    script.body.insert(script.after(n), HalfClose())


def crlf(script: Script) -> None:
    """End lines with CR LF."""
    _rewrite(script, lambda data: data.replace(b"\n", b"\r\n"))


def cr(script: Script) -> None:
    """End lines with CR."""
    _rewrite(script, lambda data: data.replace(b"\n", b"\r"))


def _rewrite(script: Script, change: Callable[[bytes], bytes]) -> None:
    script.body = [
        msgspec.structs.replace(step, data=change(step.data)) if isinstance(step, Send) else step
        for step in script.body
    ]


def sliced(script: Script) -> None:
    """Write each byte of the body by itself."""
    script.body = [byte for step in script.body for byte in _bytes_of(step)]


def _bytes_of(step: Step) -> Iterator[Step]:
    if not isinstance(step, Send):
        yield step
        return
    for byte in step.data[:-1]:
        yield Send(bytes([byte]))
        yield Pause(0)
    yield Send(step.data[-1:], step.tokens, step.mark)


def gzip(script: Script) -> None:
    """Compress the body, asked for or not."""
    script.headers["content-encoding"] = "gzip"
    packer = zlib.compressobj(wbits=_GZIP)
    _rewrite(script, lambda data: packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))
    script.body.append(Send(packer.flush()))


def gzip_bomb(script: Script, mb: int) -> None:
    """Put a body before the answer that is small until it is unpacked."""
    script.headers["content-encoding"] = "gzip"
    packer = zlib.compressobj(9, wbits=_GZIP)
    start = b"data: " if script.streamed else b'{"padding":"'
    packed = packer.compress(start) + b"".join(packer.compress(_BLOCK) for _ in range(mb)) + packer.flush()
    script.body = [Send(packed)]


def bad_gzip(script: Script) -> None:
    """Say that the body is compressed, which it is not."""
    script.headers["content-encoding"] = "gzip"


def wrong_content_length(script: Script, delta: int) -> None:
    """Announce more or fewer bytes than are sent."""
    script.length_error = delta
    script.keep_alive = False


def cl_and_te(script: Script) -> None:
    """Announce a length and send chunks."""
    script.both_framings = True


def many_headers(script: Script, kb: int) -> None:
    """Send that many kilobytes of headers."""
    script.headers |= {f"x-filler-{index}": "x" * 1000 for index in range(kb)}


def slow_header_bytes(script: Script, ms: float) -> None:
    """Write each byte of the head by itself, slowly."""
    script.header_pause_s = ms / 1000
