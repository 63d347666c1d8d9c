"""embed_corpus: very many files in, a data set of their vectors out."""

from __future__ import annotations

import os
import time
from contextlib import closing
from numbers import Integral

from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ..audio import Levels, warn_of_cancellation, warn_of_scale
from ..exceptions import FailedFileWarning
from ..system._optional import import_optional
from ..system._progress import progress_bar
from ..system._warning import warn_caller
from ._division import check_share


@validate_params(
    {
        "out": [str, os.PathLike],
        "part": [tuple],
        "missing": [StrOptions({"keep", "remove"})],
        "retry_failed": ["boolean"],
        "files_per_part": [Interval(Integral, 1, None, closed="left")],
        "bytes_per_part": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "nan"})],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,
)
def embed_corpus(
    files,
    out,
    encoder,
    client=None,
    *,
    part=(1, 1),
    missing="keep",
    retry_failed=False,
    files_per_part=1000,
    bytes_per_part=2_000_000_000,
    on_error="nan",
    verbose=True,
):
    """Embed very many files, as a data set of Parquet files that can be brought up to date.

    The files are divided into parts, which are computed in this process or on a cluster of Dask.
    Each part is a file that is there whole or not at all, so that a run that was killed goes on
    where it was. A later run computes only files that are new or have changed.

    Parameters
    ----------
    files : str, Path or collection of them
        A folder, which is searched for sounds with all folders in it; a pattern such as
        ``"takes/**/*.wav"``; an archive; or an address of fsspec, such as ``"s3://bucket/takes"``.
        A list, Series or column of a DataFrame consists of single files, which may also be
        addresses and members of archives (``"archive.zip::rain.wav"``).

    out : str or Path
        The folder of the data set, made if it is missing. It may be an address, too. It must be
        the same for all workers of a cluster.

    encoder : str or transformer
        Name of a registered encoder of sound, such as ``"mini"``; or an encoder or a fitted
        pipeline, which is not changed.

    client : distributed.Client, str, int or None, default=None
        A client of Dask, or the address of its scheduler, such as ``"tcp://10.0.0.5:8786"``; a
        number starts so many worker processes on this machine (in a script, that must stand below
        ``if __name__ == "__main__":``). None computes in threads of this process. Dask needs the
        extra ``dask``.

    part : tuple (k, n), default=(1, 1)
        Compute only every n-th part, beginning with the k-th, so that n processes share the work
        without a scheduler, with the same arguments otherwise.

    missing : {"keep", "remove"}, default="keep"
        What becomes of the rows of files that are not among ``files``, and do not exist any more.
        Files of earlier runs that exist always keep theirs.

    retry_failed : bool, default=False
        Whether to try files again that failed in an earlier run and have not changed. Those that
        could not be reached are always tried again.

    files_per_part, bytes_per_part : int, default=1000 and 2,000,000,000
        Most files of a part, and most bytes of their content. Few files are divided into smaller
        parts. A file of more than a quarter of these bytes is a part of its own. What was divided
        once stays so.

    on_error : {"raise", "nan"}, default="nan"
        What to do with a file that cannot be read. ``"nan"`` keeps its row, without a vector and
        with the reason as ``error``, and issues one
        :class:`~skw2c.exceptions.FailedFileWarning`. ``"raise"`` stops; parts that are finished
        stay.

    verbose : bool or int, default=True
        Whether to show a progress bar.

    Returns
    -------
    result : Bunch
        What the data set holds, as far as this run's share goes: ``n_files`` (int), ``n_parts``
        (int) and ``failures`` (list of tuple (row, file, cause)). What was done:
        ``n_embedded`` (int, files that were read and have a vector), ``seconds`` (float, of their
        sound) and ``elapsed`` (float, seconds that it took). ``failures_file`` (str or None) is
        the table of all failures.

    Raises
    ------
    CorpusError
        If ``out`` holds vectors of another encoder, or is no folder of vectors; or if a worker
        has other versions of skw2c or torch, or does not see ``out``.
    LockedError
        If another run is working on the same share. It is a `FileExistsError`.
    AudioError
        If a file cannot be read and ``on_error="raise"``.
    ConnectionError
        If the scheduler does not answer, is lost, or has no workers.
    OSError
        If files cannot be listed, or vectors cannot be written.
    OptionalDependencyError
        If pyarrow (extra ``parquet``), Dask (extra ``dask``) or a package for a protocol (extra
        ``remote``) is missing.
    ValueError, TypeError
        If there are no files, or an argument is wrong.

    Warns
    -----
    FailedFileWarning
        If files could not be read and ``on_error="nan"``.
    UserWarning
        If the channels of clips cancel each other out in the mono mix; or if samples are far
        beyond [-1, 1], and the vectors depend on it. The first such clips are named.

    See Also
    --------
    AudioIndex : Finds sounds by words or sounds.
    write_shards : Data for training, on several machines.

    Notes
    -----
    The folder holds ``part-000000.parquet`` and so on, with these columns, one row for each file;
    in frame mode one for each window, with its ``start`` and ``end`` in seconds:

    - ``file``: the absolute path or the address;
    - ``vector``: a list of fixed length, float32; null where there is an error;
    - ``error``: the reason, or null;
    - ``size`` in bytes, ``modified``, and ``etag`` of files in buckets, as they were when the file
      was read;
    - ``digest``: SHA-256 of the content;
    - ``seconds``: how long the clip is, where the encoder says so.

    The metadata of the schema hold under ``skw2c``, in JSON, the encoder with the checksum of its
    weights, and the versions of skw2c and torch. The folder ``_corpus``, which readers of Parquet
    pass over, holds the plan of the parts, and ``failures.csv``.

    A file is known again by size and time of modification, or by the tag that its server gives
    it. Where these differ, or the file had changed less than two seconds before it was read, its
    content decides. What an earlier run began is finished, also if its files are not among those of
    this run. The bits of a vector do not depend on the order of the files, on the number of
    threads, or on how they are divided among processes of one kind: on a CPU each clip is computed
    by itself, by one thread.

    A file elsewhere is brought into a temporary file and deleted. Credentials are found where the
    packages of the protocols look for them, such as the environment, also that of the workers;
    they are never sent. Workers of Dask run what anybody sends who reaches the scheduler: let it
    listen on a network that you trust, or use TLS.

    A file that kills the processes which read it, such as by a fault of a decoder, is found out on
    a cluster, and becomes a row with an error; here it would end this process.

    Examples
    --------
    >>> import pandas as pd
    >>> import soundfile
    >>> from pathlib import Path
    >>> from skw2c import datasets, embed_corpus
    >>> Path("sounds").mkdir()
    >>> clips = datasets.make_sound_events(5, random_state=0)
    >>> for number, clip in enumerate(clips.data):
    ...     soundfile.write(f"sounds/{number}.wav", clip, clips.sampling_rate)
    >>> result = embed_corpus("sounds", "vectors", "mini", verbose=False)
    >>> result.n_files, result.n_embedded, result.failures
    (5, 5, [])
    >>> table = pd.read_parquet("vectors")
    >>> len(table), len(table["vector"][0])
    (5, 512)
    >>> embed_corpus("sounds", "vectors", "mini", verbose=False).n_embedded
    0
    """
    import_optional("pyarrow", extra="parquet", purpose="A data set of vectors")
    from ._cluster import open_client
    from ._run import CorpusRun

    began = time.monotonic()
    run = CorpusRun(
        files,
        out,
        encoder,
        check_share(part),
        missing=missing,
        retry_failed=retry_failed,
        on_error=on_error,
        files_per_part=files_per_part,
        bytes_per_part=bytes_per_part,
    )
    with run.hold():
        n_todo = run.plan()
        drawn = progress_bar(
            n_todo, unit="file", desc="embedding", verbose=verbose and n_todo, with_rate=True
        )
        with (
            open_client(client if n_todo else None) as cluster,
            drawn as bar,
            closing(run.work(cluster, bar.update)) as reports,
        ):
            done = list(reports)
        result = run.sum_up()
    result.n_embedded = sum(report.n_embedded for report in done)
    result.seconds = sum(report.seconds for report in done)
    result.elapsed = time.monotonic() - began
    remarks = {row: remark for report in done for row, remark in run.remarks_of(report).items()}
    _warn(result, remarks, heeds_scale=run.heeds_scale)
    return result


def _warn(
    result: Bunch, remarks: dict[int, tuple[str | None, Levels]], *, heeds_scale: bool
) -> None:
    warn_of_cancellation(remarks)
    if heeds_scale:
        warn_of_scale(remarks)
    if result.failures:
        warn_caller(FailedFileWarning(result.failures, result.n_files, "file"))
