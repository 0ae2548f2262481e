"""`loyalty topics`: the catalogue's topics, and making a cluster agree with them."""
