"""The room around the people: `estimation` puts it together of `_ground`, `vertical` and `person_height`."""
