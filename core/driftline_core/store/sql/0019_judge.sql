-- What an LLM said of a call's texts, by one rubric; kept so that the same question is never paid for twice.
-- key: SHA-256 of everything the judge is asked (endpoint, model, prompt version, sampling, rubric, texts). score: on the rubric's scale,
-- NULL when the answer could not be used, and then unknown says why. reason: the judge's own words, which may quote the judged texts.
CREATE TABLE IF NOT EXISTS judge_verdicts
(
    key FixedString(32),
    model LowCardinality(String),
    criterion LowCardinality(String),
    score Nullable(UInt8),
    reason String CODEC(ZSTD(1)),
    unknown LowCardinality(String),
    judged_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(judged_at)
ORDER BY key
TTL toDateTime(judged_at) + INTERVAL 180 DAY;

-- What judging costs. A row is a reservation, made before its requests are sent with the most they can cost and replaced by what they cost
-- (is_settled 1). day: UTC. A killed worker's reservation stays as it was made. Read with FINAL.
CREATE TABLE IF NOT EXISTS judge_spending
(
    day Date,
    reservation String,
    requests UInt64,
    input_tokens UInt64,
    output_tokens UInt64,
    usd Float64,
    is_settled UInt8
)
ENGINE = ReplacingMergeTree(is_settled)
ORDER BY (day, reservation)
TTL day + INTERVAL 400 DAY;
