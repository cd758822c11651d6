"""Harbour & Pine, the demo company: a fashion retailer with an online shop, an app and stores."""
