"""Many hands at one thing, on the real processes: what is lost, and how long it takes."""
