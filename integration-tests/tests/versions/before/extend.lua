local gone, foreign, short = false, false, {}
local resources = ARGV[3] and #KEYS / 2 or #KEYS
for i = 1, resources do
  local key = KEYS[i]
  local value = redis.pcall('GET', key)
  if not value then
    gone = true
  elseif type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    foreign = true
  elseif value ~= ARGV[1] then
    foreign = true
  elseif redis.call('PTTL', key) < tonumber(ARGV[2]) then
    short[#short + 1] = {key, ARGV[2]}
  end
end
if foreign then return 0 end
if gone then return -1 end
for i = resources + 1, #KEYS do
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then short[#short + 1] = {KEYS[i], ARGV[3]} end
end
for _, entry in ipairs(short) do redis.call('PEXPIRE', entry[1], entry[2]) end
return 1
