"""Buckets on this machine: a server of S3 that a test starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
import pytest


@contextmanager
def serve_buckets() -> Iterator:
    """Give the file system of a server of S3, which is found by variables of the environment."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    try:
        with pytest.MonkeyPatch.context() as patched:
            for name, value in {
                "AWS_ENDPOINT_URL": f"http://{address}:{port}",
                "AWS_ACCESS_KEY_ID": "key",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            }.items():
                patched.setenv(name, value)
            # Those of earlier servers are kept by their arguments, which do not tell the address.
            fsspec.get_filesystem_class("s3").clear_instance_cache()
            yield fsspec.filesystem("s3")
    finally:
        server.stop()
        fsspec.get_filesystem_class("s3").clear_instance_cache()
