"""Train the small encoder that the package carries, from the sounds to the file.

1. ``python -m benchmarks.mini.words --wordnet FOLDER --teacher FOLDER --out RUN`` trains the
   encoder of words.
2. ``python -m benchmarks.mini.corpus --out CORPUS`` fetches the sounds.
3. ``python -m benchmarks.mini.train examples --corpus CORPUS --out RUN --yamnet FILE`` mixes
   examples, and keeps what YAMNet hears in them.
4. ``python -m benchmarks.mini.train train --out RUN`` trains the encoder to predict that, window by
   window, and the place of each sound among the words.
5. ``python -m benchmarks.mini.train project --out RUN --clip FOLDER`` fits the projections into
   the spaces of words and of CLIP, and writes the file.

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
from benchmarks.mini.projection import CLIP_SCALE, WORD_SCALE, fit_projection
from benchmarks.mini.space import place
from benchmarks.mini.student import N_COMPONENTS, N_WORDS, MapStudent
from benchmarks.mini.teacher import MapTeacher
from skw2c import Distiller, Wav2CLIPTransformer
from skw2c.models.students._distillation import encoder_state_of
from skw2c.models.words import get_frozen_words
from skw2c.models.yamnet import audioset_classes
from skw2c.system._atomic import open_atomically, write_atomically
from skw2c.weights import read_checkpoint, refer_to, write_safetensors

CHUNK = 1000
"""Examples that are made, and kept, together."""

_ENCODER = "audio_encoder."


def make_examples(options):
    """Mix examples and write them with the teacher's vectors, chunk by chunk."""
    folder = Path(options.out) / options.part
    folder.mkdir(parents=True, exist_ok=True)
    corpus = _read_part(options)
    print(f"{corpus.hours:.2f} hours in {len(corpus.pieces)} pieces", file=sys.stderr)
    facts = {
        "hours": round(corpus.hours, 3),
        "pieces": len(corpus.pieces),
        "seconds": options.seconds,
        "seed": options.seed,
    }
    known = folder / "corpus.json"
    if known.exists() and json.loads(known.read_text()) != facts:
        raise ValueError(
            f"{known} describes examples that were mixed differently: take another --out"
        )
    write_atomically(known, json.dumps(facts).encode())
    chunks = range(options.first, -(-options.n_examples // CHUNK))
    joblib.Parallel(options.n_jobs)(
        joblib.delayed(_make_chunk)(folder, number, options) for number in chunks
    )


def _read_part(options):
    held_out = options.part == "heldout"
    return read_corpus(options.corpus, held_out, options.hours, options.seed)


def _make_chunk(folder, number, options):
    torch.set_num_threads(1)
    paths = [folder / f"{kind}_{number:03}.npy" for kind in ("sounds", "maps", "scores")]
    if all(path.exists() for path in paths):
        return
    rng = np.random.default_rng([options.seed, number])
    mixer = Mixer(_read_part(options), options.seconds)
    examples = np.stack([mixer.draw(rng) for _ in range(CHUNK)])
    maps, scores = MapTeacher(options.yamnet).hear(examples.astype(np.float32) / 32768)
    arrays = examples, maps.astype(np.float16), scores.astype(np.float16)
    for path, array in zip(paths, arrays, strict=True):
        with open_atomically(path) as file:
            np.save(file, array)
    print(f"chunk {number}", file=sys.stderr, flush=True)


def list_chunks(options):
    """Paths of the sounds of all chunks.

    Raises
    ------
    FileNotFoundError
        If some are missing.
    """
    numbers = range(options.first, -(-options.n_examples // CHUNK))
    paths = [Path(options.out, options.part, f"sounds_{number:03}.npy") for number in numbers]
    missing = [path.name for path in paths if not beside(path, "scores").exists()]
    if missing:
        raise FileNotFoundError(
            f"{paths[0].parent} lacks {', '.join(missing[:3])} and what follows: make it by the "
            "step 'examples', with the same --n-examples"
        )
    return paths


def beside(path, kind):
    """The path of other arrays of the same chunk."""
    return path.with_name(path.name.replace("sounds", kind))


def read_sounds(paths):
    """Examples as a tensor (n, n_samples) of int16."""
    parts = [np.load(path, mmap_mode="r") for path in paths]
    sounds = np.empty((sum(map(len, parts)), parts[0].shape[1]), np.int16)
    start = 0
    for part in parts:
        sounds[start : start + len(part)] = part
        start += len(part)
    return torch.from_numpy(sounds)


def read_scores(paths):
    """Scores of the teacher (n, 521)."""
    parts = [np.load(beside(path, "scores")) for path in paths]
    return np.concatenate(parts).astype(np.float32)


def reduce_maps(paths, n_components=N_COMPONENTS):
    """The teacher's maps, standardised and in their principal components, of unit length.

    Returns
    -------
    ndarray of shape (n, n_components * 2 * n_windows), float32
    """
    some = np.concatenate([np.load(beside(path, "maps")) for path in paths[:20]])
    flat = some.astype(np.float32).transpose(0, 2, 3, 1).reshape(-1, some.shape[1])
    mean, spread = flat.mean(axis=0), flat.std(axis=0) + 0.01
    flat = (flat - mean) / spread
    _, directions = np.linalg.eigh(flat.T @ flat)
    directions = directions[:, ::-1][:, :n_components].astype(np.float32)
    reduced = []
    for path in paths:
        maps = np.load(beside(path, "maps")).astype(np.float32).transpose(0, 2, 3, 1)
        maps = ((maps - mean) / spread) @ directions
        maps = maps.transpose(0, 3, 1, 2).reshape(len(maps), -1)
        reduced.append(maps / np.linalg.norm(maps, axis=1, keepdims=True))
    return np.concatenate(reduced)


def make_targets(paths, words):
    """What the encoder learns: the teacher's maps, and a place among words.

    Both have unit length, and so count alike.
    """
    scores = read_scores(paths)
    classes = get_frozen_words(refer_to(words)).encode_texts(audioset_classes())
    places = place(scores, scores.mean(axis=0), classes)
    return np.concatenate([reduce_maps(paths), places.astype(np.float32)], axis=1)


def train(options):
    """Train the encoder to predict the teacher's maps, and places among words."""
    torch.set_num_threads(options.threads)
    run, paths = Path(options.out), list_chunks(options)
    sounds, vectors = read_sounds(paths), make_targets(paths, run / "words.safetensors")
    n_windows = (vectors.shape[1] - N_WORDS) // N_COMPONENTS // 2
    state = None
    if options.start is not None:
        known = read_checkpoint(options.start).items()
        state = {
            n.removeprefix(_ENCODER): x.float() if x.is_floating_point() else x
            for n, x in known
            if n.startswith(_ENCODER)
        }
    torch.manual_seed(options.seed)
    student = MapStudent(options.encoder_width, n_windows, state)
    distiller = Distiller(
        loss="direct",
        encoder=student,
        clip_length=sounds.shape[1] / 16000,
        max_epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        lr_schedule="cosine",
        early_stopping_patience=None,
        validation_fraction=0.02,
        precision=options.precision,
        devices=options.processes,
        checkpoint_dir=str(run / options.name),
        checkpoint_interval=300.0,
        random_state=options.seed,
    )
    distiller.fit(sounds, vectors)
    write_encoder(distiller.weights_.read(), student.encoder, run / f"{options.name}.safetensors")
    history = distiller.history_.to_csv(index=False).encode()
    write_atomically(run / f"{options.name}.csv", history)
    facts = {"examples": len(sounds), "epochs": options.epochs}
    write_atomically(run / f"{options.name}.json", json.dumps(facts).encode())


def write_encoder(state, encoder, path):
    """Write the encoder of a trained student, as `Wav2CLIPTransformer` reads it."""
    own = f"{_ENCODER}encoder."
    state = {n.replace(own, _ENCODER): x for n, x in state.items() if n.startswith(own)}
    write_safetensors(str(path), encoder_state_of(state, encoder), {"format": "skw2c"})


def project(options):
    """Fit the projections into the space of words and that of CLIP, and write the file."""
    run = Path(options.out)
    trained, words_file = run / f"{options.name}.safetensors", run / "words.safetensors"
    words = get_frozen_words(refer_to(words_file))
    paths = list_chunks(options)
    sounds, scores = read_sounds(paths), read_scores(paths)
    rows = np.random.default_rng(options.seed).permutation(len(sounds))[: options.n_placed]
    encoder = Wav2CLIPTransformer(str(trained), output="encoder", device="cpu").fit()
    features = embed(sounds.numpy(), rows, encoder)
    prevalence = scores.mean(axis=0)
    names = words.encode_texts(audioset_classes())
    seen = targets.label_classes(options.clip, words)
    state = keep_encoder(read_checkpoint(str(trained))) | read_checkpoint(str(words_file))
    state |= add_projection("word_transform", features, scores[rows], prevalence, names, WORD_SCALE)
    state |= add_projection("audio_transform", features, scores[rows], prevalence, seen, CLIP_SCALE)
    facts = {"licence": "CC BY-SA 4.0"}
    for path in (run / f"{options.name}.json", run / "words.json", run / "examples/corpus.json"):
        facts |= json.loads(path.read_text())
    facts = {"format": "skw2c", **{name: str(value) for name, value in facts.items()}}
    write_safetensors(str(run / "mini.safetensors"), to_half(state), facts)


def embed(sounds, rows, encoder):
    """Vectors of some of the examples (n, n_features), a part at a time."""
    parts = np.array_split(rows, -(-len(rows) // CHUNK))
    return np.concatenate([encoder.transform(sounds[p].astype(np.float32) / 32768) for p in parts])


def add_projection(name, features, scores, prevalence, labels, scale):
    """Entries of a projection that brings sounds near their labels."""
    shares, rows = targets.share_out(scores, prevalence)
    projection = fit_projection(features[rows], shares, labels, scale=scale)
    return {f"{name}.{entry}": value for entry, value in projection.items()}


def keep_encoder(state):
    """The entries of the encoder, without the projection that it was trained with."""
    return {name: value for name, value in state.items() if name.startswith(_ENCODER)}


def to_half(state):
    """Numbers in half precision; whole ones stay."""
    return {
        name: value.half() if value.is_floating_point() else value for name, value in state.items()
    }


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
    parser.add_argument(
        "--part",
        choices=["examples", "heldout"],
        default="examples",
        help="packages that examples are made of; nothing is trained on heldout",
    )
    parser.add_argument("--first", type=int, default=0, help="chunk of 1000 to begin with")
    parser.add_argument("--n-placed", type=int, default=24_000, help="examples for the projection")
    parser.add_argument("--seconds", type=float, default=2.5, help="length of an example")
    parser.add_argument("--start", help="file of an encoder to begin with")
    parser.add_argument("--name", default="encoder", help="name of the training")
    parser.add_argument("--encoder-width", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--precision", default="auto")
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
