--# SHOWN
local found = {}
for _, key in ipairs(KEYS) do
  local value, shares = redis.pcall('GET', key), false
  if type(value) == 'table' then
    shares = string.find(value.err, 'WRONGTYPE', 1, true) and shown(key)
    if not shares then return value end
    if shares.err then return shares end
  end
  found[#found + 1] = shares and 2 or value and 1 or 0
  found[#found + 1] = shares or value or ''
  found[#found + 1] = redis.call('PTTL', key)
end
return found
