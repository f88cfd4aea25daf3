"""One recipe per network: data, schedule, and which checkpoint is kept."""
