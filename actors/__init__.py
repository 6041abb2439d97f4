"""Who does it: plain classes that take values and return values, wrapped for Ray in ``actors.remote`` alone.

Actors never call each other; the conductor passes what one returns to the next.
"""
