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
local refused
for _, key in ipairs(ours) do
  local told = redis.pcall('PUBLISH', ARGV[2], key)
  if type(told) == 'table' then refused = told.err break end
end
local removal = foreign and 0 or gone and -1 or 1
if refused then return {removal, refused} end
return removal
