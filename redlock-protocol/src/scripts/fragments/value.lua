  local value = redis.pcall('GET', key)
  if not value then
    gone = true
  elseif type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    foreign = true
