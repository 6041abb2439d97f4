"""The shared market: prices, pools and gas, cut into segments."""
