"""What is in a folder of photographs: measures of every picture, findings with thresholds, the keep-list."""
