import { expect, test } from 'vitest'
import { readSubscriptionQuery } from '../../../src/transport/sse/subscription-query.ts'

test('a query names what a subscribe has in its fields, and a feed', () => {
  const query =
    'trades=AAPL,MSFT&quotes=*&conflateMs=250&policy.quotes=every&snapshot=true' +
    '&where=%7B%22trades%22%3A%7B%22s%22%3A%7B%22gte%22%3A100%7D%7D%7D&feed=delayed'
  expect(readSubscriptionQuery(query)).toEqual({
    feed: 'delayed',
    fields: {
      trades: ['AAPL', 'MSFT'],
      quotes: ['*'],
      conflateMs: 250,
      snapshot: true,
      where: { trades: { s: { gte: 100 } } },
      policy: { quotes: 'every' },
    },
  })
})

test('symbols are written as HTML forms write them', () => {
  const query = new URLSearchParams({ trades: '茅台,^GSPC,AAPL  240119C00150000,A+B,50%' }).toString()
  expect(readSubscriptionQuery(query)).toEqual({
    fields: { trades: ['茅台', '^GSPC', 'AAPL  240119C00150000', 'A+B', '50%'] },
  })
})

// They come with trades.
test('corrections and cancels have a filter and a policy of their own without being named', () => {
  const query = 'trades=A&policy.corrections=conflate&where={"cancelErrors":{"s":{"gte":100}}}'
  expect(readSubscriptionQuery(query)).toEqual({
    fields: {
      trades: ['A'],
      policy: { corrections: 'conflate' },
      where: { cancelErrors: { s: { gte: 100 } } },
    },
  })
})

test.each([
  ['', 'the query names no channel; expected at least one of trades, quotes'],
  ['snapshot=true', 'the query names no channel'],
  ['trades=', 'trades= is empty; leave it out, or name symbols, such as trades=AAPL,MSFT'],
  ['trades=A&policy.trades=', 'policy.trades= is empty; leave it out, or write policy.trades=every'],
  ['trades=A&feed=', 'feed= is empty'],
  ['trades=A&trades=B', 'trades is there twice; expected it once, such as trades=AAPL,MSFT'],
  ['trades=A&tardes=B', '"tardes": unknown parameter; known: trades, quotes'],
  ['trades=A&policy.trade=every', '"policy.trade": unknown parameter'],
  ['trades=A&__proto__=B', '"__proto__": unknown parameter'],
  ['trades=A&snapshot=yes', 'snapshot="yes": expected true or false'],
  ['trades=A&conflateMs=1e3', 'conflateMs="1e3": expected whole milliseconds, such as 250'],
  ['trades=A&conflateMs=-1', 'conflateMs="-1": expected whole milliseconds'],
  ['trades=A&where={', 'where="{": not JSON; expected a filter by channel, percent-encoded'],
  ['trades=A&policy.quotes=every', 'policy.quotes: the query names no quotes; expected quotes='],
  [
    'trades=A&where={"quotes":{"s":{"gt":1}}}',
    'where.quotes: the query names no quotes; expected quotes=, or nothing about this channel',
  ],
  ['trades=%E0%A4', 'trades: a % is not followed by two digits of UTF-8; write a % as %25'],
])('names the parameter, its value, the rule and the cure of %j', (query, fault) => {
  expect(readSubscriptionQuery(query)).toEqual({ fault: expect.stringContaining(fault) })
})

test.each(['token', 'access_token', 'ACCESS-TOKEN', 'jwt', 'apiKey', 'authorization', 'bearer'])(
  'a token in %s is refused, and not shown',
  name => {
    const result = readSubscriptionQuery(`trades=A&${name}=eyJhbGciOi`)
    const fault = `${name}: a token never goes into a URL; send it as Authorization: Bearer TOKEN`
    expect(result).toEqual({ fault })
  },
)
