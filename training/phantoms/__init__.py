"""Seeded phantoms of angiographic frames and runs; numpy and OpenCV only."""
