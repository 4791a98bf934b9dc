"""What is shown to people, and to their tools: the page, the OpenAPI document."""
