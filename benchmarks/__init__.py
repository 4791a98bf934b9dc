"""What the README claims, measured: contenders, a harness, results."""
