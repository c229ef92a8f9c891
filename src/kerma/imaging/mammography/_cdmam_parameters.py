"""What may be chosen when a CDMAM phantom is read."""

from __future__ import annotations

from dataclasses import dataclass

from kerma.imaging.record import require


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen.

    Attributes
    ----------
    mu_per_um, beam
        Attenuation of gold in this beam, or the name of a beam of the data file; one is needed.
    corners
        The corner of each cell's second disc: rows of signs 1 to 4 and points, numbered as
        on the method page.
    corners_from_images
        Find the corners in the images themselves instead; see the method page for the bias.
    thickness_um
        Gold thicknesses of this phantom, one row for all diameters or one for each.
    pitch_mm, magnification
        Side of a cell in the phantom; magnification of the discs, when it is not to be worked out
        from the pitch.
    slope, shared_slope
        Slope of the psychometric curves, held; or one for all diameters. Else each has its own.
    discs
        ``both``: middle and corner discs; ``corner``: corner discs alone.
    nearest_neighbour
        Correct each image's choices by their neighbours.
    search_mm
        Take the greatest signal within so far of each place, all places alike.
    blur_mm
        Standard deviation of the blur the matched filter expects. Design choice.
    factors
        Human factors of the service's own: pairs of diameter in mm and factor.
    grid_px
        The grid by hand: column and row of the middle of the matrix, then the step of one cell
        towards thicker discs, then towards smaller discs.
    draws, seed
        Bootstrap over the images.
    """

    mu_per_um: float | None = None
    beam: str | None = None
    corners: tuple[str, ...] | None = None
    corners_from_images: bool = False
    thickness_um: tuple[tuple[float, ...], ...] | None = None
    pitch_mm: float | None = None
    magnification: float | None = None
    slope: float | None = None
    shared_slope: bool = False
    discs: str = "both"
    nearest_neighbour: bool = False
    search_mm: float = 0.0
    blur_mm: float = 0.05
    factors: tuple[tuple[float, float], ...] | None = None
    grid_px: tuple[float, float, float, float, float, float] | None = None
    draws: int = 200
    seed: int = 20_260_101

    def __post_init__(self) -> None:
        require(self.discs in ("both", "corner"), "discs", "The discs are “both” or “corner”.")
        require(0 <= self.search_mm <= 0.5, "search_mm", "The search lies from 0 to 0.5 mm.")
        require(0 <= self.blur_mm <= 0.5, "blur_mm", "The blur lies from 0 to 0.5 mm.")
        require(50 <= self.draws <= 5000, "draws", "The draws lie from 50 to 5000.")
        for name, value, low, high in (
            ("pitch_mm", self.pitch_mm, 2.0, 20.0),
            ("magnification", self.magnification, 0.9, 2.5),
        ):
            require(
                value is None or low <= value <= high,
                name,
                f"The parameter “{name}” lies from {low:g} to {high:g}.",
            )
