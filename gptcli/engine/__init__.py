"""The decoding engine: requests in, finished sequences out, over two backends."""
