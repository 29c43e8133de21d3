//! A store that checks fences.

/// `KEYS` a row, `ARGV` its value and the writer's fence: writes and answers 1 unless a later fence was there before.
pub const WRITE: &str = "\
if tonumber(redis.call('HGET', KEYS[1], 'fence') or 0) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'value', ARGV[1], 'fence', ARGV[2])
return 1";

/// `KEYS` a row, `ARGV` a fence: answers 1 and the row's value, which no earlier holder can change from here on; or 0.
pub const CLAIM: &str = "\
if tonumber(redis.call('HGET', KEYS[1], 'fence') or 0) > tonumber(ARGV[1]) then return {0} end
redis.call('HSET', KEYS[1], 'fence', ARGV[1])
return {1, redis.call('HGET', KEYS[1], 'value')}";
