local resources = #KEYS
--# NOW
--# STANDS
local rests, freed = {}, {}
for i, entry in ipairs(shares) do
  local top = entry[3]
  local at = top[#top - 1] == ARGV[1] and #top - 2 or #top
  rests[i] = tonumber(top[at] or 0)
end
for i, key in ipairs(whole) do
  redis.call('DEL', key)
  freed[i] = key
end
for i, entry in ipairs(shares) do
  redis.call('ZREM', entry[1], ARGV[1])
  redis.call('ZREMRANGEBYSCORE', entry[1], '-inf', string.format('(%.0f', now))
  if rests[i] >= now then
    redis.call('PEXPIRE', entry[1], string.format('%.0f', rests[i] - now + 1))
  else
    freed[#freed + 1] = entry[1]
  end
end
local removal = foreign and 0 or gone and -1 or 1
--# TELL freed, 2, removal
return removal
