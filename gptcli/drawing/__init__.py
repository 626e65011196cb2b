"""Pictures in the house's colours: the canvas, and how tokens are lettered on it."""
