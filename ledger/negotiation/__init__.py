"""How parties come to an agreement before the chain sees it: organisations and their people, offers, signatures.

No HTTP in here, and no rule of the contract: whether something may happen is asked of `ledger.voucher`, each time.
"""
