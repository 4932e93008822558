-- Arguments: a sequence number, and a limit. Returns the head of the log, the entries after that number, and how many
-- seconds ago the server might have lost rows or entries.
local head = string.format('%.0f', head_sequence())
local since = tonumber(redis.call('HGET', HEAD, 'since'))
local complete_for = since and math.max(redis.call('TIME')[1] - since, 0)
return { head, redis.call('XRANGE', LOG, '(0-' .. ARGV[1], '+', 'COUNT', ARGV[2]) or {}, complete_for or false }
