"""Calibration of networks that read volumes: a detector and the regions its finds lie in."""
