"""Getting one file over HTTP, whole or not at all; the one way in which this project downloads."""
