-- Books carry totals: N loans of one due day, or N entries of one value day, come to what M vouchers or payments come to,
-- but not one to one. Nothing is missing in sum; which row stands for which voucher is not said. How groups are made is in
-- matching/4_groups.sql.
SELECT ids, yuan(expected) AS expected, yuan(found) AS found, found - expected AS difference, 'fen' AS unit, day AS since,
    CASE book WHEN 'loan' THEN 'one_loan_per_due_day' ELSE 'one_entry_per_due_day' END AS cause, [id('book', book)] AS context
FROM book_group
WHERE balanced;
