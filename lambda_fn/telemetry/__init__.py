"""What is told outside beside the line of each call (`calls.py`): of models, traces, and what LOG_INPUTS asks for."""
