-- What an SDK says it left out of a span because of its own limits, and the W3C trace flags.
ALTER TABLE spans
    ADD COLUMN IF NOT EXISTS dropped_attributes_count UInt32 CODEC(ZSTD(1)) AFTER links,
    ADD COLUMN IF NOT EXISTS dropped_events_count UInt32 CODEC(ZSTD(1)) AFTER dropped_attributes_count,
    ADD COLUMN IF NOT EXISTS dropped_links_count UInt32 CODEC(ZSTD(1)) AFTER dropped_events_count,
    ADD COLUMN IF NOT EXISTS flags UInt32 CODEC(ZSTD(1)) AFTER dropped_links_count;
