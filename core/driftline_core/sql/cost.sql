-- Every minute and slice of a time range with its cost: rollup_1m with the price that held in that minute (D4).
-- Cached tokens are part of input_tokens and are charged once, at their own price. One's own prices win over shipped ones, then the newest.
-- parameters: project String, from_s, to_s Int64 (Unix seconds; minutes from_s <= minute < to_s).
-- columns: those of rollup_1m; is_priced UInt8: a price is known for the minute; cost_usd Float64: 0 where none is.
-- Use it as a subquery: SELECT service, sum(cost_usd), sumIf(calls, NOT is_priced) FROM (<this>) GROUP BY service
SELECT
    r.*,
    arrayFirst(price -> r.minute >= price.2 AND r.minute < price.3, book.prices) AS price,
    price.3 > price.2 AS is_priced,
    toFloat64(r.cache_read_tokens) AS cache_read,
    toFloat64(r.cache_write_tokens) AS cache_write,
    (
        greatest(toFloat64(r.input_tokens) - cache_read - cache_write, 0) * price.4
        + toFloat64(r.output_tokens) * price.5
        + cache_read * price.6
        + cache_write * price.7
    ) / 1e6 AS cost_usd
FROM
(
    SELECT *
    FROM rollup_1m FINAL
    WHERE project = {project:String}
      AND minute >= toDateTime({from_s:Int64}, 'UTC')
      AND minute < toDateTime({to_s:Int64}, 'UTC')
      AND calls > 0
) AS r
LEFT JOIN
(
    SELECT
        provider,
        model,
        arraySort(
            price -> (price.1 != 'user', -toInt64(toUnixTimestamp(price.2))),
            groupArray(
                (
                    toString(source), valid_from, valid_to,
                    input_usd_mtok, output_usd_mtok, cache_read_usd_mtok, cache_write_usd_mtok
                )
            )
        ) AS prices
    FROM prices FINAL
    GROUP BY provider, model
) AS book ON book.provider = r.provider AND book.model = r.model
