"""Metrics: how good search results, captions, or detected events are.

They take vectors, captions and tables of events; nothing here knows an estimator.
"""

from ._caption_scores import bleu, caption_scores, cider_d, rouge_l, tokenize_caption
from ._event_scores import segment_f1
from ._java_caption_scores import available_java_scores, java_caption_scores
from ._retrieval_scores import (
    chance_reciprocal_rank,
    mean_average_precision,
    mean_reciprocal_rank,
    precision_at_k,
    recall_at_k,
    retrieval_scores,
)

__all__ = [
    "available_java_scores",
    "bleu",
    "caption_scores",
    "chance_reciprocal_rank",
    "cider_d",
    "java_caption_scores",
    "mean_average_precision",
    "mean_reciprocal_rank",
    "precision_at_k",
    "recall_at_k",
    "retrieval_scores",
    "rouge_l",
    "segment_f1",
    "tokenize_caption",
]
