    -- Every price of a provider and model as periods, one's own prices first, then the newest.
    price_book AS
    (
        SELECT
            provider,
            model,
            arraySort(
                period -> (period.1 != 'user', -toUnixTimestamp(period.2)),
                groupArray((
                    source, valid_from, valid_to,
                    input_usd_mtok, output_usd_mtok, cache_read_usd_mtok, cache_write_usd_mtok
                ))
            ) AS periods
        FROM prices FINAL
        GROUP BY provider, model
    )
