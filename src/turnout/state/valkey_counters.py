"""Counts on a Valkey or Redis server, which gateways on many machines share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any, Final

from turnout.state.counters import LEASE_S, Account, Full, Tally
from turnout.state.database import Unavailable
from turnout.state.shared_counters import Answer, Book, Op, Read, Renew, Reserve, Settle
from turnout.state.valkey_client import PREFIX, TIMEOUT_S, connect, failures, in_time

_KEPT_S: Final = 86_400
"""A window is kept for so long after its end."""

_LUA: Final = """
local function less(key, field, amount)  -- '-0' is no number to the server
  if amount ~= '0' then redis.call('HINCRBY', key, field, '-' .. amount) end
end

local function alive(owner, lease)
  local now = tonumber(redis.call('TIME')[1])
  redis.call('ZADD', PREFIX .. 'owners', now + lease, owner)
  local dead = redis.call('ZRANGEBYSCORE', PREFIX .. 'owners', '-inf', now, 'LIMIT', 0, 8)
  for _, each in ipairs(dead) do
    local leases = PREFIX .. 'leases:' .. each
    for _, lease in ipairs(redis.call('HVALS', leases)) do
      for key, worst, likely in string.gmatch(lease, '([^\\n]+)\\n(%d+)\\n(%d+)\\n') do
        less(key, 'held', worst)
        redis.call('HINCRBY', key, 'spent', likely)
      end
    end
    if redis.call('EXISTS', leases) == 1 then
      redis.call('RENAME', leases, PREFIX .. 'given_back:' .. each)
      redis.call('EXPIRE', PREFIX .. 'given_back:' .. each, 3600)
    end
    redis.call('ZREM', PREFIX .. 'owners', each)
  end
end

local function tally(key)
  local found = redis.call('HMGET', key, 'spent', 'held')
  return {found[1] or '0', found[2] or '0'}
end

