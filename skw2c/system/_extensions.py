"""Suffixes of sounds and videos: the one list for decoders, folders and the command line."""

from __future__ import annotations

# fmt: off
SOUND_EXTENSIONS = frozenset({
    ".aif", ".aifc", ".aiff", ".au", ".avr", ".bwf", ".caf", ".flac", ".htk", ".iff", ".ircam",
    ".mp1", ".mp2", ".mp3", ".mpa", ".mpc", ".mpga", ".nist", ".oga", ".ogg", ".opus", ".paf",
    ".pvf", ".rf64", ".sd2", ".sds", ".sf", ".snd", ".sph", ".svx", ".voc", ".w64", ".wav",
    ".wave", ".wve", ".xi",
})
"""What libsndfile is asked first to read, and PyAV where it refuses. Left out is what has no
header (.raw, .vox), which may be anything, and .mat, which is seldom a sound."""

VIDEO_EXTENSIONS = frozenset({
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m4v",
    ".mk3d", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm",
    ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".wtv",
})
"""Containers of images and sound."""

MEDIA_EXTENSIONS = VIDEO_EXTENSIONS | {
    ".aa3", ".aac", ".ac3", ".adts", ".amr", ".ape", ".dff", ".dsf", ".dts", ".eac3", ".m4a",
    ".m4b", ".m4r", ".mka", ".mlp", ".oma", ".qoa", ".ra", ".shn", ".spx", ".tak", ".thd",
    ".tta", ".weba", ".wma", ".wv",
}
"""What PyAV reads and libsndfile does not."""
# fmt: on
