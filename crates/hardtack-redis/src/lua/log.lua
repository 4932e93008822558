-- The revocation log: a stream whose entries have the ids `0-sequence`.

local LOG, HEAD = KEYS[1] .. ':log', KEYS[1] .. ':log:head'

-- Returns the sequence number of the newest entry. A server that was emptied, restarted, restored or replaced may have
-- lost entries that a process has read. The sequence then continues from a number that was never used, the server's
-- time in microseconds, so that readers see a gap. `since` is the time, in seconds, at which this was last noticed.
local function head_sequence()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local head = redis.call('HMGET', HEAD, 'run', 'sequence')
  local sequence = tonumber(head[2] or '0')
  if not head[2] or head[1] ~= run then
    local time = redis.call('TIME')
    sequence = math.max(sequence + 1, time[1] * 1000000 + time[2])
    redis.call('HSET', HEAD, 'run', run, 'sequence', string.format('%.0f', sequence), 'since', time[1])
  end
  return sequence
end

-- Appends entries: each has its kind, the session's id, and further fields.
local function append(entries, now)
  local sequence = head_sequence()
  for i, entry in ipairs(entries) do
    local id = '0-' .. string.format('%.0f', sequence + i)
    redis.call('XADD', LOG, id, entry[1], entry[2], 'at', now, unpack(entry, 3))
  end
  redis.call('HSET', HEAD, 'sequence', string.format('%.0f', sequence + #entries))
end
