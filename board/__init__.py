"""A Flux-compatible board in one process: the embedded default. Reached over HTTP only."""
