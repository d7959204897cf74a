"""Settings by whom they belong to: a machine (`machine`), a deployed service (`services`).

`environment` reads them from `LIFTLINE_*` variables, with errors that name the variable.
"""
