"""DKIM (RFC 6376): a domain's signature below each mail, by a key that its DNS tells the public half of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from digests.deliver.carriers import BadCarrier

SIGNED = """
from to subject date message-id list-id list-unsubscribe list-unsubscribe-post feedback-id auto-submitted
mime-version content-type
""".split()


@dataclass(frozen=True)
class Signer:
    """Signs mails of `domain` with the key published at `selector`._domainkey.`domain`."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, key_file: str, selector: str, domain: str) -> Signer:
        """With the private key in a PEM file; tries it once. Raises BadCarrier."""
        if not selector:
            raise BadCarrier(
                "DAYBREAK_DKIM_KEY is set without DAYBREAK_DKIM_SELECTOR: name the part before ._domainkey in the DNS."
            )
        try:
            signer = cls(domain, selector, Path(key_file).expanduser().read_bytes())
        except OSError as error:
            raise BadCarrier(f"The DKIM key {key_file} cannot be read ({error.strerror}).") from error
        try:
            signer(b"From: a@b.example\r\n\r\n")
        except ModuleNotFoundError as error:
            raise BadCarrier(
                f"Signing needs {error.name}: start Daybreak with `uv run --extra dkim daybreak …`."
            ) from error
        except Exception as error:
            raise BadCarrier(f"The DKIM key {key_file} is no private RSA key in PEM ({error}).") from error
        return signer

    def __call__(self, message: bytes) -> bytes:
        """The mail with its signature on top, which says when it was signed."""
        import dkim  # an extra: most servers sign what they relay

        present = {
            line.partition(b":")[0].lower() for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n")
        }
        signature = dkim.sign(
            message,
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name.encode() for name in SIGNED if name.encode() in present],
        )
        return bytes(signature) + message
