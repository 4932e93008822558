-- Reading and writing the rows of sessions.
--
-- KEYS[1] is the store's name in braces. All keys begin with it, so that they are in one hash slot. A row is one
-- string: a line with the fields that scripts change, then the subject, then JSON ("details") that only outdate.lua,
-- bind.lua and rotate.lua change.

local function session_key(id) return KEYS[1] .. ':session:' .. id end
local function subject_key(subject) return KEYS[1] .. ':subject:' .. subject end
-- The ids of sessions, sorted by the time from which they can be pruned.
local ENDS = KEYS[1] .. ':ends'

local LINE = '^1 (%d+) (%-?%d+) ([01]) (%-?%d+) (%-?%d+) (%-?%d+) (%S+) (%d+)\n()'

-- Returns the row of an id, or nil if there is none. Fails if the row is not valid. Scripts read all rows before they
-- write, because Redis does not roll back a script that fails.
local function read(id)
  local text = redis.call('GET', session_key(id))
  if not text then return nil end
  local row, length, start = { id = id }, nil, nil
  row.generation, row.rotated_at, row.confirmed, row.expires_at, row.absolute_expires_at, row.auth_time,
    row.revoked_at, length, start = string.match(text, LINE)
  if not row.generation then error('session ' .. id .. ' is not a row of version 1') end
  row.length, row.body = length, string.sub(text, start)
  row.subject = string.sub(row.body, 1, tonumber(length))
  return row
end

-- Writes a row and returns its text. Numbers stay text, since Lua's numbers are exact only up to 53 bits.
local function write(row)
  local text = table.concat({ '1', row.generation, row.rotated_at, row.confirmed, row.expires_at,
    row.absolute_expires_at, row.auth_time, row.revoked_at, row.length }, ' ') .. '\n' .. row.body
  redis.call('SET', session_key(row.id), text)
  return text
end

-- Returns when the session of a row began. The details are JSON, in which a quote inside a text is escaped, so only the
-- member itself matches.
local function created_at(row)
  return tonumber(string.match(row.body, '"created_at":(%-?%d+)', tonumber(row.length) + 1))
end

-- Returns whether a session is bound to a device.
local function is_bound(row)
  return string.find(row.body, '"bound_key":"', tonumber(row.length) + 1, true) ~= nil
end

-- Returns the details of a row.
local function read_details(row)
  return cjson.decode(string.sub(row.body, tonumber(row.length) + 1))
end

-- Replaces the details of a row.
local function set_details(row, details)
  row.body = row.subject .. cjson.encode(details)
end

local function earlier(a, b)
  if tonumber(a) < tonumber(b) then return a else return b end
end
