"""What a long training keeps after each epoch, so that it goes on there when it is started again after a kill.

One file, named by a digest of all that decides the weights: what another config asks for never picks it up.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Dict, Optional

import torch


class Unfinished:
    """The file below `folder` for a training that `decides`, JSON values, tells from all others."""

    def __init__(self, folder: Path, decides: Dict[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        self.path = folder / ("%s.pt" % digest[:32])

    def read(self) -> Optional[Dict[str, Any]]:
        """What the last whole epoch left; None where there is none, or what is there cannot be read, which is said."""
        if not self.path.is_file():
            return None
        try:
            kept: Dict[str, Any] = torch.load(str(self.path), map_location="cpu", weights_only=True)
        except Exception as error:  # whatever a damaged file makes of it: then training starts from the beginning
            print("%s cannot be read (%s): starting from the beginning" % (self.path, type(error).__name__), flush=True)
            return None
        return kept

    def write(self, state: Dict[str, Any]) -> None:
        """Keep `state` (tensors, numbers, texts, lists and dicts), whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".partial")
        with open(str(temporary), "wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(str(temporary), str(self.path))

    def forget(self) -> None:
        """Remove the file, and its folder if nothing else is in it."""
        if self.path.is_file():
            self.path.unlink()
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
