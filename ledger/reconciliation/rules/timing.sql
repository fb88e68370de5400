-- Both sides have it, but on days that do not go together. Entry: its only one under a reference was posted outside the
-- window, which is from the value day to the next working day after it. Loan: booked or closed before the value day of its
-- payment (or before its pledge), or after the cut-off though what it stands for was over before it. A loan whose voucher was
-- passed on without a payment on chain, as by recourse, is closed on that day or later: what was paid of it before is a part.
WITH days AS (
    SELECT [id('reference', p.reference)] AS ids, CASE WHEN e.booked_on > p.post_by THEN p.post_by ELSE p.value_on END AS expected,
        e.booked_on AS found, p.value_on AS since, 'posted_outside_window' AS cause,
        [id('entry', e.entry_id), id('voucher', p.label), id('id', p.voucher), id('contract', p.contract)] AS context
    FROM entry_verdict e
    JOIN bank_payment p ON p.reference = e.reference AND p.standing
    WHERE e.verdict IN ('agrees', 'differs') AND e.payments = 1 AND e.entries = 1
        AND (e.booked_on > p.post_by OR e.booked_on < p.value_on AND e.value_on <> p.value_on)
    UNION ALL
    SELECT [id('loan', b.loan_no), id('voucher', b.voucher), id('field', 'booked_on')],
        CASE
            WHEN b.verdict = 'pledged' THEN b.pledged_on
            WHEN b.booked_on < b.first_value_on THEN b.value_on
            ELSE stated.cut_off
        END,
        b.booked_on, b.booked_on,
        CASE
            WHEN b.verdict = 'pledged' THEN 'loan_before_pledge'
            WHEN b.booked_on < b.first_value_on THEN 'loan_before_value_day'
            ELSE 'loan_after_cut_off'
        END,
        [id('id', b.id), id('contract', b.contract)]
    FROM booked b
    CROSS JOIN stated
    WHERE b.verdict = 'pledged' AND b.booked_on < b.pledged_on
        OR b.verdict = 'stands' AND b.disbursement <> 'withdrawn' AND b.booked_on < b.first_value_on
        OR b.verdict = 'stands' AND b.disbursement = 'completed' AND b.booked_on > stated.cut_off
            AND b.post_by <= stated.cut_off AND coalesce(b.completed_on, b.post_by) <= stated.cut_off
    UNION ALL
    SELECT [id('loan', b.loan_no), id('voucher', b.voucher), id('field', 'repaid_on')],
        CASE WHEN b.repaid_on < p.earliest THEN p.earliest ELSE stated.cut_off END, b.repaid_on, b.repaid_on,
        CASE
            WHEN b.repaid_on < p.closing_value_on THEN 'repaid_before_value_day'
            WHEN b.repaid_on < p.earliest THEN 'repaid_before_passing_on'
            ELSE 'repaid_after_cut_off'
        END,
        [id('id', b.id), id('contract', b.contract)]
    FROM booked b
    JOIN (SELECT *, coalesce(closing_value_on, CASE WHEN passed THEN passed_on END) AS earliest FROM position) p
        ON p.contract = b.contract AND p.voucher = b.id
    CROSS JOIN stated
    WHERE b.verdict = 'stands' AND b.place = 1 AND b.status = 'repaid' AND b.disbursement <> 'withdrawn'
        AND (b.repaid_on < p.earliest OR b.repaid_on > stated.cut_off AND p.book = 'closed')
)
SELECT ids, expected::VARCHAR AS expected, found::VARCHAR AS found, found - expected AS difference, 'days' AS unit, since, cause, context
FROM days;
