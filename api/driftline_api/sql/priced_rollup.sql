-- include price_book
    ,
    -- The minutes and slices that are asked for, each with its cost. cost_usd is 0 and is_priced false where no price is known.
    slices AS
    (
        SELECT
            r.*,
            arrayFilter(period -> r.minute >= period.2 AND r.minute < period.3, book.periods) AS valid_prices,
            notEmpty(valid_prices) AS is_priced,
            toFloat64(r.cache_read_tokens) AS cache_read,
            toFloat64(r.cache_write_tokens) AS cache_write,
            if(
                is_priced,
                (
                    greatest(toFloat64(r.input_tokens) - cache_read - cache_write, 0) * valid_prices[1].4
                    + toFloat64(r.output_tokens) * valid_prices[1].5
                    + cache_read * valid_prices[1].6 + cache_write * valid_prices[1].7
                ) / 1e6,
                0
            ) AS cost_usd
        FROM rollup_1m AS r FINAL
        LEFT JOIN price_book AS book ON book.provider = r.provider AND book.model = r.model
        WHERE r.project = {project:String}
          AND r.minute >= toDateTime({from_s:Int64}, 'UTC')
          AND r.minute < toDateTime({to_s:Int64}, 'UTC')
          AND ({service:String} = '' OR r.service = {service:String})
          AND ({model:String} = '' OR r.model = {model:String})
          AND ({environment:String} = '' OR r.environment = {environment:String})
          AND r.calls > 0
    )
