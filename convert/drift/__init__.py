"""What came in, as the service captured it, compared with the sample that the model's card tells of."""
