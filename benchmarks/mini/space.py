"""The space that words share with sounds, spanned by the names of the classes of AudioSet.

A text is described by how near it is to each name, sharply: exp(sharpness * (cosine - 1)). These
nearnesses are a positive definite kernel, so that they are inner products in a space of as many
dimensions as there are names (the method of Nystroem; Williams and Seeger, NIPS 2000), of which the
strongest are kept. A sound belongs to the names that a teacher hears, by their scores.
"""

from dataclasses import replace

import numpy as np

from skw2c.models.words import FrozenWords, Words

WIDTH = 512
SHARPNESS = 20.0
_LEAST = 1e-3
_LEAST_PREVALENCE = 1e-4


def quantise(vectors):
    """Vectors of pieces as whole numbers of 8 bits, and what they are multiplied by."""
    scales = np.abs(vectors).max(axis=1) / 127
    scales = np.maximum(scales, 1e-8).astype(np.float16).astype(np.float32)
    return np.clip(np.round(vectors / scales[:, None]), -127, 127).astype(np.int8), scales


def span(vocabulary, vectors, names, sharpness=SHARPNESS, width=WIDTH):
    """Make the encoder of words from the vectors of its pieces.

    Parameters
    ----------
    vocabulary : list of str
    vectors : ndarray of shape (n_pieces, n_semantic)
    names : list of str
        Names of classes, which span the space.
    sharpness : float
    width : int
        Dimensions that are kept.

    Returns
    -------
    Words
    """
    pieces, scales = quantise(vectors)
    nothing = np.zeros((1, vectors.shape[1]), np.float32), np.zeros((1, width), np.float32)
    bare = Words(vocabulary, pieces, scales, *nothing, sharpness)
    return span_names(bare, names, width)


def span_names(words, names, width=WIDTH):
    """Make the encoder of words whose space is spanned by other names.

    Parameters
    ----------
    words : Words
        Gives the vectors of the pieces, and the sharpness.
    names : list of str
    width : int
        Dimensions that are kept.

    Returns
    -------
    Words
    """
    anchors = FrozenWords(words).encode_texts(names, "semantic")
    sharpness = words.sharpness
    anchors = anchors.astype(np.float16).astype(np.float32)
    strengths, directions = np.linalg.eigh(np.exp((anchors @ anchors.T - 1) * sharpness))
    strengths, directions = strengths[::-1][:width], directions[:, ::-1][:, :width]
    projection = directions / np.sqrt(np.maximum(strengths, _LEAST))
    return replace(words, anchors=anchors, projection=projection.astype(np.float32))


def weigh(scores, prevalence):
    """Scores of the teacher, where what sounds often counts for less, by the root."""
    return scores / np.sqrt(prevalence + _LEAST_PREVALENCE)


def place(scores, prevalence, classes):
    """Vectors of sounds in the space of words, of unit length.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
        Of the teacher.
    prevalence : ndarray of shape (n_classes,)
        Mean scores over the corpus, see `weigh`.
    classes : ndarray of shape (n_classes, width)
        Vectors of the names.
    """
    vectors = weigh(scores, prevalence) @ classes
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
