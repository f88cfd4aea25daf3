"""Training of the networks on a workstation: networks, losses, phantoms, metrics and recipes."""
