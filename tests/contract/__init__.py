"""The real contracts on a real EVM, one file per verb. A package, because tests/ledger has files of the same names."""
