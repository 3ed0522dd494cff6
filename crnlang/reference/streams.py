"""Random numbers of one trajectory: xoshiro256++, seeded by (seed, trajectory).

Each trajectory has its own stream, so that no result depends on the number of threads.
Source: D. Blackman and S. Vigna, Scrambled linear pseudorandom number generators,
ACM Trans. Math. Softw. 47 (2021); the seeding by splitmix64 is theirs as well.
"""

from typing import no_type_check

import numba
import numpy as np

U64 = np.uint64
GOLDEN = U64(0x9E3779B97F4A7C15)
MIX_1 = U64(0xBF58476D1CE4E5B9)
MIX_2 = U64(0x94D049BB133111EB)
#: The spacing of the numbers in [0, 1) that a draw can give.
STEP = 2.0**-53


@numba.njit
@no_type_check
def mix(word):
    """splitmix64's scrambler: a bijection of 64-bit words."""
    word = (word ^ (word >> U64(30))) * MIX_1
    word = (word ^ (word >> U64(27))) * MIX_2
    return word ^ (word >> U64(31))


@numba.njit
@no_type_check
def start_stream(state, seed, trajectory):
    """Fill the four words of `state` for one trajectory."""
    word = mix(mix(U64(seed) + GOLDEN) + U64(trajectory) * GOLDEN)
    for i in range(4):
        word += GOLDEN
        state[i] = mix(word)


@numba.njit
@no_type_check
def rotate(word, bits):
    """The 64 bits turned left."""
    return (word << U64(bits)) | (word >> U64(64 - bits))


@numba.njit
@no_type_check
def uniform(state):
    """The next number in [0, 1)."""
    word = rotate(state[0] + state[3], 23) + state[0]
    shifted = state[1] << U64(17)
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = rotate(state[3], 45)
    return float(word >> U64(11)) * STEP
