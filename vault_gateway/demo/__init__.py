"""What `vault-gateway demo` tells its story with. `orders.csv`: 200 made-up orders, ten of them broken."""
