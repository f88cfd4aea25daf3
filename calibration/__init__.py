"""FP32 to INT8 on the workstation: what a target asks of a graph, and graphs that meet it."""
