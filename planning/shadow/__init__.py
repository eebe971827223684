"""A plant that only listens: what was foreseen is kept beside what came."""
