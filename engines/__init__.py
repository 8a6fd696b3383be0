"""Neural engines: manifest, fetch, conversion, backends, training, own weights."""
