"""Options that commands share, as types with help texts: `common`, `lifting`, `gateway`; `groups` bundles them."""
