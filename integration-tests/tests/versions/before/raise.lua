local gone, foreign, spoilt, resources = false, false, false, #KEYS / 2
local low, brief = {}, {}
for i = 1, #KEYS do
  local value = redis.pcall('GET', KEYS[i])
  if type(value) == 'table' then
    if i > resources or not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    foreign = true
  elseif i > resources then
    if value and (not string.match(value, '^%d+$') or #value > 16 or tonumber(value) >= 9007199254740991) then
      spoilt = true
    elseif not value or tonumber(value) < tonumber(ARGV[2]) then
      low[#low + 1] = {KEYS[i], redis.call('PTTL', KEYS[i])}
    elseif redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then
      brief[#brief + 1] = KEYS[i]
    end
  elseif not value then
    gone = true
  elseif value ~= ARGV[1] then
    foreign = true
  end
end
if foreign then return 0 end
if gone then return -1 end
if spoilt then return -2 end
for _, entry in ipairs(low) do
  local life = math.max(entry[2], tonumber(ARGV[3]))
  redis.call('SET', entry[1], ARGV[2], 'PX', string.format('%.0f', life))
end
for _, key in ipairs(brief) do redis.call('PEXPIRE', key, ARGV[3]) end
return 1
