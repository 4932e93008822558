-- Arguments: a sequence number, and a limit. Returns the head of the log, and the entries after that number.
local head = string.format('%.0f', head_sequence())
return { head, redis.call('XRANGE', LOG, '(0-' .. ARGV[1], '+', 'COUNT', ARGV[2]) or {} }
