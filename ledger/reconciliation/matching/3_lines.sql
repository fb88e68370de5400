-- What the bank's line book may show as used at the cut-off: what was drawn then, or less what settlements under way then
-- will release, since books show the pay day and the chain releases days later; of those posted to the last day either may
-- be booked. What was issued, settled or cancelled after the cut-off is the next days' and is taken out again.
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
    WHERE p.purpose = 'settlement' AND p.value_on <= stated.cut_off
        AND (p.state IN ('asserted', 'confirmed') OR p.state = 'completed' AND p.completed_on > stated.cut_off)
    GROUP BY v.contract, l.line
), afterwards AS (
    SELECT l.contract, l.line, sum(d.amount) AS amount
    FROM chain_draw d
    JOIN chain_line own ON own.contract = d.contract AND own.line = d.line
    JOIN chain_line l ON l.contract = own.contract AND l.line IN (own.line, own.parent)
    CROSS JOIN stated
    WHERE d.drawn_on > stated.cut_off
    GROUP BY l.contract, l.line
), at_cut_off AS (
    SELECT l.* EXCLUDE (drawn), l.drawn - coalesce(a.amount, 0) AS drawn,
        coalesce(r.under_way, 0) AS under_way, coalesce(r.posted, 0) AS posted
    FROM chain_line l
    LEFT JOIN afterwards a USING (contract, line)
    LEFT JOIN releasing r USING (contract, line)
)
SELECT l.line, any_value(l.label) AS label, arg_max(l.issuer, l.place) AS issuer, arg_max(l."limit", l.place) AS "limit",
    arg_max(l.expires_on, l.place) AS expires_on, sum(l.drawn) AS drawn,
    sum(l.drawn - l.under_way) AS drawn_after_all,
    sum(l.drawn - l.posted) AS drawn_after_posted
FROM at_cut_off l
CROSS JOIN stated
WHERE l.bank = stated.bank
GROUP BY l.line;
