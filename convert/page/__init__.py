"""What pages for people share: one look, and plots as SVG. A page is one HTML file that loads nothing else."""
