"""The domain of Tallystick: rules, chain, store, reconciliation. No HTTP and no terminal in here."""
