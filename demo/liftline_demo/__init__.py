"""The demo: a walking figure with exact truth (`mannequin`), processed and compared with that truth."""
