"""From weights to the files that other tools load, each read again in its own runtime and compared with the source."""
