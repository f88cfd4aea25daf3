"""The kernels against their best peers, one thread each, in one run."""
