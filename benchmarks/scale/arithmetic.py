"""What very many clips take, from units that were measured on one machine.

    python -m benchmarks.scale.arithmetic
    python -m benchmarks.scale.arithmetic --clips 1e8 --clips-per-core-second 36 --price 0.03

Each row is one formula; the units can be given, to put in those of another machine or encoder.
Nothing here is measured: it is what the measured units come to if they hold for more.
"""

import argparse
from dataclasses import dataclass, fields

HOUR = 3600
SEARCHED_UP_TO = 1e6  # vectors, for which the unit of searching was measured


@dataclass(frozen=True)
class Units:
    """What one clip, vector or query takes. Defaults: two cores of an AMD EPYC, AVX2, 24 GiB."""

    clips_per_core_second: float = 69.4  # mini, 5 s of Ogg each: benchmarks/speed.py --baselines
    kilobytes_per_clip: float = 103.0  # Ogg of 5 s, the mean of ESC-10
    bytes_per_vector: float = 2048.0  # 512 numbers of 32 bits
    bytes_per_row: float = 2200.0  # of a table in Parquet, with path, checksum and times
    bytes_per_code: float = 136.0  # of the compressed vectors that are searched first
    build_seconds: float = 73.0  # of one core, for 1e6 vectors: benchmarks.speed.search
    queries_per_core_second: float = 332.0  # among 1e6 vectors: benchmarks.speed.search
    price: float = 0.04  # of an hour of one core, in USD; an assumption


FORMULAE = {
    "embedding, core-hours": "clips / clips per core-second / 3600",
    "days on 64 cores": "core-hours / 64 / 24",
    "sound to read, TB": "clips x kB per clip / 1e9",
    "vectors in Parquet, GB": "clips x bytes per row / 1e9",
    "vectors to compare, GB": "clips x bytes per vector / 1e9",
    "codes, GB": "clips x bytes per code / 1e9",
    "building the index, core-hours": "seconds for 1e6 x (clips / 1e6)^1.5 / 3600",
    "queries per core-second": "that among 1e6 x (1e6 / clips)^0.5",
    "embedding, USD": "core-hours x price",
    "embedding, USD per million": "1e6 / clips per core-second / 3600 x price",
}


def estimate(clips, units):
    """The figures for so many clips, by the names of `FORMULAE`.

    The number of lists grows with the root of the number of vectors, so a query looks at a share
    that shrinks by the root, and each vector is assigned among more lists: hence the exponents.
    """
    core_hours = clips / units.clips_per_core_second / HOUR
    growth = clips / SEARCHED_UP_TO
    values = [
        core_hours,
        core_hours / 64 / 24,
        clips * units.kilobytes_per_clip / 1e9,
        clips * units.bytes_per_row / 1e9,
        clips * units.bytes_per_vector / 1e9,
        clips * units.bytes_per_code / 1e9,
        units.build_seconds * growth**1.5 / HOUR,
        units.queries_per_core_second / growth**0.5,
        core_hours * units.price,
        1e6 / units.clips_per_core_second / HOUR * units.price,
    ]
    return dict(zip(FORMULAE, values, strict=True))


def main(arguments=None):
    """Print a table in Markdown."""
    options = vars(parse_arguments(arguments))
    counts = options.pop("clips")
    units = Units(**options)
    columns = [estimate(count, units) for count in counts]
    print("| figure | " + " | ".join(f"{count:,.0f} clips" for count in counts) + " | formula |")
    print("|---" * (len(counts) + 2) + "|")
    for name, formula in FORMULAE.items():
        figures = " | ".join(f"{round_figure(column[name])}" for column in columns)
        print(f"| {name} | {figures} | {formula} |")
    return 0


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=positive, nargs="+", default=[1e7, 1e8, 1e9])
    for field in fields(Units):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=positive, default=field.default)
    return parser.parse_args(arguments)


def positive(text):
    """Read a number above zero."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def round_figure(value):
    """Two significant digits, as text."""
    return f"{float(f'{value:.2g}'):,.10g}"


if __name__ == "__main__":
    raise SystemExit(main())
