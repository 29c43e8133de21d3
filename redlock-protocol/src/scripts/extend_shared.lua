local life = tonumber(ARGV[3])
local resources = life > 0 and #KEYS / 2 or #KEYS
--# NOW
--# STANDS
if foreign then return 0 end
if gone then return -1 end
local ends, longer, lefts, brief = now + tonumber(ARGV[2]), {}, {}, {}
for _, entry in ipairs(shares) do
  local own, last = entry[2], tonumber(entry[3][#entry[3]])
  if own < ends or redis.call('PTTL', entry[1]) < last - now then
    longer[#longer + 1] = {entry[1], math.max(own, ends), last}
  end
end
for i, key in ipairs(whole) do lefts[i] = redis.call('PTTL', key) end
for i = resources + 1, #KEYS do
  if redis.call('PTTL', KEYS[i]) < life then brief[#brief + 1] = KEYS[i] end
end
--# SHARE
for _, key in ipairs(brief) do redis.call('PEXPIRE', key, ARGV[3]) end
for _, entry in ipairs(longer) do share(entry[1], entry[2], entry[3]) end
for i, key in ipairs(whole) do
  redis.call('DEL', key)
  share(key, math.max(ends, now + lefts[i]), 0)
end
--# TELL whole, 4, 1
return 1
