local gone, foreign, ours = false, false, {}
for _, key in ipairs(KEYS) do
--# VALUE
  elseif value == ARGV[1] then
    local left, rest = redis.call('PTTL', key), tonumber(ARGV[2])
    if left >= 0 and left < rest then rest = math.max(left, 1) end
    ours[#ours + 1] = {key, string.format('%.0f', rest)}
  elseif value ~= ARGV[3] then
    foreign = true
  end
end
for _, entry in ipairs(ours) do redis.call('SET', entry[1], ARGV[3], 'PX', entry[2]) end
if foreign then return 0 end
if gone then return -1 end
return 1
