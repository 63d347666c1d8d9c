"""Train the small encoder that the package carries, from the sounds to the file.

1. ``python -m benchmarks.mini.corpus --out CORPUS`` fetches the sounds.
2. ``python -m benchmarks.mini.train examples --corpus CORPUS --out RUN --yamnet FILE`` mixes
   examples and computes YAMNet's targets for them.
3. ``python -m benchmarks.mini.train train --out RUN`` trains the encoder to predict these targets.
4. ``python -m benchmarks.mini.train project --out RUN --yamnet FILE --clip FOLDER`` fits the
   projection into the space of CLIP, and writes the file.

Each step goes on where it was, and leaves what it made in RUN.
"""

import argparse
import json
import sys
from pathlib import Path

import joblib
import numpy as np
import torch

from benchmarks.mini import targets
from benchmarks.mini.corpus import read_corpus
from benchmarks.mini.examples import Mixer
from benchmarks.mini.projection import fit_projection
from skw2c import Distiller, Wav2CLIPTransformer, YAMNetTransformer
from skw2c.system._atomic import open_atomically, write_atomically
from skw2c.weights import read_checkpoint, write_safetensors

CHUNK = 1000
"""Examples that are made, and kept, together."""

_HOP = 0.48


def make_examples(options):
    """Mix examples and write them with the teacher's vectors, chunk by chunk."""
    folder = Path(options.out) / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    corpus = read_corpus(options.corpus, options.hours, options.seed)
    print(f"{corpus.hours:.2f} hours in {len(corpus.pieces)} pieces", file=sys.stderr)
    facts = {
        "hours": round(corpus.hours, 3),
        "pieces": len(corpus.pieces),
        "seconds": options.seconds,
        "seed": options.seed,
    }
    known = folder.parent / "corpus.json"
    if known.exists() and json.loads(known.read_text()) != facts:
        raise ValueError(
            f"{known} describes examples that were mixed differently: take another --out"
        )
    write_atomically(known, json.dumps(facts).encode())
    chunks = range(options.first, -(-options.n_examples // CHUNK))
    joblib.Parallel(options.n_jobs)(
        joblib.delayed(_make_chunk)(folder, number, options) for number in chunks
    )


def _make_chunk(folder, number, options):
    torch.set_num_threads(1)
    sounds, targets = (folder / f"{kind}_{number:03}.npy" for kind in ("sounds", "heard"))
    if targets.exists():
        return
    rng = np.random.default_rng([options.seed, number])
    mixer = Mixer(read_corpus(options.corpus, options.hours, options.seed), options.seconds)
    examples = np.stack([mixer.draw(rng) for _ in range(CHUNK)])
    teacher = YAMNetTransformer(
        options.yamnet, tail="drop", hop_length=_HOP, device="cpu", n_jobs=1
    ).fit()
    vectors = teacher.transform(list(examples.astype(np.float32) / 32768))
    for path, array in ((sounds, examples), (targets, vectors.astype(np.float16))):
        with open_atomically(path) as file:
            np.save(file, array)
    print(f"chunk {number}", file=sys.stderr, flush=True)


def read_examples(options):
    """Examples as a tensor (n, n_samples) of int16, and the teacher's vectors (n, 1024)."""
    numbers = range(options.first, -(-options.n_examples // CHUNK))
    paths = [Path(options.out, "examples", f"heard_{number:03}.npy") for number in numbers]
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        raise FileNotFoundError(
            f"{paths[0].parent} lacks {', '.join(missing[:3])} and what follows: make it by the "
            "step 'examples', with the same --n-examples"
        )
    vectors = np.concatenate([np.load(path) for path in paths]).astype(np.float32)
    sounds = np.empty((len(vectors), 0), np.int16)
    for number, path in enumerate(paths):
        part = np.load(path.with_name(path.name.replace("heard", "sounds")))
        if not number:
            sounds = np.empty((len(vectors), part.shape[1]), np.int16)
        sounds[number * CHUNK :][: len(part)] = part
    return torch.from_numpy(sounds), vectors


def standardise(vectors):
    """Standardise the targets, so that each has the same weight."""
    return (vectors - vectors.mean(axis=0)) / (vectors.std(axis=0) + 0.01)


def roll(waveforms, generator):
    """Begin somewhere else, and go on from the start: the sound stays the same."""
    n_samples = waveforms.shape[1]
    where = waveforms.device
    starts = torch.randint(n_samples, (len(waveforms), 1), generator=generator, device=where)
    return waveforms.gather(1, (starts + torch.arange(n_samples, device=where)) % n_samples)


def train(options):
    """Train the encoder to predict the teacher's vectors."""
    torch.set_num_threads(options.threads)
    sounds, vectors = read_examples(options)
    distiller = Distiller(
        loss="cosine",
        encoder_width=options.encoder_width,
        clip_length=sounds.shape[1] / 16000,
        max_epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        lr_schedule="cosine",
        early_stopping_patience=None,
        validation_fraction=0.02,
        augment=roll,
        precision=options.precision,
        devices=options.processes,
        checkpoint_dir=str(Path(options.out) / options.name),
        checkpoint_interval=300.0,
        random_state=options.seed,
    )
    distiller.fit(sounds, standardise(vectors))
    distiller.save(str(Path(options.out) / f"{options.name}.safetensors"))
    history = distiller.history_.to_csv(index=False).encode()
    write_atomically(Path(options.out) / f"{options.name}.csv", history)
    facts = {"examples": len(sounds), "epochs": options.epochs}
    write_atomically(Path(options.out) / f"{options.name}.json", json.dumps(facts).encode())


def project(options):
    """Fit the projection into the space of CLIP, and write the file in half precision."""
    run = Path(options.out)
    sounds, vectors = read_examples(options)
    scores = targets.score(vectors, options.yamnet)
    shares, labels, rows = targets.share_out(scores, options.clip)
    chosen = np.random.default_rng(options.seed).permutation(len(rows))[: options.n_placed]
    trained = run / f"{options.name}.safetensors"
    encoder = Wav2CLIPTransformer(str(trained), output="encoder", device="cpu").fit()
    features = encoder.transform(sounds.numpy()[rows[chosen]].astype(np.float32) / 32768)
    projection = fit_projection(features, shares[chosen], labels, seed=options.seed)
    state = read_checkpoint(str(trained))
    state = {name: value for name, value in state.items() if name.startswith("audio_encoder.")}
    state |= {f"audio_transform.{name}": value for name, value in projection.items()}
    halves = {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    }
    facts = {"licence": "CC BY-SA 4.0"}
    for name in (f"{options.name}.json", "corpus.json"):
        facts |= json.loads((run / name).read_text())
    facts = {"format": "skw2c", **{name: str(value) for name, value in facts.items()}}
    write_safetensors(str(run / "mini.safetensors"), halves, facts)


def parse_arguments(arguments):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["examples", "train", "project"])
    parser.add_argument("--out", required=True, help="folder of all that is made")
    parser.add_argument("--corpus", help="folder of the corpus")
    parser.add_argument("--hours", type=float, help="of the corpus to use; default: all")
    parser.add_argument("--yamnet", help="weights of YAMNet (.npz)")
    parser.add_argument("--clip", help="folder of CLIP's vectors of labels")
    parser.add_argument("--n-examples", type=int, default=60_000)
    parser.add_argument("--first", type=int, default=0, help="chunk of 1000 to begin with")
    parser.add_argument("--n-placed", type=int, default=12_000, help="examples for the projection")
    parser.add_argument("--seconds", type=float, default=2.5, help="length of an example")
    parser.add_argument("--name", default="encoder", help="name of the training")
    parser.add_argument("--encoder-width", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=48)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--precision", default="bf16-mixed")
    parser.add_argument("--n-jobs", type=int, default=1, help="chunks made at once")
    parser.add_argument("--processes", type=int, default=1, help="that train, of a CPU")
    parser.add_argument("--threads", type=int, default=1, help="of each of them")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments=None):
    """Run one step."""
    options = parse_arguments(arguments)
    {"examples": make_examples, "train": train, "project": project}[options.step](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
