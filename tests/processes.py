"""Processes of Python that start in a moment: forks of a server that has loaded heavy packages.

Loading torch and scikit-learn takes seconds, and dozens of tests need a process of their own. These
know nothing of the test's process but its folder and its environment variables; they load skw2c
themselves, and can be killed. Use ``subprocess`` instead where a test is about what is loaded, or
about how Python itself starts and ends.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

# Elsewhere forks are not safe, and the processes just start slowly.
_CONTEXT = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
_CONTEXT.set_forkserver_preload(
    ["pytest", "torch", "torch._dynamo", "sklearn.neighbors", "pandas", "soundfile", "open_clip"]
)
_PATH = tuple(sys.path)
_LONGEST = 600  # seconds, on a busy machine


class Python:
    """A process that does what ``python *command`` does.

    Parameters
    ----------
    *command : str or Path
        ``"-c"`` and code, ``"-m"`` and the name of a module, or the path of a script; and
        arguments.
    cwd : Path, default=None
        The folder where it works; by default that of the test.
    env : dict, default=None
        Its environment variables; by default those of the test. Those that Python or a library
        reads when it starts have no effect, except PYTHONPATH.
    """

    def __init__(self, *command, cwd=None, env=None):
        self.args = [str(part) for part in command]
        self._files = tempfile.TemporaryDirectory()
        self._outputs = [Path(self._files.name, name) for name in ("stdout", "stderr")]
        for path in self._outputs:
            path.touch()
        environment = dict(os.environ if env is None else env)
        given = (self.args, str(cwd or os.getcwd()), environment, _PATH, self._outputs)
        self._process = _CONTEXT.Process(target=_run, args=given)
        self._process.start()

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self._process.pid, number)

    def wait(self):
        """Wait for its end; return its status."""
        self._process.join(_LONGEST)
        if self._process.is_alive():
            self.send_signal(signal.SIGKILL)
            raise subprocess.TimeoutExpired(self.args, _LONGEST, *self._read())
        return self.returncode

    def communicate(self):
        """Wait for its end; return what it wrote to the standard output and to that of errors."""
        self.wait()
        return self._read()

    def _read(self):
        return tuple(path.read_text("utf-8") for path in self._outputs)


def run_python(*command, cwd=None, env=None, check=True):
    """Run `Python` to its end, and return what ``subprocess.run`` returns."""
    process = Python(*command, cwd=cwd, env=env)
    output, errors = process.communicate()
    if check:
        assert process.returncode == 0, errors
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _run(command, folder, environment, path, outputs):
    """Become the process, in a fork of the server."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # which packages have asked the server for
    sys.path[:] = ["", *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *path]
    for number, output in enumerate(outputs, start=1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), number)
    try:
        _execute(*command)
    finally:
        atexit._run_exitfuncs()  # a child of multiprocessing ends without them


def _execute(how, *arguments):
    if how == "-c":
        code, *arguments = arguments
        sys.argv = [how, *arguments]
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), vars(main))  # noqa: S102
    elif how == "-m":
        sys.argv = list(arguments)
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [how, *arguments]
        sys.path[0] = str(Path(how).parent)
        runpy.run_path(how, run_name="__main__")
