"""Before OpenBao's first start: its certificate, and the key of its seal. Done again it changes nothing.

    prepare.py SECRETS TRUST NAME [OWNER]

SECRETS gets `openbao.pem`, `openbao.key` and `unseal.key`, for OWNER (a uid) alone; TRUST gets `ca.pem`, for all.
"""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFE = datetime.timedelta(days=825)


def main(secrets: Path, trust: Path, name: str, owner: int | None) -> None:
    if (trust / "ca.pem").exists():
        return
    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("vault-gateway compose", ca_key, None, ca_key, "vault-gateway compose")
    server = _certificate(name, server_key, name, ca_key, "vault-gateway compose")
    written = {
        "openbao.pem": server.public_bytes(serialization.Encoding.PEM),
        "openbao.key": server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        "unseal.key": os.urandom(32),
    }
    for file, content in written.items():
        path = secrets / file
        path.touch(mode=0o600)
        path.write_bytes(content)
        if owner is not None:
            os.chown(path, owner, owner)
    # The last one: its presence says that all is there.
    (trust / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    host: str | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: str,
) -> x509.Certificate:
    """Of a server `host`, or of the authority itself where that is None."""
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if host is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(host), x509.DNSName("localhost")])
        builder = builder.add_extension(names, critical=False)
    else:
        signs = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(signs, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


if __name__ == "__main__":
    where, trusted, named, *uid = sys.argv[1:]
    main(Path(where), Path(trusted), named, int(uid[0]) if uid else None)
