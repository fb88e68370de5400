"""The HTTP door: who is asking, what is asked, and how it is answered. Rules stay in `ledger/`."""
