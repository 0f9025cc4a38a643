"""Look at every file of a folder and say which do not belong: measured, explained, and never deleted."""
