-- What the bank's line book may show as used: the drawn amount, or less what settlements under way will release, since
-- books show the pay day and the chain releases days later; of those posted to the last day either may be booked.
-- A line that goes on in a successor ledger is drawn in both, and has the limit of the later.
-- Makes the table line_position; breaks are for rules/ to decide.
CREATE TABLE line_position AS
WITH releasing AS (
    SELECT v.contract, l.line, sum(p.amount) AS under_way, coalesce(sum(p.amount) FILTER (p.post_by <= stated.cut_off), 0) AS posted
    FROM chain_payment p
    JOIN chain_voucher v USING (contract, voucher)
    JOIN chain_line own ON own.contract = v.contract AND own.line = v.line
    JOIN chain_line l ON l.contract = own.contract AND l.line IN (own.line, own.parent)
    CROSS JOIN stated
    WHERE p.purpose = 'settlement' AND p.state IN ('asserted', 'confirmed') AND p.value_on <= stated.cut_off
    GROUP BY v.contract, l.line
)
SELECT l.line, any_value(l.label) AS label, arg_max(l.issuer, l.place) AS issuer, arg_max(l."limit", l.place) AS "limit",
    arg_max(l.expires_on, l.place) AS expires_on, sum(l.drawn) AS drawn,
    sum(l.drawn - coalesce(r.under_way, 0)) AS drawn_after_all,
    sum(l.drawn - coalesce(r.posted, 0)) AS drawn_after_posted
FROM chain_line l
CROSS JOIN stated
LEFT JOIN releasing r USING (contract, line)
WHERE l.bank = stated.bank
GROUP BY l.line;
