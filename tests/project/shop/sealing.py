"""A toy codec: enough to see that nothing readable is stored. No encryption."""

_PAD = 0x5A


class Codec:
    """Turns every bit pattern around, behind a mark."""

    def seal(self, clear: bytes) -> bytes:
        return b"toy" + bytes(byte ^ _PAD for byte in clear)

    def open(self, sealed: bytes) -> bytes:
        if not sealed.startswith(b"toy"):
            raise ValueError("not sealed by this codec")
        return bytes(byte ^ _PAD for byte in sealed[3:])
