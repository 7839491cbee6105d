"""What a row of the catalogue says of a format or a runtime. Light: the Snakefile imports it."""

from collections.abc import Collection
from dataclasses import dataclass, field

DYNAMIC = "dyn"
"""The shape of what serves every batch, of images in the network's own size."""
ANY = "any"
"""The shape of what serves every batch and every image size."""
DEFAULT = "default"
Variants = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Format:
    """A portable file that a converter writes.

    env:       environment of the converter; source: the format it is made from (None: the checkpoint stage itself)
    static:    True if one file serves one batch and image size only
    sized:     True if one file serves every batch of one image size; else a file for further sizes serves them all
    file:      the file inside the artifact's `files/` that a runtime opens
    variants:  precision -> the variants that it is written in
    schemes:   precision -> further variants, which only `tune` tries: other ways to the same precision
    quantizer: the package in `scripts/` whose `quantize.py` makes it from the fp32 file; None: a rule of its own does
    options:   what the quantizer is told beside precision and variant
    ahead_of_time: its conversion is the compilation: kept in the store, and a row of the ledger
    """

    env: str
    source: str | None
    static: bool
    file: str
    sized: bool = False
    variants: Variants = field(default_factory=lambda: {"fp32": (DEFAULT,)})
    schemes: Variants = field(default_factory=dict)
    quantizer: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    ahead_of_time: bool = False

    def kind(self, precision: str, variant: str) -> str:
        """The `{precision}.{variant}` of this format that a candidate starts from.

        What the file does not hold is the runtime's own doing, such as autocast: it starts from the fp32 file.
        """
        if precision not in self.variants:
            return f"fp32.{DEFAULT}"
        known = self.variants[precision] + self.schemes.get(precision, ())
        return f"{precision}.{variant if variant in known else DEFAULT}"


@dataclass(frozen=True)
class Runtime:
    """What executes.

    room:      the package in `scripts/` that holds `session.py` (and `compile.py` if `compiles`)
    format:    the portable format it starts from; formats: those of precisions that start from another
    env:       environment that runs it; build_env: the one that compiles it, where that is another
    compiles:  a compiler turns the portable file into a compiled artifact for this host
    static:    the compiled artifact (or the portable file) serves one batch and image size only
    dynamic:   variants of which it serves every batch all the same
    resizes:   what serves the network's own image size serves all others too
    devices:   where it can execute; needs: hardware without which it cannot, of `HARDWARE`
    variants:  precision -> its usual variants
    extra:     precision -> further ones, which are taken where they are named or `precisions: all` asks for everything
    optional:  whether it is taken only where it is named: `runtimes: all` does without
    peaks:     the room whose `peaks.py` measures what its library reaches at its best on the CPU, if not its own
    gpu:       the same runtime on a GPU, where it also runs elsewhere
    """

    title: str
    room: str
    format: str
    env: str
    compiles: bool
    static: bool
    devices: tuple[str, ...] = ("cpu",)
    needs: str | None = None
    builds_without_device: bool = False
    variants: Variants = field(default_factory=lambda: {"fp32": (DEFAULT,)})
    extra: Variants = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)
    dynamic: tuple[str, ...] = ()
    resizes: bool = False
    optional: bool = False
    peaks: str | None = None
    gpu: "Runtime | None" = None

    @property
    def library(self) -> str:
        """The room that measures its library's peaks on the CPU."""
        return self.peaks or self.room

    @property
    def places(self) -> "tuple[Runtime, ...]":
        """It and what it is on a GPU."""
        return (self, self.gpu) if self.gpu else (self,)

    def variants_of(self, precision: str, named: Collection[str] | None) -> tuple[str, ...]:
        """The variants of a precision that a config takes. named: those it names; None for the usual ones."""
        usual = self.variants.get(precision, ())
        if named is None:
            return usual
        return tuple(variant for variant in usual + self.extra.get(precision, ()) if variant in named)

    @property
    def known_variants(self) -> tuple[str, ...]:
        """All that a config may name."""
        groups = [group for place in self.places for group in (*place.variants.values(), *place.extra.values())]
        return tuple(dict.fromkeys(variant for group in groups for variant in group))

    @property
    def precisions(self) -> tuple[str, ...]:
        """All that it computes in, wherever it runs."""
        return tuple(dict.fromkeys(precision for place in self.places for precision in place.variants))

    def is_static(self, variant: str) -> bool:
        """Whether what is opened for this variant serves one batch and image size only."""
        return self.static and variant not in self.dynamic

    def format_of(self, precision: str) -> str:
        """The portable format that a candidate of this precision starts from."""
        return self.formats.get(precision, self.format)
