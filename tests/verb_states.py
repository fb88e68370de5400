"""The matrix of verbs and states: the rows and columns of `contracts/verbs.csv`, by what builds them.

`states.py` has the good life and `bad_states.py` the bad one. An arbiter is admitted before each life begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ledger.world import Role
from tests import bad_states, states
from tests.bad_states import State
from tests.ledger import defaulting
from tests.ledger.defaulting import ARBITER, awarding, declaring, releasing
from tests.stage import BANK, FUNDER, HOLDER, Attempt, Situation, Stage
from tests.states import disbursing, on_record_day, settling

VERBS: Final[dict[tuple[str, str], Callable[[Situation], Attempt]]] = {
    ("issue", ""): states.issuing,
    ("issue", "another under the line"): bad_states.issuing_another,
    ("revokeIssue", ""): states.revoking_issue,
    ("split", ""): states.splitting,
    ("split", "as recourse"): bad_states.splitting_as_recourse,
    ("transfer", ""): states.transferring,
    ("transfer", "as recourse"): bad_states.transferring_as_recourse,
    ("discount", ""): states.discounting,
    ("discount", "to the holder's sponsor bank"): bad_states.selling_to_sponsor,
    ("rescind", "by holder"): lambda s: states.rescinding(s, HOLDER),
    ("rescind", "by funder"): lambda s: states.rescinding(s, FUNDER),
    ("assertPayment", "disbursement"): lambda s: disbursing(s, FUNDER),
    ("assertPayment", "disbursement, holder signs too"): lambda s: disbursing(s, FUNDER, HOLDER),
    ("assertPayment", "settlement"): lambda s: settling(s, BANK),
    ("assertPayment", "settlement, holder signs too"): lambda s: settling(s, BANK, HOLDER),
    ("assertPayment", "settlement, holder and funder sign too"): lambda s: settling(s, BANK, HOLDER, FUNDER),
    ("assertPayment", "settlement of a part"): bad_states.settling_in_part,
    ("assertPayment", "settlement to the pledgee"): lambda s: bad_states.settling_to_pledgee(s, BANK),
    ("assertPayment", "settlement to the pledgee, both sign too"): lambda s: bad_states.settling_to_pledgee(
        s, BANK, FUNDER, HOLDER
    ),
    ("confirmPayment", ""): states.confirming,
    ("contestPayment", "by holder"): states.contesting,
    ("contestPayment", "by pledgee"): lambda s: defaulting.contesting(s, FUNDER),
    ("withdrawPayment", ""): states.withdrawing,
    ("completePayment", ""): states.completing,
    ("award", "paid"): lambda s: awarding(s, paid=True),
    ("award", "not paid"): lambda s: awarding(s, paid=False),
    ("declareOverdue", ""): declaring,
    ("pledge", ""): bad_states.pledging,
    ("release", "by pledgee"): lambda s: releasing(s, FUNDER),
    ("release", "by holder"): lambda s: releasing(s, HOLDER),
    ("freeze", ""): lambda s: states.freezing(s, days=10, order=b"\xf0" * 32),
    ("unfreeze", ""): states.unfreezing,
    ("cancel", ""): states.cancelling,
    ("cancelWhole", ""): states.cancelling_whole,
    ("revoke", ""): states.revoking,
}
"""By verb and case, as the first two columns of the file."""


_GOOD: Final[dict[str, State]] = {
    "unknown": states.unknown,
    "ended": states.ended,
    "live": states.live,
    "freeze lapsed": states.freeze_lapsed,
    "frozen": states.frozen,
    "frozen, settlement confirmed": states.frozen_settlement_confirmed,
    "settlement confirmed, freeze lapsed": states.settlement_confirmed,
    "discounted": states.discounted,
    "discounted, pay-by long past": states.discount_late,
    "frozen, discounted": states.frozen_discounted,
    "disbursement asserted": states.disbursement_asserted,
    "disbursement asserted, window ended": states.disbursement_silent,
    "disbursement contested": states.disbursement_contested,
    "frozen, disbursement asserted": states.frozen_disbursement_asserted,
    "frozen, disbursement contested": states.frozen_disbursement_contested,
    "frozen, disbursement confirmed": states.frozen_disbursement_confirmed,
    "frozen, disbursement contested and confirmed": states.frozen_disbursement_contested_and_confirmed,
    "disbursement confirmed, freeze lapsed": states.disbursement_confirmed,
    "due": on_record_day(states.live),
    "due, frozen": on_record_day(states.frozen),
    "due, frozen, settlement confirmed": on_record_day(states.frozen_settlement_confirmed),
    "due, discounted": on_record_day(states.discounted),
    "due, frozen, discounted": on_record_day(states.frozen_discounted),
    "due, disbursement asserted": on_record_day(states.disbursement_asserted),
    "due, disbursement contested": on_record_day(states.disbursement_contested),
    "due, frozen, disbursement asserted": on_record_day(states.frozen_disbursement_asserted),
    "due, frozen, disbursement contested": on_record_day(states.frozen_disbursement_contested),
    "due, frozen, disbursement confirmed": on_record_day(states.frozen_disbursement_confirmed),
    "due, disbursement confirmed, freeze lapsed": on_record_day(states.disbursement_confirmed),
    "due, settlement asserted": states.settlement_asserted,
    "due, settlement asserted, window ended": states.settlement_silent,
    "due, settlement contested": states.settlement_contested,
    "due, frozen, settlement asserted": states.frozen_settlement_asserted,
    "due, frozen, settlement contested": states.frozen_settlement_contested,
    "due, frozen, settlement contested and confirmed": states.frozen_settlement_contested_and_confirmed,
}


def _with_arbiter(state: State) -> State:
    def begun(stage: Stage) -> Situation:
        stage.play(states.admission(stage, ARBITER, roles=Role.ARBITER))
        return state(stage)

    return begun


STATES: Final[dict[str, State]] = {
    name: _with_arbiter(state)
    for table in (
        _GOOD,
        bad_states.PLEDGES,
        bad_states.PARTS_AND_CONTESTS,
        bad_states.STOPS,
        bad_states.DEFAULT,
    )
    for name, state in table.items()
}
"""By name, as the header of the file."""
