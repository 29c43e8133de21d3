local gone, foreign, ours = false, false, {}
for _, key in ipairs(KEYS) do
--# VALUE
  elseif value ~= ARGV[1] then
    foreign = true
  else
    ours[#ours + 1] = key
  end
end
for _, key in ipairs(ours) do redis.call('DEL', key) end
