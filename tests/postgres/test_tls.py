"""TLS to a server that speaks it: what sslmode demands is kept, and each way to fail is one sentence that names what helps."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from uuid import UUID

import machine_server
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from storage.errors import AccessRefused, SessionNotFound
from storage.store import Store

ENCRYPTED_ONLY = machine_server.ADMITTED.replace("host ", "hostssl ")
ENCRYPTED = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
SOMEBODY = UUID(int=1)
NOW = datetime.now(UTC)


def certify(folder, name, days=1, owner="localhost"):
    """Write a certificate for its owner, signed by itself and good for so many days, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=9))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files = folder / f"{name}.crt", folder / f"{name}.key"
    files[0].write_bytes(certificate.public_bytes(pem))
    files[1].write_bytes(key.private_bytes(pem, *plain))
    files[1].chmod(0o600)  # libpq takes no key that others may read
    return files


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Return a folder with the certificate of the server, another one and one that has expired."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, days in (("server", 1), ("other", 1), ("expired", -1)):
        certify(folder, name, days)
    return folder


@pytest.fixture(scope="module")
def url_of(certificates):
    """Start a server that takes encrypted connections only, and return the URL of its database as a person writes it."""
    files = [certificates / "server.crt", certificates / "server.key"]
    server = machine_server.start(ENCRYPTED_ONLY, files, ssl="on")
    store = Store(server.url())
    store.upgrade()
    store.close()

    def url_of(host="localhost", **query):
        named = {name: value.format(folder=certificates) for name, value in query.items()}
        return server.url(host=host, query=named)

    yield url_of
    server.stop()


def asked(url):
    """Return what a store's connection says of its encryption."""
    store = Store(url)
    with store._transaction() as connection:
        (row,) = connection.exec_driver_sql(ENCRYPTED)
    store.close()
    return tuple(row)


TRUSTED = {"sslrootcert": "{folder}/server.crt"}


@pytest.mark.parametrize(
    "query",
    [
        {"sslmode": "require"},
        {"sslmode": "verify-ca", **TRUSTED},
        {"sslmode": "verify-full", **TRUSTED},
        {"sslmode": "verify-full", "ssl_min_protocol_version": "TLSv1.3", "channel_binding": "require", **TRUSTED},
    ],
    ids=["require", "verify-ca", "verify-full", "and no older protocol"],
)
def test_a_connection_of_which_the_url_demands_it_is_encrypted(url_of, query):
    assert asked(url_of(**query)) == (True, "TLSv1.3")


def test_a_url_may_ask_for_an_older_protocol(url_of):
    assert asked(url_of(sslmode="require", ssl_max_protocol_version="TLSv1.2")) == (True, "TLSv1.2")


def test_a_store_works_over_it(url_of):
    store = Store(url_of(sslmode="verify-full", **TRUSTED))
    assert store.check() == []
    with pytest.raises(SessionNotFound):
        store.claim(SOMEBODY)
    store.close()


REFUSED = [
    (
        "localhost", {"sslmode": "verify-full", "sslrootcert": "{folder}/other.crt"},
        "its certificate has expired or is not signed by one of the URL's sslrootcert",
    ),
    (
        "localhost", {"sslmode": "verify-full", "sslrootcert": "system"},
        "its certificate has expired or is not signed by one of the URL's sslrootcert",
    ),
    (
        "127.0.0.1", {"sslmode": "verify-full", **TRUSTED},
        "its certificate is for another host, which sslmode=verify-full refuses",
    ),
    (
        "localhost", {"sslmode": "verify-full", "sslrootcert": "/nowhere/root.crt"},
        'root certificate file "/nowhere/root.crt" does not exist',
    ),
    (
        "localhost", {"sslmode": "disable"},
        "its pg_hba.conf admits no such user from here, or only with another sslmode",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "query", "why"), REFUSED, ids=["signed by another", "by nobody known", "other host", "no file", "disable"]
)
def test_what_does_not_hold_is_one_sentence_at_once(url_of, paperdex, host, query, why):
    url = url_of(host, **query)
    status, told, complained = paperdex("db", "check", "--database-url", url)
    port = url.rpartition(":")[2].split("/")[0]
    assert (status, told) == (2, "")
    assert complained == (
        f"The database at {host}:{port}/postgres refuses this login: {why}; "
        "nothing but another right, password or URL helps.\n"
    )


def test_a_certificate_that_has_expired_is_refused(certificates):
    server = machine_server.start(
        ENCRYPTED_ONLY, [certificates / "expired.crt", certificates / "expired.key"],
        ssl="on", ssl_cert_file="expired.crt", ssl_key_file="expired.key",
    )  # fmt: skip
    query = {"sslmode": "verify-full", "sslrootcert": str(certificates / "expired.crt")}
    store = Store(server.url(host="localhost", query=query))
    with pytest.raises(AccessRefused, match="its certificate has expired"):
        store.checkpoint(SOMEBODY)
    store.close()
    server.stop()


@pytest.fixture(scope="module")
def by_certificate(certificates):
    """Start a server that knows its users by their certificates, and return the URL of its database without password."""
    mine = certify(certificates, "client", owner=machine_server.USER)
    others = certify(certificates, "other user", owner="somebody")
    certify(certificates, "stranger", owner=machine_server.USER)
    for file in mine:
        shutil.copy(file, certificates / f"open{file.suffix}")
    (certificates / "open.key").chmod(0o644)
    known = certificates / "known.crt"
    known.write_bytes(mine[0].read_bytes() + others[0].read_bytes())
    files = [certificates / "server.crt", certificates / "server.key", known]
    rules = ENCRYPTED_ONLY.replace("scram-sha-256", "cert")
    server = machine_server.start(rules, files, ssl="on", ssl_ca_file="known.crt")

    def by_certificate(name):
        query = (
            {"sslcert": str(certificates / f"{name}.crt"), "sslkey": str(certificates / f"{name}.key")} if name else {}
        )
        query |= {"sslmode": "verify-full", "sslrootcert": str(certificates / "server.crt")}
        return server.url(host="localhost", password=None, query=query)

    yield by_certificate
    server.stop()


def test_a_certificate_of_the_url_is_a_login(by_certificate):
    assert asked(by_certificate("client")) == (True, "TLSv1.3")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("stranger", "it does not know who signed the certificate of the URL's sslcert"),
        ("other user", "the certificate of the URL's sslcert is another user's"),
        ("open", "has group or world access"),
        ("", "it asks for a certificate; name yours by sslcert and sslkey in the URL"),
    ],
)
def test_without_a_certificate_that_the_server_knows_nobody_comes_in(by_certificate, paperdex, name, why):
    status, told, complained = paperdex("db", "check", "--database-url", by_certificate(name))
    assert (status, told) == (2, "")
    assert why in complained
    assert complained.endswith("; nothing but another right, password or URL helps.\n")
    assert complained.count("\n") == 1
