"""Legal but tricky ways to speak HTTP."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Behaviour:
    """How a server speaks; none of this breaks HTTP or a vendor's promise."""

    close: bool = False
    close_refused: bool = False
    announce_close: bool = True
    http10: bool = False
    chunked: bool = False
    delay_ms: int = 0
    early_refusal: bool = False
    early_heads: bool = False
    lower_case: bool = False
    prefix: str = ""
    idle_ms: int | None = None
    dribble: bool = False
    silent_incomplete: bool = False
    repeated_length_refused: bool = False
    length_required: bool = False
    both_lengths_read: bool = False
    max_connections: int | None = None

    def announces(self, *, refused: bool) -> bool:
        """Tell whether the end of the connection is announced."""
        return self.announce_close or not (self.close or (self.close_refused and refused))


STANDARD = Behaviour()

BEHAVIOURS: dict[str, Behaviour] = {
    "plain": STANDARD,
    "close": Behaviour(close=True),
    "silent-close": Behaviour(close=True, announce_close=False),
    "close-refused": Behaviour(close_refused=True),
    "silent-close-refused": Behaviour(close_refused=True, announce_close=False),
    "http10": Behaviour(http10=True),
    "chunked": Behaviour(chunked=True),
    "late": Behaviour(delay_ms=150),
    "early-refusal": Behaviour(early_refusal=True),
    "early-heads": Behaviour(early_heads=True),
    "lower-case": Behaviour(lower_case=True),
    "prefix": Behaviour(prefix="/ingest/here"),
    "idle-drop": Behaviour(idle_ms=50),
    "dribble": Behaviour(dribble=True),
    "strict-http": Behaviour(silent_incomplete=True, repeated_length_refused=True, length_required=True),
    "lenient-http": Behaviour(both_lengths_read=True),
    "nine-connections": Behaviour(max_connections=9),
    "all-at-once": Behaviour(
        close=True,
        announce_close=False,
        chunked=True,
        delay_ms=20,
        early_refusal=True,
        lower_case=True,
        prefix="/ingest/here",
        dribble=True,
    ),
}
