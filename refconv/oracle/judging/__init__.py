"""How near is near enough: outputs beside the reference, bounds, doubts, and the verdict."""
