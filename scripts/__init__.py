"""What `make` runs beside the product: set-up, lock files, the emulator, the demo."""
