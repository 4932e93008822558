-- Counters of tries: one hash, whose fields are the keys of budgets. A value consists of the time at which the bucket
-- of all tries is full again, that of the bucket of failures in a row, and how much of the emptier one was spent at
-- the last try, in thousandths. Times are milliseconds of the server's clock.
--
-- KEYS[1] is the store's name in braces.
local COUNTERS = KEYS[1] .. ':throttle'

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function parse(value)
  local full_at, failures_full_at, spent = string.match(value, '^(%-?%d+) (%-?%d+) (%d+)$')
  if not full_at then error('a counter of the throttle is not valid') end
  return tonumber(full_at), tonumber(failures_full_at), tonumber(spent)
end

local function read(key)
  local value = redis.call('HGET', COUNTERS, key)
  if value then return parse(value) end
  return 0, 0, 0
end

-- Writes a counter, and returns 1 if it is new.
local function write(key, full_at, failures_full_at, spent)
  return redis.call('HSET', COUNTERS, key, string.format('%.0f %.0f %.0f', full_at, failures_full_at, spent))
end
