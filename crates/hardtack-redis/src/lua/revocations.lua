-- The position, the limit: the head, and the entries.
local head = string.format('%.0f', newest())
return { head, redis.call('XRANGE', LOG, '(0-' .. ARGV[1], '+', 'COUNT', ARGV[2]) or {} }
