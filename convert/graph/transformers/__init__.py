"""One file for each kind of transformers, or a few relatives: what writes it, follows its columns, and refuses."""
