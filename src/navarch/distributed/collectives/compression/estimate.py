"""What compressing gradients costs and saves: bytes of each method, and the time to encode, move and decode them."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation


@equation(
    symbol="M_sparse",
    unit="byte",
    source="Lin et al. 2018 (Deep Gradient Compression), section 3",
    symbols={"elements": "N", "density": "rho", "value": "b_v", "index": "b_i"},
    valid="density > 0 and density <= 1",
)
def sparse_message(elements, density, value, index):
    """Bytes of the gradient elements that a sparse method sends.

    elements: of the gradient; density: share that is sent [fraction]; value: bytes of a value [byte]; index: bytes of
    its place, none where all ranks draw the same places [byte].
    """
    return np.ceil(elements * density) * (value + index)


@equation(
    symbol="M_q",
    unit="byte",
    source="Alistarh et al. 2017 (QSGD), section 3; a scale for each block",
    symbols={"elements": "N", "bits": "q", "block": "k", "scale": "b_s"},
    valid="bits > 0 and block >= 1",
)
def quantised_message(elements, bits, block, scale):
    """Bytes of a gradient in few bits.

    elements: of the gradient; bits: of an element; block: elements that share a scale; scale: bytes of a scale [byte].
    """
    return np.ceil(elements * bits / 8) + np.ceil(elements / block) * scale


@equation(
    symbol="M_sign",
    unit="byte",
    source="Karimireddy et al. 2019, section 4; a scale for each tensor",
    symbols={"elements": "N", "tensors": "t", "scale": "b_s"},
)
def sign_message(elements, tensors, scale):
    """Bytes of the signs of a gradient.

    elements: of the gradient; tensors: in it; scale: bytes of a scale [byte].
    """
    return np.ceil(elements / 8) + tensors * scale


@equation(
    symbol="N_pad",
    unit="1",
    source="each rank adds up whole blocks",
    symbols={"elements": "N", "ranks": "n", "block": "k"},
    valid="ranks >= 1 and block >= 1",
)
def padded_elements(elements, ranks, block):
    """Elements of a gradient filled up to whole blocks for every rank.

    elements: of the gradient; ranks: participants; block: elements that share a scale.
    """
    return np.ceil(elements / ranks / block) * block * ranks


@equation(
    symbol="M_PQ",
    unit="byte",
    source="Vogels, Karimireddy and Jaggi 2019 (PowerSGD), algorithm 1",
    symbols={"rows": "m", "columns": "k", "rank": "r", "value": "b_v"},
    valid="rank >= 1",
)
def low_rank_message(rows, columns, rank, value):
    """Bytes of the two factors of a gradient matrix.

    rows: of the matrix; columns: of the matrix; rank: of the approximation, bounded by its sides; value: bytes of an
    element [byte].
    """
    return (rows + columns) * np.minimum(rank, np.minimum(rows, columns)) * value


@equation(
    symbol="V_gather",
    unit="byte",
    source="each rank passes on what all others sent (ring all-gather)",
    symbols={"message": "M", "ranks": "n"},
    valid="ranks >= 1",
)
def gathered_traffic(message, ranks):
    """Bytes that a rank sends where every rank must see what every other one encoded.

    message: that one rank encodes [byte]; ranks: participants. It grows with the ranks, unlike an all-reduce.
    """
    return (ranks - 1) * message


@equation(
    symbol="T_code",
    unit="s",
    source="bound by memory: passes over the gradient",
    symbols={"elements": "N", "value": "b_v", "passes": "p", "bandwidth": "B_mem"},
)
def coding_time(elements, value, passes, bandwidth):
    """Time to encode or decode a gradient.

    elements: of the gradient; value: bytes of an element [byte]; passes: over the gradient, reading or writing;
    bandwidth: of the memory [byte/s].
    """
    return elements * value * passes / bandwidth


@equation(
    symbol="p", unit="1", source="what every rank encoded is added, one after the other",
    symbols={"passes": "p_0", "each": "p_1", "ranks": "n"},
)  # fmt: skip
def gathered_passes(passes, each, ranks):
    """Passes over a gradient where every rank decodes what every other one encoded.

    passes: whatever the ranks; each: for one of them; ranks: participants.
    """
    return passes + each * ranks


@equation(
    symbol="B_even",
    unit="byte/s",
    source="Agarwal et al. 2022, section 4 (when compression pays)",
    symbols={"plain": "V_0", "compressed": "V_c", "coding": "T_code"},
    valid="coding > 0 and plain >= compressed",
)
def break_even_bandwidth(plain, compressed, coding):
    """Network bandwidth under which compression saves time.

    plain: bytes that a rank sends without it [byte]; compressed: bytes that it sends with it [byte]; coding: time to
    encode and decode [s]. On a faster network ten times fewer bytes are slower.
    """
    return (plain - compressed) / coding


@equation(
    symbol="A_c",
    unit="fraction",
    source="points of accuracy that the method's paper reports as lost",
    symbols={"accuracy": "A", "penalty": "delta_A"},
)
def accuracy_with_compression(accuracy, penalty):
    """Accuracy after training with compressed gradients.

    accuracy: after training without compression [fraction]; penalty: lost, as reported for the method [fraction].
    """
    return accuracy - penalty
