"""Independent witnesses: the exact master equation and Gillespie trajectories."""