local function reserve(owner, ticket, used, args)
  local wants, busy = {}, nil
  if redis.call('EXISTS', PREFIX .. 'settled:' .. ticket) == 1 then return {0, 0, {}} end
  for i = 1, #args, 6 do
    local key, limit, worst, likely, floor = args[i], args[i + 1], args[i + 2], args[i + 3], args[i + 4]
    local found = tally(key)
    if tonumber(found[1]) < tonumber(floor) then
      redis.call('HSET', key, 'spent', floor)
      found[1] = floor
    end
    wants[#wants + 1] = found
    if limit ~= '' and worst ~= '0' then
      local spent, held, most = tonumber(found[1]), tonumber(found[2]), tonumber(limit)
      if spent + held + tonumber(worst) > most then
        if spent + tonumber(likely) > most then return {#wants, 0, wants} end
        if held > 0 and not busy then busy = #wants end
      end
    end
  end
  if busy then return {busy, 1, wants} end
  local lease, field = '', used == '1' and 'spent' or 'held'
  for i = 1, #args, 6 do
    redis.call('HINCRBY', args[i], field, args[i + 2])
    if args[i + 5] ~= '' then redis.call('EXPIREAT', args[i], args[i + 5]) end
    lease = lease .. args[i] .. '\\n' .. args[i + 2] .. '\\n' .. args[i + 3] .. '\\n'
    wants[(i + 5) / 6] = tally(args[i])
  end
  if used ~= '1' then redis.call('HSET', PREFIX .. 'leases:' .. owner, ticket, lease) end
  return {0, 0, wants}
end

local function settle(owner, ticket, amounts)
  local i, stands = 0, {}
  local lease = redis.call('HGET', PREFIX .. 'leases:' .. owner, ticket)
  local late = not lease and redis.call('HGET', PREFIX .. 'given_back:' .. owner, ticket)
  for key, worst, likely in string.gmatch(lease or late or '', '([^\\n]+)\\n(%d+)\\n(%d+)\\n') do
    i = i + 1
    if lease then
      less(key, 'held', worst)
      redis.call('HINCRBY', key, 'spent', amounts[i])
    elseif tonumber(amounts[i]) > tonumber(likely) then
      redis.call('HINCRBY', key, 'spent', amounts[i])
      less(key, 'spent', likely)
    end
    stands[i] = tally(key)
  end
  redis.call('HDEL', PREFIX .. (lease and 'leases:' or 'given_back:') .. owner, ticket)
  if i == 0 then redis.call('SET', PREFIX .. 'settled:' .. ticket, 1, 'EX', 3600) end
  return {0, 0, stands}
end

local function book(id, key, amount, floor, expires)
  if redis.call('SET', PREFIX .. 'booked:' .. id, 1, 'NX', 'EX', 3600) then
    if tonumber(tally(key)[1]) < tonumber(floor) then redis.call('HSET', key, 'spent', floor) end
    redis.call('HINCRBY', key, 'spent', amount)
    if expires ~= '' then redis.call('EXPIREAT', key, expires) end
  end
  return {0, 0, {tally(key)}}
end

local function read(keys)
  local stands = {}
  for i, key in ipairs(keys) do stands[i] = tally(key) end
  return {0, 0, stands}
end

local verb, owner = ARGV[1], ARGV[2]
alive(owner, tonumber(ARGV[3]))
local rest = {unpack(ARGV, 4)}
if verb == 'reserve' then return reserve(owner, rest[1], rest[2], {unpack(rest, 3)}) end
if verb == 'settle' then return settle(owner, rest[1], {unpack(rest, 2)}) end
if verb == 'book' then return book(rest[1], rest[2], rest[3], rest[4], rest[5]) end
if verb == 'read' then return read(rest) end
return {0, 0, {}}
""".replace("PREFIX", f"'{PREFIX}'")


class ValkeyBackend:
    """See `turnout.state.shared_counters.Backend`. One script does one operation, whole.

    Args:
        url: the server's address: `redis://`, `rediss://`, `valkey://` or `unix://`, with user, password and database.
        timeout_s: how long an answer may take.

    Raises:
        MissingExtra: the extra `valkey` is not installed.
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = connect(url)
        from redis.exceptions import NoScriptError

        self._failures = failures()
        self._timeout_s = timeout_s
        self._digest = hashlib.sha1(_LUA.encode(), usedforsecurity=False).hexdigest()
        self._unknown = NoScriptError

    async def run(self, owner: str, ops: Sequence[Op]) -> Sequence[Answer]:
        """See `Backend.run`: all of it in one round trip."""
        try:
            async with in_time(self._timeout_s):
                replies = await self._done(owner, ops)
        except self._failures as error:
            raise Unavailable(str(error) or "no answer in time") from error
        return [_answer(op, reply) for op, reply in zip(ops, replies, strict=True)]

    async def close(self) -> None:
        """See `Backend.close`."""
        await self._client.aclose()

    async def _done(self, owner: str, ops: Sequence[Op]) -> list[Any]:
        """Each once: another gateway may teach a server that has just begun the script while our batch is halfway."""
        replies = await self._sent(owner, ops)
        undone = [place for place, reply in enumerate(replies) if isinstance(reply, self._unknown)]
        if undone:
            await self._client.script_load(_LUA)
            for place, reply in zip(undone, await self._sent(owner, [ops[place] for place in undone]), strict=True):
                replies[place] = reply
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def _sent(self, owner: str, ops: Sequence[Op]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for op in ops:
            pipeline.evalsha(self._digest, 0, *_arguments(owner, op))
        return await pipeline.execute(raise_on_error=False)


def _key(account: Account) -> str:
    return f"{PREFIX}{account.name}@{account.window}".replace("\n", " ")


def _expires(account: Account) -> str:
    return "" if math.isinf(account.ends) else str(int(account.ends) + _KEPT_S)


def _arguments(owner: str, op: Op) -> list[str | int]:
    said: list[str | int] = [type(op).__name__.lower(), owner, int(LEASE_S)]
    match op:
        case Reserve():
            said += [op.ticket, int(op.used)]
            for hold, floor in zip(op.holds, op.floors, strict=True):
                limit = "" if hold.limit is None else hold.limit
                said += [_key(hold.account), limit, hold.worst, hold.likely, floor, _expires(hold.account)]
        case Settle():
            said += [op.ticket, *op.amounts]
        case Book():
            said += [op.id, _key(op.account), op.amount, op.floor, _expires(op.account)]
        case Read():
            said += [_key(account) for account in op.accounts]
        case Renew():
            pass
    return said


def _answer(op: Op, reply: Any) -> Answer:
    place, busy, stands = reply
    tallies = [Tally(int(spent), int(held)) for spent, held in stands]
    full = None
    if place and isinstance(op, Reserve):
        full = Full(op.holds[place - 1], tallies[place - 1], busy=bool(busy))
        tallies = []  # of those after it nothing is known
    return Answer(tallies, full)
