"""optsearch: symbolic program search that rediscovers optimizers. This package is the public Python API."""
