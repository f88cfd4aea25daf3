"""Networks: plain modules, one clinical question each."""
