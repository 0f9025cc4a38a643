"""Known data sets: where they come from, under which licence, and how they get onto this machine."""
