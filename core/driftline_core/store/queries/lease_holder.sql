-- The live bids of a lease, the one that holds it first. name.
-- Returns holder and bid_us (Unix us by the store's clock).
SELECT holder, toUnixTimestamp64Micro(bid_at) AS bid_us
FROM leases FINAL
WHERE name = {name:String} AND is_released = 0 AND expires_at > now64(6, 'UTC')
ORDER BY bid_at, holder
