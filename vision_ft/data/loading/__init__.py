"""From a sample table to batches: data sets, loaders, targets, caches."""
