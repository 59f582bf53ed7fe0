-- USD per million tokens, by provider, model and time; valid_to is exclusive. source: genai-prices, or user for one's own (which wins).
-- Cost is computed where it is read, so a corrected price corrects history. Cached tokens are part of input_tokens and are never counted twice.
CREATE TABLE IF NOT EXISTS prices
(
    provider LowCardinality(String),
    model LowCardinality(String),
    valid_from DateTime('UTC'),
    valid_to DateTime('UTC'),
    input_usd_mtok Float64,
    output_usd_mtok Float64,
    cache_read_usd_mtok Float64,
    cache_write_usd_mtok Float64,
    source LowCardinality(String),
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (provider, model, valid_from, source)
TTL toDateTime(updated_at) + INTERVAL 3650 DAY;
