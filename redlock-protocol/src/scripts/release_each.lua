local answers = {}
for i, key in ipairs(KEYS) do
  local value, done = redis.pcall('GET', key), nil
  if not value then
    done = -1
  elseif type(value) == 'table' then
    done = string.find(value.err, 'WRONGTYPE', 1, true) and 0 or {value.err}
  elseif value ~= ARGV[i + 1] then
    done = 0
  else
    local freed = redis.pcall('DEL', key)
    done = type(freed) == 'table' and {freed.err} or 1
    if done == 1 and ARGV[1] ~= '' then
      local told = redis.pcall('PUBLISH', ARGV[1], key)
      if type(told) == 'table' then done = {1, told.err} elseif told == 0 then done = {1, 0} end
    end
  end
  answers[i] = done
end
return answers
