"""Sound files whose tones tell which second one hears."""

import io
from fractions import Fraction

import av
import numpy as np
import soundfile


def tone(hz, seconds, rate=48000):
    """A sine of amplitude 0.4."""
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype("f4")


def heard(waveform, rate=16000):
    """Pitches in Hz (0: silence) of every tenth of a second, and seconds that each lasts."""
    size, heard = rate // 10, []
    for start in range(0, len(waveform) - size + 1, size):
        part = waveform[start : start + size]
        pitch = 10 * int(np.abs(np.fft.rfft(part)).argmax()) if np.abs(part).max() > 0.05 else 0
        if heard and abs(heard[-1][0] - pitch) <= 10:
            heard[-1][1] += 0.1
        else:
            heard.append([pitch, 0.1])
    return [(pitch, seconds) for pitch, seconds in heard if seconds > 0.15]


def assert_heard(waveform, expected, tolerance=0.16):
    """Compare with (Hz, seconds) pairs, as far as tenths of seconds can tell."""
    parts = heard(waveform)
    assert len(parts) == len(expected), parts
    for (pitch, seconds), (right_pitch, right_seconds) in zip(parts, expected, strict=True):
        assert abs(pitch - right_pitch) <= 20, parts
        assert abs(seconds - right_seconds) < tolerance, parts
    # Each part of MP3 has the padding of its encoder, up to a tenth of a second.
    total = sum(seconds for _, seconds in expected)
    assert abs(len(waveform) / 16000 - total) < max(tolerance, 0.1 * len(expected))


def sound_bytes(hz, seconds, rate, form, subtype=None, n_channels=1):
    """A tone as libsndfile writes it."""
    samples = np.repeat(tone(hz, seconds, rate)[:, None], n_channels, axis=1)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def write_parts(
    path, codec, parts, rate=48000, layout="mono", *, video=0, video_start=0, **options
):
    """Write tones by PyAV, each (start in seconds, Hz, seconds), and seconds of video."""
    with av.open(str(path), "w", options=options) as container:
        packets = []
        if video:
            packets += _encode_video(container, video, video_start)
        track = container.add_stream(codec, rate=rate, layout=layout)
        packets += _encode_parts(track, parts, rate, layout)
        _mux_by_time(container, packets)
    return path


def write_tracks(path, codec, pitches, default, rate=48000):
    """Write a tone of two seconds to each track, one of which is the default."""
    flag = av.stream.Disposition.default
    with av.open(str(path), "w") as container:
        tracks = [container.add_stream(codec, rate=rate, layout="mono") for _ in pitches]
        packets = []
        for number, track in enumerate(tracks):
            track.disposition = flag if number == default else type(flag)(0)
        for track, hz in zip(tracks, pitches, strict=True):
            packets += _encode_parts(track, [(0, hz, 2)], rate, "mono")
        _mux_by_time(container, packets)
    return path


def _encode_video(container, seconds, start):
    track = container.add_stream("mpeg4", rate=10)
    track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
    for k in range(round(10 * seconds)):
        image = np.full((48, 64, 3), k % 256, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = k + round(10 * start), Fraction(1, 10)
        yield from track.encode(frame)
    yield from track.encode()


def _encode_parts(track, parts, rate, layout):
    to_codec = av.AudioResampler(track.codec_context.format, layout, rate)
    size = track.codec_context.frame_size or 1024
    for start, hz, seconds in parts:
        samples = np.repeat(tone(hz, seconds, rate)[None], track.codec_context.channels, axis=0)
        for first in range(0, samples.shape[1], size):
            part = np.ascontiguousarray(samples[:, first : first + size])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
            frame.rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = round(start * rate) + first
            for converted in to_codec.resample(frame):
                converted.pts = frame.pts
                yield from track.encode(converted)
    yield from track.encode()


def _mux_by_time(container, packets):
    for packet in sorted(packets, key=_time):
        container.mux(packet)


def _time(packet):
    ticks = packet.pts if packet.dts is None else packet.dts
    return ticks * packet.time_base
