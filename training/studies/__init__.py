"""Questions that are answered by several trainings: ablations, inputs, supervision."""
