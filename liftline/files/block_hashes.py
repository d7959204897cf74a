"""SHA-256 of a file's blocks, so that whoever reads a part of it knows that it is what was there before.

A block that is wrong raises WrongAnswerError; stores then read it again (`ArtifactStore.open`). One that nobody knows
the hash of has to come twice (`BlockRecorder`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from liftline.errors import UnavailableError, WrongAnswerError
from liftline.files.range_reader import BLOCK_BYTES

DIGEST_BYTES = 32


@dataclass(frozen=True)
class BlockHashes:
    """Of every block of `BLOCK_BYTES`, the last may be shorter: their digests, one behind the other."""

    digests: bytes

    def __call__(self, offset: int, block: bytes) -> None:
        """Raise WrongAnswerError where the block that begins at `offset` is another."""
        start = offset // BLOCK_BYTES * DIGEST_BYTES
        found = hashlib.sha256(block).digest()
        if found != self.digests[start : start + DIGEST_BYTES]:
            raise WrongAnswerError(
                f"the video's bytes from {offset} on aren't those that were planned with; it was changed in the "
                "bucket. Submit it again.",
                answer=found.hex(),
            )


class BlockRecorder:
    """Remembers each block's hash when it is read first. When it is read again it must be the same.

    Where it isn't, whatever was made of the blocks has to be made anew, with a new recorder: read once more it might be
    as wrong as it was the first time.
    """

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._digests: dict[int, bytes] = {}

    def __call__(self, offset: int, block: bytes) -> None:
        """Raise UnavailableError where the block was another before; which of the two was right nobody knows."""
        digest = hashlib.sha256(block).digest()
        if self._digests.setdefault(offset, digest) != digest:
            raise UnavailableError(f"the video's bytes from {offset} on were others a moment ago; it is read anew.")

    @property
    def offsets(self) -> Sequence[int]:
        """Where the blocks begin that were read."""
        return sorted(self._digests)

    def hashes(self) -> BlockHashes:
        """Of all blocks, once each was read."""
        return BlockHashes(b"".join(self._digests[offset] for offset in self.offsets))
