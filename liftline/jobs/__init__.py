"""Jobs and tasks as all sides know them: keys and subjects (`naming`), wire forms (`wire`), payloads (`messages`).

`manifest` is what a finished job says of itself.
"""
