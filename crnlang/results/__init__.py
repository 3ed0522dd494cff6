"""What a run leaves behind: one record for every engine, its directory, comparisons."""
