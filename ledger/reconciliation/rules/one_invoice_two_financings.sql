-- One invoice stands behind promises that were financed one by one, and together they use more of it than its total. On
-- chain an invoice of one payer under one fingerprint cannot be used beyond its total; this is the same invoice under
-- another fingerprint, another payer or another total, or in a ledger that does not know the first. Parts of one promise
-- share its use, and an invoice may back several promises up to its total. At least one of them is financed by this bank.
WITH financed AS (
    SELECT p.contract, v.promise, v.label, p.asserter = stated.bank AS own, p.value_on AS since
    FROM chain_payment p
    JOIN chain_voucher v USING (contract, voucher)
    CROSS JOIN stated
    LEFT JOIN disbursement d USING (payment)
    WHERE p.purpose = 'disbursement' AND coalesce(d.state, p.state) IN ('asserted', 'confirmed', 'completed')
    UNION
    SELECT g.contract, v.promise, v.label, g.pledgee = stated.bank, g.pledged_on
    FROM chain_pledge g
    JOIN chain_voucher v USING (contract, voucher)
    CROSS JOIN stated
    WHERE g.state <> 'released'
), used AS (
    SELECT contract, promise, any_value(number) AS number, key, min(total) AS total, sum(amount) AS amount, min(payer) AS payer
    FROM (
        -- numbers of twenty digits are unique in the whole country; others only with who has to pay
        SELECT u.*, i.number, CASE WHEN regexp_full_match(i.key, '[0-9]{20}') THEN i.key ELSE i.key || ' of ' || u.payer END AS key
        FROM invoice_use u
        JOIN opened_invoice i USING (fingerprint)
    )
    GROUP BY contract, promise, key
), by_promise AS (
    SELECT u.*, f.labels, f.own, f.since
    FROM used u
    JOIN (
        SELECT contract, promise, list_sort(list(DISTINCT label)) AS labels, bool_or(own) AS own, max(since) AS since
        FROM financed GROUP BY contract, promise
    ) f USING (contract, promise)
), by_invoice AS (
    SELECT key, min(number) AS number, list_sort(flatten(list(labels))) AS labels, min(total) AS total, sum(amount) AS amount,
        max(since) AS since, count(DISTINCT payer) > 1 AS payers, count(DISTINCT contract) > 1 AS ledgers
    FROM by_promise
    GROUP BY key
    HAVING count(*) > 1 AND bool_or(own) AND sum(amount) > min(total)
)
SELECT [id('invoice', number)] || [id('voucher', label) FOR label IN labels] AS ids,
    yuan(total) AS expected, yuan(amount) AS found, amount - total AS difference, 'fen' AS unit, since,
    CASE WHEN payers THEN 'invoice_of_two_payers' WHEN ledgers THEN 'invoice_in_two_ledgers' ELSE 'invoice_twice' END AS cause, [] AS context
FROM by_invoice;
