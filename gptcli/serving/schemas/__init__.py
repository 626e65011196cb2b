"""What requests and answers look like: strict types, bounds, and a sentence for each field in the OpenAPI document."""
