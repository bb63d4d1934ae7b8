#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Certificates for the tests: an authority, good ones, and all kinds of bad.

    certificates.py OPENSSL STAMP DIRECTORY

Each NAME.pem in the directory has a certificate (with what belongs to its
chain) and the key. ca.pem is the authority that the tests trust; other.pem is
one that they do not.
"""

import pathlib
import subprocess
import sys

OPENSSL, STAMP, WHERE = sys.argv[1], pathlib.Path(sys.argv[2]), \
    pathlib.Path(sys.argv[3])
NAMES = "DNS:localhost,DNS:server.test,IP:127.0.0.1,IP:::1"


def openssl(*args):
    done = subprocess.run([OPENSSL, *args], cwd=WHERE, capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(f"openssl {' '.join(args)}\n{done.stderr}")


def key(name, bits):
    kind = ["RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"] if bits else \
        ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl("genpkey", "-algorithm", *kind, "-out", f"{name}.key")


def extensions(name, lines):
    (WHERE / f"{name}.ext").write_text("[x]\n" + "\n".join(lines) + "\n")
    return "-extfile", f"{name}.ext", "-extensions", "x"


def join(name, *parts):
    text = "".join((WHERE / part).read_text() for part in parts)
    (WHERE / f"{name}.pem").write_text(text)


def authority(name, issuer=None, length=None):
    path = f",pathlen:{length}" if length is not None else ""
    leaf(name, issuer=issuer, bits=0, subject=f"/CN={name} authority",
         lines=[f"basicConstraints=critical,CA:true{path}",
                "keyUsage=critical,keyCertSign,cRLSign",
                "subjectKeyIdentifier=hash"])


def leaf(name, san=NAMES, issuer="ca", chain=(), subject="/CN=leaf", bits=0,
         digest="sha256", dates=None, lines=None, usage="serverAuth"):
    key(name, bits)
    openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out",
            f"{name}.csr")
    if lines is None:
        lines = ["basicConstraints=CA:false", f"extendedKeyUsage={usage}"]
        lines += [f"subjectAltName={san}"] if san else []
    ext = extensions(name, lines)
    signer = ["-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key",
              "-CAcreateserial"] if issuer else ["-signkey", f"{name}.key"]
    if dates:
        (WHERE / f"{name}.index").write_text("")
        (WHERE / f"{name}.cnf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={name}.index\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=p\nunique_subject=no\nrand_serial=yes\n"
            "[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-notext", "-config", f"{name}.cnf", "-cert",
                f"{issuer}.crt", "-keyfile", f"{issuer}.key", "-in",
                f"{name}.csr", "-out", f"{name}.crt", "-startdate", dates[0],
                "-enddate", dates[1], *ext)
    else:
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt",
                "-days", "3650", f"-{digest}", *signer, *ext)
    join(name, f"{name}.crt", *(f"{c}.crt" for c in chain), f"{name}.key")


def main():
    WHERE.mkdir(parents=True, exist_ok=True)
    authority("ca")
    authority("other")
    authority("middle", issuer="ca", length=0)
    leaf("server")
    leaf("unknown", issuer="other")
    leaf("self", issuer=None)
    leaf("wronghost", san="DNS:elsewhere.test,IP:127.0.0.9")
    leaf("expired", dates=("20200101000000Z", "20210101000000Z"))
    leaf("future", dates=("20900101000000Z", "20910101000000Z"))
    leaf("chained", issuer="middle", chain=("middle",))
    leaf("unchained", issuer="middle")
    leaf("wildcard", san="DNS:*.wild.test")
    leaf("partial", san="DNS:w*.a.test")
    leaf("common", san=None, subject="/CN=server.test")
    leaf("purpose", usage="clientAuth")
    leaf("client", usage="clientAuth", subject="/CN=a client", san=None)
    leaf("weakkey", bits=1024)
    leaf("weakhash", digest="sha1")
    STAMP.write_text("")


if __name__ == "__main__":
    main()
