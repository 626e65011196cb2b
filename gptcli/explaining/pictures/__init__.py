"""What an explanation shows, as pictures and as a page that a person can explore."""
