"""How fast other encoders are: skw2c against the programs they come from, or against YAMNet.

All read the same files with the same weights, each measurement in a process of its own, in
turns. CLAP is compared with the extractor and the network of transformers, with random weights
of the size of clap-htsat-unfused. EfficientAT and CED, whose programs are not on PyPI, are
compared with YAMNet as it runs here. YAMNet is compared with the TFLite program, window after
window, and so is the encoder in the package. OpenL3 is compared with torchopenl3 where that can be
imported (it pins an old resampy, so it is not a dependency), and with an equal-cost reference: the
same spectrograms and the same network, as torch runs it layer by layer.
"""

import json
import statistics
import tempfile
from pathlib import Path

from skw2c.system._atomic import write_atomically

WORKER = "baselines_worker"
_OTHER_NETWORKS = "EfficientAT mn10", "CED mini", "mini"
"""Those compared with a program of another one, so that only their speed can be compared."""
COMPARED = {
    "CLAP": ("skw2c clap", ["transformers clap"]),
    "EfficientAT mn10": ("skw2c mn10", ["skw2c yamnet, untrained"]),
    "CED mini": ("skw2c ced-mini", ["skw2c yamnet, untrained"]),
    "YAMNet": ("skw2c yamnet", ["tflite yamnet"]),
    "mini": ("skw2c mini", ["tflite yamnet"]),
    "OpenL3, hop 1.0 s": ("skw2c openl3", ["torch openl3", "torchopenl3"]),
}


def add_arguments(parser):
    """Add what the command line says of these measurements."""
    own = parser.add_argument_group("baselines")
    own.add_argument("--baselines", action="store_true", help="measure encoders of others")
    own.add_argument("--tflite", help="the file yamnet.tflite, without which YAMNet is left out")
    own.add_argument("--n-openl3", type=int, default=40, help="files for OpenL3, which is slow")
    own.add_argument("--n-clap", type=int, default=40, help="files for CLAP, which is slow")
    own.add_argument("--only", nargs="+", choices=COMPARED, help="which to measure")


def main(options, files, run_worker):
    """Measure, print a table, and write it."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = prepare(options, files, Path(folder))
        rounds = [
            {
                engine: run_worker(jobs[title], engine, "clip", WORKER)
                for title in jobs
                for engine in (COMPARED[title][0], *COMPARED[title][1])
            }
            for _ in range(options.repeats)
        ]
    page = describe(rounds, list(jobs), options)
    Path(options.out).mkdir(parents=True, exist_ok=True)
    write_atomically(Path(options.out) / "speed_baselines.md", page.encode())
    print(page)
    return 0


def prepare(options, files, folder):
    """The job of each system: its files, and its weights where they are no random ones."""
    counts = {"OpenL3, hop 1.0 s": options.n_openl3, "CLAP": options.n_clap}
    jobs = {}
    for title in options.only or COMPARED:
        if "tflite yamnet" in COMPARED[title][1] and not options.tflite:
            continue
        job = {"files": files[: counts.get(title)], "n_jobs": options.n_jobs}
        if title == "CLAP":
            job["clap"] = write_clap(folder / "clap")
        jobs[title] = folder / f"{len(jobs)}.json"
        jobs[title].write_text(json.dumps({**job, "tflite": options.tflite}))
    return jobs


def write_clap(folder):
    """Write a CLAP whose encoder of sound has the official size; that of texts is tiny."""
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    texts = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 300}
    torch.manual_seed(0)
    ClapModel(ClapConfig(text_config=texts)).save_pretrained(folder)
    extractor = ClapFeatureExtractor(frequency_min=50, frequency_max=14000, truncation="rand_trunc")
    extractor.save_pretrained(folder)
    return str(folder)


def describe(rounds, titles, options):
    """The table, from medians and from the ratios of each pair."""
    import pandas as pd  # a bare GPU machine measures training without it

    rows, differences, absent = [], [], []
    for title in titles:
        ours, peers = COMPARED[title]
        for engine in (ours, *peers):
            if "absent" in rounds[0][engine]:
                absent.append(f"{engine} is left out: {rounds[0][engine]['absent']}.")
                continue
            results = [measured[engine] for measured in rounds]
            pairs = [(measured[ours], measured[engine]) for measured in rounds]
            rows.append(
                {
                    "system": title,
                    "program": engine,
                    "clips": results[0]["n_files"],
                    "clips/s": f"{_median(results, 'clips_per_second'):.2f}",
                    "skw2c is faster by": f"{_ratio(pairs, 'clips_per_second'):.2f}",
                    "peak memory, MB": f"{_median(results, 'peak_megabytes'):.0f}",
                }
            )
            if title not in _OTHER_NETWORKS:
                probes = zip(results[0]["probe"], rounds[0][ours]["probe"], strict=True)
                differences.append(f"{engine} {max(abs(x - y) for x, y in probes):.1e}")
    page = [
        "# Speed of the baselines",
        f"Files from {options.data_root or 'make_sound_events'}, to one vector each, medians of "
        f"{options.repeats} turns; {rounds[0][ours]['threads']} threads of torch. Of YAMNet these "
        "are the mean scores; those that come without a file have random weights.",
        pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True),
        f"Largest difference to the vector of skw2c, first clip: {', '.join(differences)}. (The "
        "TFLite program computes with 8-bit integers.)"
        if differences
        else "",
        *absent,
    ]
    return "\n\n".join(filter(None, page)) + "\n"


def _median(results, key):
    return statistics.median(result[key] for result in results)


def _ratio(pairs, key):
    return statistics.median(ours[key] / theirs[key] for ours, theirs in pairs)
