"""A process that forks while one of its threads loads weights."""

import os

import pytest

from .processes import run_python

PROGRAM = """
import os, signal, sys, threading
import numpy as np
from skw2c import Wav2CLIPTransformer
from skw2c.models._network_cache import keep_network
from skw2c.models._exact import exact_cudnn

transformer, clips = Wav2CLIPTransformer("mini").fit(), [np.ones(9000)]
loading, loaded = threading.Event(), threading.Event()

def load():
    def build():
        loading.set()
        loaded.wait()

    with exact_cudnn():
        keep_network(("slow",), build)

thread = threading.Thread(target=load)
thread.start()
loading.wait()
child = os.fork()
if not child:
    signal.alarm(100)  # the parent waits
    with exact_cudnn():
        transformer.transform(clips)
    os._exit(0)
status = os.waitpid(child, 0)[1]
loaded.set()
thread.join()
transformer.transform(clips)
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_fork_while_a_thread_loads_weights():
    run_python("-c", PROGRAM)
