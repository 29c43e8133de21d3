--# SHOWN
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local found, counters, intents = {page[1]}, ARGV[4], ARGV[5]
for _, key in ipairs(page[2]) do
  local lock = string.sub(key, 1, #counters) ~= counters and string.sub(key, 1, #intents) ~= intents
  if lock and #key <= tonumber(ARGV[6]) then
    local value, left = redis.pcall('GETRANGE', key, 0, ARGV[7]), redis.pcall('PTTL', key)
    if type(value) == 'table' then
      local shares = string.find(value.err, 'WRONGTYPE', 1, true) and shown(key)
      if not shares then
        value, left = false, value.err
      elseif shares.err then
        value, left = false, shares.err
      else
        value = shares
      end
    end
    if type(left) == 'table' then return left end
    if left ~= -2 then
      found[#found + 1] = key
      found[#found + 1] = value
      found[#found + 1] = left
    end
  end
end
return found
