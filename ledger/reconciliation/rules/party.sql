-- Loan: borrower is who was paid or who pledged, obligor the issuer, bank this bank; the first that differs. Statement: the other side of
-- an entry is who was paid or who pays. A party may appear under name, account name, code or number; width of characters,
-- blanks and case do not count. A party that the dossier does not name is reported as that, not here.
WITH concerned AS (
    SELECT b.*, [
            {'field': 'borrower', 'party': b.payee, 'found': b.borrower, 'key': b.borrower_key, 'place': 1},
            {'field': 'obligor', 'party': v.issuer, 'found': b.obligor, 'key': b.obligor_key, 'place': 2},
            {'field': 'bank', 'party': stated.bank, 'found': b.bank, 'key': b.bank_key, 'place': 3}
        ] AS sides
    FROM booked b
    CROSS JOIN stated
    JOIN chain_voucher v ON v.contract = b.contract AND v.voucher = b.id
    WHERE b.verdict = 'pledged' OR b.verdict = 'stands' AND b.disbursement <> 'withdrawn'
), differing AS (
    SELECT c.loan_no, c.voucher, c.booked_on, c.id, c.contract, d.name, s.*,
        row_number() OVER (PARTITION BY c.loan ORDER BY s.place) AS rank
    FROM (SELECT *, unnest(sides) AS s FROM concerned) c
    JOIN party d ON d.party = s.party
    WHERE NOT EXISTS (FROM party_name a WHERE a.party = s.party AND a.key = s.key)
)
SELECT [id('loan', loan_no), id('voucher', voucher), id('field', field)] AS ids, name AS expected, found,
    NULL::HUGEINT AS difference, '' AS unit, booked_on AS since, 'loan_party' AS cause,
    [id('id', id), id('contract', contract)] AS context
FROM differing
WHERE rank = 1
UNION ALL
SELECT [id('entry', e.entry_id), id('reference', e.reference), id('field', 'counterparty')],
    arg_min(d.account_name, (o.party = p.issuer, p.payment)), any_value(e.counterparty), NULL, '', any_value(e.booked_on), 'entry_party', []
FROM entry_verdict e
JOIN bank_payment p ON p.reference = e.reference AND p.standing AND (p.side = e.direction OR p.side = 'self')
JOIN other_side o USING (payment)
JOIN party d USING (party)
WHERE e.verdict IN ('agrees', 'differs') AND e.counterparty <> ''
GROUP BY e.entry, e.entry_id, e.reference
HAVING NOT bool_or(EXISTS (FROM party_name a WHERE a.party = o.party AND a.key = e.counterparty_key));
