-- Make, renew or give back a bid. name, holder; bid_us: when it was made (Unix us), 0 for now; ttl_us: how long it counts from now; is_released; version.
INSERT INTO leases (name, bid_at, holder, expires_at, is_released, version)
SELECT
    {name:String},
    if({bid_us:Int64} = 0, now64(6, 'UTC'), fromUnixTimestamp64Micro({bid_us:Int64}, 'UTC')),
    {holder:String},
    now64(6, 'UTC') + toIntervalMicrosecond({ttl_us:Int64}),
    {is_released:UInt8},
    {version:UInt64}
