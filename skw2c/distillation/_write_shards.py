"""write_shards: videos in, shards of their sound and of a teacher's vectors out."""

from __future__ import annotations

import glob
import os
from numbers import Integral
from pathlib import Path

from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from ..corpus._cluster import open_client
from ..corpus._division import check_share
from ..corpus._search import search_files
from ..exceptions import LeftOutWarning, VideoError
from ..files import is_archive, is_remote
from ..images import VideoFile
from ..system._extensions import VIDEO_EXTENSIONS
from ..system._progress import progress_bar
from ..system._warning import warn_caller
from ..transformers._clip_video_encoder import CLIPVideoEncoder
from ..validation._captions import check_captions
from ..validation._images import list_videos
from ..validation._intervals import PER_SECOND, RATE, SECONDS
from ._shard_plan import ShardPlan
from ._shard_run import ShardRun
from ._shard_writer import ShardTerms, name_row


@validate_params(
    {
        "folder": [str, os.PathLike],
        "teacher": [CLIPVideoEncoder],
        "frame_rate": [PER_SECOND, None],
        "piece_length": [SECONDS],
        "sampling_rate": [RATE],
        "clips_per_shard": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Interval(Integral, None, None, closed="neither"), None],
        "part": [tuple],
        "on_error": [StrOptions({"raise", "nan"})],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,
)
def write_shards(
    videos,
    folder,
    *,
    teacher,
    frame_rate=None,
    piece_length=10.0,
    sampling_rate=16000,
    clips_per_shard=1000,
    captions=None,
    n_jobs=None,
    client=None,
    part=(1, 1),
    on_error="nan",
    verbose=True,
):
    """Write the sound of videos, and a teacher's vectors of their frames, as shards.

    What training needs is thereby computed once. The shards are plain tar files in the naming
    of WebDataset; :class:`~skw2c.ClipShards` reads them in any order without loading them.

    Parameters
    ----------
    videos : list, tuple, Series, DataFrame or array of str or Path, of shape (n_videos,)
        Paths of videos with sound, addresses such as ``"s3://bucket/a.mp4"``, and members of
        archives (``"takes.zip::a.mp4"``). Or a single str or Path that stands for many: a folder,
        which is searched with all folders in it, a pattern such as ``"takes/**/*.mp4"``, an
        archive, or an address such as ``"s3://bucket/takes"``; its videos are sorted by name.

    folder : str or Path
        Where the shards are written. It is created if it is missing. It must be the same for all
        workers of a cluster.

    teacher : CLIPVideoEncoder
        What makes the vectors. It is used with ``pool=None``; fitted where it is not.

    frame_rate : float or None, default=None
        Frames per second. None takes the ``fps`` of the teacher.

    piece_length : float, default=10.0
        Longer sounds are cut into equal pieces of about this many seconds: as many as
        the duration divided by this, rounded, so that nothing is left over.

    sampling_rate : int, default=16000
        Rate of the sound in Hz: that of the encoder that is trained on it. Those of
        EfficientAT, such as ``"mn04"``, hear 32000.

    clips_per_shard : int, default=1000
        Videos per shard. All pieces of a video are in the same shard. A video of ten seconds
        takes about 0.6 MB under the default teacher.

    captions : list, tuple, Series or array of str, of shape (n_videos,), or None, default=None
        A text for each video, embedded by the same CLIP.

    n_jobs : int or None, default=None
        Videos that are read at the same time, on a cluster by each worker. None is one, -1 as many
        as there are processors.

    client : distributed.Client, str, int or None, default=None
        A client of Dask, or the address of its scheduler, such as ``"tcp://10.0.0.5:8786"``; a
        number starts so many worker processes on this machine (in a script, that must stand below
        ``if __name__ == "__main__":``). None writes in this process. Dask needs the extra ``dask``.

    part : tuple (k, n), default=(1, 1)
        Write only every n-th shard, beginning with the k-th, so that n machines share the
        work, with the same arguments otherwise. They may share the folder, or their
        folders are copied together afterwards.

    on_error : {"raise", "nan"}, default="nan"
        What becomes of a video that has no sound or no frames, or is damaged. ``"nan"``, as
        elsewhere, goes on: it is left out, and listed with the cause in one
        :class:`~skw2c.exceptions.LeftOutWarning`, in the result, and in the file
        ``failures.csv`` of the folder. ``"raise"`` stops; shards that are finished stay.

    verbose : bool or int, default=True
        Whether to show a progress bar.

    Returns
    -------
    result : Bunch
        Of this part, including what was there before: ``n_clips`` (int), ``seconds`` (float,
        of sound) and ``failures`` (list of tuple (row, file, cause)).

    Raises
    ------
    ShardError
        If the folder holds shards of other videos or of another configuration, or another run
        is writing the same part of them; or if a worker does not see it, or has other versions of
        the packages.
    AudioError, VideoError
        If a video cannot be read and ``on_error="raise"``.
    TextError
        If a caption is not a string.
    ConnectionError
        If the scheduler does not answer, is lost, or has no workers.
    OSError
        If videos cannot be listed, or shards cannot be written.
    OptionalDependencyError
        If Dask (extra ``dask``) or a package for a protocol (extra ``remote``) is missing.
    ValueError, TypeError
        If another argument is wrong.

    Warns
    -----
    LeftOutWarning
        If videos could not be read and ``on_error="nan"``.

    See Also
    --------
    ClipShards : Reads the shards.
    embed_corpus : Vectors of very many sounds, on the same clusters.

    Notes
    -----
    Each shard appears complete or not at all. Run again with the same arguments, an interrupted
    run goes on: shards that are finished are kept, with the failures in them. To try failed
    videos again, delete their shards. Shards that lack a video which could not be reached are
    written again.

    The bytes of a shard do not depend on the order of the work, on the number of threads, or on
    how it is divided among processes of one kind: on a CPU, a batch of frames is computed by one
    thread. Videos elsewhere are fetched into temporary files and deleted; in shards they have the
    same names as in a folder. Credentials are found where the packages of the protocols look for
    them, such as the environment, also that of the workers; they are never sent. A video that
    kills the processes which read it is found out on a cluster, and left out as others that fail;
    in this process it would end it. Workers of Dask run what anybody sends who reaches the
    scheduler: let it listen on a network that you trust, or use TLS.

    A clip ``K`` has the members ``K.audio.npy`` (n_samples,), int16;
    ``K.vectors.npy`` (n_frames, width), float16; with captions ``K.text.npy`` (width,),
    float16; and ``K.json``: ``name`` of the video relative to the folder that all videos have
    in common, ``start`` and ``duration`` of the piece in seconds, and ``caption``. Videos and
    configuration are in ``shards.json``.

    Time starts with the file, for sound and frames alike. Pieces are cut where a frame
    begins. Frames after the end of the sound are kept with the last piece; sound after the
    end of the frames goes with the last frame.

    Examples
    --------
    An untrained teacher, so that nothing is downloaded; ``videos`` is a list of two paths:

    >>> from skw2c import CLIPVideoEncoder, write_shards
    >>> teacher = CLIPVideoEncoder("ViT-S-32", None, fps=2, random_state=0)
    >>> write_shards(videos, "shards", teacher=teacher, verbose=False)
    {'n_clips': 2, 'seconds': 4.0, 'failures': []}
    """
    _refuse_address(folder)
    videos = _list_videos(videos)
    teacher = _prepare(teacher, frame_rate)
    _check_piece_length(piece_length, teacher.fps)
    texts = _check_captions(captions, len(videos))
    share = check_share(part)
    plan = ShardPlan(videos, texts, clips_per_shard, piece_length, int(sampling_rate))
    terms = ShardTerms(teacher, plan.rate, plan.piece_length, on_error, n_jobs)
    run = ShardRun(Path(folder), plan, terms, share)
    with run.hold():
        n_todo = run.find_missing()
        drawn = progress_bar(n_todo, unit="video", desc="writing shards", verbose=verbose)
        with open_client(client if n_todo else None) as cluster, drawn as bar:
            for _ in run.work(cluster, bar.update):
                pass
        result = run.sum_up()
    if result.failures:
        if on_error == "raise":
            raise VideoError(name_row(*result.failures[0]))
        warn_caller(LeftOutWarning(result.failures, run.n_videos, "video"))
    return result


