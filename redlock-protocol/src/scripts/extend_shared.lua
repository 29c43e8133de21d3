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
    longer[#longer + 1] = {entry[1], math.max(own, ends), last, own}
  end
end
for i, key in ipairs(whole) do lefts[i] = redis.call('PTTL', key) end
for i = resources + 1, #KEYS do
  if redis.call('PTTL', KEYS[i]) < life then brief[#brief + 1] = KEYS[i] end
end
local function share(key, ends, last, own)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.0f', now))
  redis.call('ZADD', key, string.format('%.0f', ends), ARGV[1])
  local kept = redis.pcall('PEXPIRE', key, string.format('%.0f', math.max(last, ends) - now + 1))
  if type(kept) ~= 'table' then return end
  redis.pcall('ZADD', key, string.format('%.0f', own), ARGV[1])
  return kept
end
if whole[1] then
  redis.call('PEXPIRE', whole[1], lefts[1] < 0 and ARGV[2] or string.format('%.0f', lefts[1] + 1))
  for _, command in ipairs({'ZREMRANGEBYSCORE', 'ZADD'}) do
    local said = redis.pcall(command, whole[1], 1, 0)
    if not string.find(said.err, 'WRONGTYPE', 1, true) then return said end
  end
end
for _, key in ipairs(brief) do redis.call('PEXPIRE', key, ARGV[3]) end
for _, entry in ipairs(longer) do
  local lacks = share(unpack(entry))
  if lacks then return lacks end
end
for i, key in ipairs(whole) do
  redis.call('DEL', key)
  share(key, math.max(ends, now + lefts[i]), 0, 0)
end
--# TELL whole, 4, 1
return 1
