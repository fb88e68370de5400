"""Verbs that tell something only one after another, on one voucher: a walk plays a scene now and then, with noise.

`wait` goes to a day that decides something of the voucher, `due` to its due day. Nothing is drawn here.
"""

from __future__ import annotations

from typing import Final

SCENES: Final[tuple[str, ...]] = (
    "assert_payment wait propose_rekey wait withdraw_rekey complete_payment wait complete_payment contest_payment "
    "wait complete_payment",
    "assert_payment propose_rekey complete_payment wait finish_rekey complete_payment wait contest_payment "
    "complete_payment",
    "propose_rekey veto_rekey wait wait finish_rekey finish_rekey",
    "discount suspend rescind reinstate",
    "suspend discount discount reinstate",
    "discount wait rescind wait rescind assert_payment",
    "discount assert_payment contest_payment freeze confirm_payment assert_payment wait complete_payment",
    "discount assert_payment freeze contest_payment assert_payment confirm_payment unfreeze complete_payment",
    "discount assert_payment due freeze assert_payment assert_payment wait assert_payment",
    "discount assert_payment contest_payment due assert_payment assert_payment complete_payment",
    "discount due rescind assert_payment assert_payment",
    "discount assert_payment contest_payment withdraw_payment assert_payment confirm_payment wait assert_payment",
    "due assert_payment contest_payment assert_payment confirm_payment",
    "freeze freeze wait transfer wait unfreeze transfer split",
    "split split transfer cancel cancel_whole",
    "issue revoke_issue issue cancel_whole issue",
)