def _refuse_address(folder: str | os.PathLike) -> None:
    if is_remote(os.fspath(folder)):
        raise ValueError(
            f"folder={os.fspath(folder)!r} is an address, and training reads shards in any order: "
            "choose a folder on this machine, or on a disk that machines share"
        )


def _list_videos(videos) -> list[str]:
    if isinstance(videos, (str, os.PathLike)) and _stands_for_many(os.fsdecode(videos)):
        return search_files(videos, VIDEO_EXTENSIONS, "mp4, mkv")
    names = []
    for row, item in enumerate(list_videos(videos)):
        try:
            names.append(VideoFile(item).name)
        except VideoError as exc:
            raise VideoError(f"Row {row}: {exc}") from exc
    return names


def _stands_for_many(name: str) -> bool:
    is_folder = os.path.isdir(name)
    return is_folder or is_remote(name) or is_archive(name) or glob.has_magic(name)


def _prepare(teacher: CLIPVideoEncoder, frame_rate: float | None) -> CLIPVideoEncoder:
    """A fitted copy that gives the vector of each frame."""
    own = clone(teacher).set_output(transform="default")
    own.set_params(pool=None, on_error="raise", verbose=False)
    if frame_rate is not None:
        own.set_params(fps=frame_rate)
    return own._adopt(teacher.weights_) if hasattr(teacher, "weights_") else own.fit()


def _check_piece_length(piece_length: float, fps: float) -> None:
    if piece_length * fps < 2:
        raise ValueError(
            f"piece_length={piece_length} is too short for {fps} frames per second: pieces are cut "
            "where a frame begins, and need two frames each"
        )


def _check_captions(captions, n_videos: int) -> list[str] | None:
    if captions is None:
        return None
    texts = check_captions(captions)
    if len(texts) != n_videos:
        raise ValueError(f"There are {len(texts)} captions for {n_videos} videos")
    return texts
