"""Settings of cuDNN, which belong to the whole process, are put back in any order."""

import threading

import torch

from skw2c.models._exact import exact_cudnn


def settings():
    cudnn = torch.backends.cudnn
    return cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32


def test_settings_are_put_back():
    before = settings()
    with exact_cudnn():
        assert settings() == (False, True, False)
        with exact_cudnn():
            assert settings() == (False, True, False)
        assert settings() == (False, True, False)
    assert settings() == before


def test_threads_that_overlap():
    before = settings()
    first_is_in, second_is_in = threading.Event(), threading.Event()
    seen = []

    def second():
        first_is_in.wait()
        with exact_cudnn():
            second_is_in.set()
            first.join()
            seen.append(settings())

    def leave_early():
        with exact_cudnn():
            first_is_in.set()
            second_is_in.wait()

    first, other = threading.Thread(target=leave_early), threading.Thread(target=second)
    first.start()
    other.start()
    other.join()
    assert seen == [(False, True, False)]
    assert settings() == before
