local function share(key, ends, last)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.0f', now))
  redis.call('ZADD', key, string.format('%.0f', ends), ARGV[1])
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(last, ends) - now + 1))
end
