local gone, foreign, spoilt, resources = false, false, false, #KEYS / 2
local low, standing = {}, {}
for i = 1, #KEYS do
  local value = redis.pcall('GET', KEYS[i])
  if type(value) == 'table' then
    if i > resources or not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    foreign = true
  elseif i > resources then
    if value and (not string.match(value, '^%d+$') or #value > 16 or tonumber(value) >= 9007199254740991) then
      spoilt = true
    elseif not value or tonumber(value) < tonumber(ARGV[2]) then
      low[#low + 1] = KEYS[i]
    else
      standing[#standing + 1] = KEYS[i]
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
for _, key in ipairs(low) do redis.call('SET', key, ARGV[2], 'PX', ARGV[3]) end
for _, key in ipairs(standing) do redis.call('PEXPIRE', key, ARGV[3]) end
return 1
