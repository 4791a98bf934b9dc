"""Certificates for 127.0.0.1: one that the service under test trusts, and some that it must not."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Certificates:
    """What a server may show, and the file with the one authority that is trusted."""

    authority: Path
    right: ssl.SSLContext
    unknown: ssl.SSLContext
    wrong_host: ssl.SSLContext
    expired: ssl.SSLContext


def issue(folder: Path) -> Certificates:
    """Issue them anew; the authority is written to `folder`."""
    trusted, path = trustme.CA(), folder / "authority.pem"
    trusted.cert_pem.write_to_path(str(path))
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    return Certificates(
        authority=path,
        right=_showing(trusted.issue_cert(HOST)),
        unknown=_showing(trustme.CA().issue_cert(HOST)),
        wrong_host=_showing(trusted.issue_cert("other.example.org")),
        expired=_showing(trusted.issue_cert(HOST, not_after=yesterday)),
    )


def _showing(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context
