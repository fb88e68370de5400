"""Credit codes for the tests: the check characters of GB 32100 and GB 11714 added to a beginning."""

from __future__ import annotations

from ledger.codes import CreditCode, check_credit_code, code_check_character, organisation_check_character


def complete_credit_code(first16: str) -> CreditCode:
    """Both check characters added to the sixteen before them; InputError where those cannot begin a code."""
    first17 = first16 + organisation_check_character(first16[8:])
    return check_credit_code(first17 + code_check_character(first17))
