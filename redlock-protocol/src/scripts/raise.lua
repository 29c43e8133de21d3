local gone, foreign, resources = false, false, #KEYS / 2
for i = 1, resources do
  local value = redis.pcall('GET', KEYS[i])
  if not value then
    gone = true
  elseif type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    foreign = true
  elseif value ~= ARGV[1] then
    foreign = true
  end
end
--# LIFT
