"""How long, how often, where."""

from dataclasses import dataclass, field
import pathlib


@dataclass
class Settings:
    binaries: object
    folder: pathlib.Path
    rounds: int = 5
    rounds_max: int = 10       # with those that are thrown away
    warm: float = 1.0          # seconds before what is measured
    seconds: float = 4.0       # seconds that are measured
    group: int = 64            # requests a commit of the bare writer
    history: int = 100_000     # transactions on disk
    due: int = 100_000         # of them due at once
    in_flight: int = 10_000
    quick: bool = False
    notes: list = field(default_factory=list)

    def times(self):
        return "--warm", self.warm, "--seconds", self.seconds

    def say(self, text):
        print(text, flush=True)
