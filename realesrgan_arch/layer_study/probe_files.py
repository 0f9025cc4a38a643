"""Names of files that a probe leaves and others read: a report, and whoever trains what it chose."""

PROBE_FILE = "results.json"
"""All that was found, see `probe_report.probe_results`."""
CHOSEN = "chosen.yml"
"""The option file of what the probe takes."""
