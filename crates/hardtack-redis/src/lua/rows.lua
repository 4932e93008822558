-- What every script begins with. KEYS[1] is the store's name in braces: with it all keys begin, so that
-- all are in one slot. A row is one string: a line of what changes, then the subject and the rest, which
-- only other claims change, and which no other script looks into.

local function session_key(id) return KEYS[1] .. ':session:' .. id end
local function subject_key(subject) return KEYS[1] .. ':subject:' .. subject end
local ENDS, LOG, HEAD = KEYS[1] .. ':ends', KEYS[1] .. ':log', KEYS[1] .. ':log:head'

local LINE = '^1 (%d+) (%-?%d+) ([01]) (%-?%d+) (%-?%d+) (%-?%d+) (%S+) (%d+)\n()'

-- The row of an id; nothing where there is none. Fails before anything is written: a script that stops
-- is not undone.
local function read(id)
  local text = redis.call('GET', session_key(id))
  if not text then return nil end
  local row, length, start = { id = id }, nil, nil
  row.generation, row.rotated_at, row.confirmed, row.expires_at, row.absolute_expires_at, row.auth_time,
    row.revoked_at, length, start = string.match(text, LINE)
  if not row.generation then error('session ' .. id .. ' is not a row of version 1') end
  row.length, row.rest = length, string.sub(text, start)
  row.subject = string.sub(row.rest, 1, tonumber(length))
  return row
end

-- Numbers stay the text that they are: Lua's have 53 bits.
local function write(row)
  local text = table.concat({ '1', row.generation, row.rotated_at, row.confirmed, row.expires_at,
    row.absolute_expires_at, row.auth_time, row.revoked_at, row.length }, ' ') .. '\n' .. row.rest
  redis.call('SET', session_key(row.id), text)
  return text
end

local function earlier(a, b)
  if tonumber(a) < tonumber(b) then return a else return b end
end

-- The sequence of the newest entry. A server that was emptied, restarted, restored or replaced may have
-- lost entries that somebody has read: the sequence then goes on from a number that was never reached,
-- the server's time in microseconds, and readers see the gap.
local function newest()
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local head = redis.call('HMGET', HEAD, 'run', 'sequence')
  local sequence = tonumber(head[2] or '0')
  if not head[2] or head[1] ~= run then
    local time = redis.call('TIME')
    sequence = math.max(sequence + 1, time[1] * 1000000 + time[2])
    redis.call('HSET', HEAD, 'run', run, 'sequence', string.format('%.0f', sequence))
  end
  return sequence
end

-- Writes entries to the log: the kind of each, its session, and what else there is to say.
local function append(entries, now)
  local sequence = newest()
  for i, entry in ipairs(entries) do
    local id = '0-' .. string.format('%.0f', sequence + i)
    redis.call('XADD', LOG, id, entry[1], entry[2], 'at', now, unpack(entry, 3))
  end
  redis.call('HSET', HEAD, 'sequence', string.format('%.0f', sequence + #entries))
end
