"""How far apart two computations of the same numbers may lie, on whatever processor.

The order in which a sum is taken depends on the width of the processor's registers, on whether
it multiplies and adds in one step, on the shape of the batch and on the number of threads. Each
order rounds differently. One rounding is off by at most the unit roundoff of the format: 6e-8 of
the value in single precision. ``n`` roundings in a row are off by ``n`` times as much at worst,
and by more than ``5 sqrt(n)`` times as much practically never (Higham and Mary, A new approach
to probabilistic rounding error analysis, 2019). Sums cancel, so what counts is the size of the
numbers that went in, for which the largest of the array stands, and not the element's own size:
a tolerance relative to each element would fail for those that happen to be near zero.

Where a test states a tolerance by itself, it is of another kind (decoders that lose something,
half precision, a learned result), and the reason is beside it. The ones that NumPy and pytest
take where none is stated, 1e-7 and 1e-6 of the value, serve for numbers in double precision,
where they are a thousand million roundings, and for times and counts. Arrays are compared to the
last bit where one computation is repeated: the same code on the same shapes in the same process,
or nothing but a copy of its result.
"""

import numpy as np
import torch

# Roundings in a row: additions and multiplications that one number goes through on its way. In
# registers of at least 4 numbers, which all x86-64 processors have, a sum of n terms takes n / 4.
NETWORK = 3000  # a dozen or two layers whose sums have some hundred terms
FEW = 64  # a mean of some rows, a norm, a product of short vectors


def tolerance(values, n_roundings: int = NETWORK, precision=np.float32) -> float:
    """How far numbers of the size of ``values`` may be off after ``n_roundings``.

    Parameters
    ----------
    values : array-like or float
        The expected values; the largest of them stands for the numbers that went in.
    n_roundings : int
        Roundings in a row.
    precision : dtype
        The coarsest format in which anything was computed.
    """
    unit = np.finfo(precision).eps / 2
    return 5 * np.sqrt(n_roundings) * unit * float(np.nanmax(np.abs(_to_array(values))))


def assert_close(actual, expected, n_roundings: int = NETWORK, precision=np.float32):
    """Assert that two computations of the same numbers agree as far as rounding allows."""
    actual, expected = _to_array(actual), _to_array(expected)
    limit = tolerance(expected, n_roundings, precision)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=limit)


def _to_array(values) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().double().numpy()
    return np.asarray(values, np.float64)
