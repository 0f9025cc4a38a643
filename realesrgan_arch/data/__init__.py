"""From folders of photographs to samples: manifests, splits, data sets, the embedded sample."""
