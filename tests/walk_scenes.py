"""Verbs that tell something only one after another, on one voucher: a walk plays a scene now and then, with noise.

Besides verbs, these words go to a day: `wait` to one that decides something of the voucher, `due` its due day, `grace`
the last day of its grace, `late` the day after, `month` thirty days on, `week` seven. Nothing is drawn here.
"""

from __future__ import annotations

from typing import Final

SCENES: Final[tuple[str, ...]] = (
    "assert_payment wait propose_rekey wait withdraw_rekey complete_payment wait complete_payment contest_payment "
    "wait complete_payment",
    "assert_payment propose_rekey complete_payment wait finish_rekey complete_payment wait contest_payment "
    "complete_payment",
    "propose_rekey veto_rekey wait wait finish_rekey finish_rekey",
    "propose_rekey week finish_rekey",
    "propose_rekey veto_rekey month finish_rekey",
    "discount suspend rescind reinstate",
    "suspend discount discount reinstate",
    "discount wait rescind wait rescind assert_payment",
    "discount assert_payment contest_payment freeze confirm_payment assert_payment wait complete_payment",
    "discount assert_payment freeze contest_payment assert_payment confirm_payment unfreeze complete_payment",
    "discount assert_payment due freeze assert_payment assert_payment wait assert_payment",
    "discount assert_payment contest_payment due assert_payment assert_payment complete_payment",
    "discount assert_payment contest_payment due freeze assert_payment assert_payment unfreeze assert_payment",
    "discount assert_payment contest_payment month freeze award award award",
    "discount due rescind assert_payment assert_payment",
    "discount assert_payment contest_payment withdraw_payment assert_payment confirm_payment wait assert_payment",
    "discount assert_payment contest_payment month award award",
    "due assert_payment contest_payment assert_payment confirm_payment",
    "due assert_payment contest_payment month award award declare_overdue assert_payment",
    "due assert_payment contest_payment wait award freeze award award",
    "freeze freeze wait transfer wait unfreeze transfer split",
    "split split transfer cancel cancel_whole",
    "issue revoke_issue issue cancel_whole issue",
    "pledge release pledge wait release release transfer",
    "pledge transfer discount due release assert_payment confirm_payment assert_payment confirm_payment",
    "pledge due assert_payment contest_payment confirm_payment withdraw_payment assert_payment wait complete_payment",
    "pledge due assert_payment propose_rekey wait complete_payment wait complete_payment assert_payment",
    "pledge late declare_overdue release transfer release transfer assert_payment",
    "pledge late declare_overdue assert_payment confirm_payment assert_payment contest_payment award",
    "due declare_overdue grace declare_overdue late declare_overdue declare_overdue",
    "discount late assert_payment declare_overdue issue transfer transfer split assert_payment issue",
    "late freeze declare_overdue wait declare_overdue split cancel cancel_whole issue",
    "late declare_overdue transfer transfer split assert_payment confirm_payment assert_payment issue",
    "hand_over accept_hand_over week accept_hand_over hand_over suspend award freeze",
    "hand_over hand_over accept_hand_over",
    "list_verifier admit week admit admit rekey",
    "set_tenor_cap issue wait issue set_tenor_cap issue",
    "stop_issue issue stop_issue issue",
    "stop_issue succeed issue stop_issue issue transfer split issue",
)
