-- Who is doing a piece of work now, where several workers share a store. A row is a bid; the live bid that was made first holds the lease.
-- bid_at: when the bid was made, by the store's clock; expires_at: until when it counts unless renewed; is_released: given back.
CREATE TABLE IF NOT EXISTS leases
(
    name String,
    bid_at DateTime64(6, 'UTC'),
    holder String,
    expires_at DateTime64(6, 'UTC'),
    is_released UInt8,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (name, holder, bid_at)
TTL toDateTime(expires_at) + INTERVAL 1 DAY;
