local gone, foreign, ours = false, false, {}
for _, key in ipairs(KEYS) do
  local value = redis.pcall('GET', key)
  if not value then
    gone = true
  elseif type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    foreign = true
  elseif value ~= ARGV[1] then
    foreign = true
  else
    ours[#ours + 1] = key
  end
end
for _, key in ipairs(ours) do redis.call('DEL', key) end
if foreign then return 0 end
if gone then return -1 end
return 1
