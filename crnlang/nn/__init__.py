"""Autoregressive ansatz: normalised by construction, exact samples, exact log P."""
