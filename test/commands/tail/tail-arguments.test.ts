import { describe, expect, test } from 'vitest'
import { parseTailArguments, type TailArguments } from '../../../src/commands/tail/tail-arguments.ts'
import { UsageError } from '../../../src/commands/command-line.ts'
import { channels } from '../../../src/event/event.ts'

function parse(...args: string[]): TailArguments {
  const parsed = parseTailArguments(args)
  if (parsed === 'help') throw new Error('help was not asked for')
  return parsed
}

describe('the arguments of tail', () => {
  test('are every symbol, trades, statuses and news, for people, without an end', () => {
    expect(parse()).toEqual({
      symbols: ['*'],
      channels: ['trades', 'statuses', 'news'],
      url: undefined,
      feed: undefined,
      format: 'text',
      snapshot: false,
      count: Number.POSITIVE_INFINITY,
    })
  })

  test('separate symbols by spaces or commas', () => {
    expect(parse('AAPL,MSFT', 'BRK.B').symbols).toEqual(['AAPL', 'MSFT', 'BRK.B'])
  })

  test('name channels, or all of them', () => {
    expect(parse('--channels', 'quotes, lulds').channels).toEqual(['quotes', 'lulds'])
    expect(parse('--channels', '*').channels).toEqual(channels)
  })

  test('name symbols as houses write them, in words or with commas between them', () => {
    expect(parse('ES=F', '^GSPC,AAPL  240119C00150000', ' E\u0301, *').symbols).toEqual([
      'ES=F',
      '^GSPC',
      'AAPL  240119C00150000',
      'É',
      '*',
    ])
  })

  test('choose how events are printed and when to end', () => {
    expect(parse('--json', '--count', '5', '--snapshot')).toMatchObject({
      format: 'json',
      count: 5,
      snapshot: true,
    })
    expect(parse('--wire').format).toBe('wire')
  })

  test('filter events by channel', () => {
    expect(parse('--where', '{"trades":{"s":{"gte":100}}}').where).toEqual({ trades: { s: { gte: 100 } } })
  })

  test('name a gateway, whose stream is meant', () => {
    expect(parse('--url', 'wss://feed.example').url?.href).toBe('wss://feed.example/v1/stream')
    expect(parse('--url', 'ws://127.0.0.1:8081/proxy/stream').url?.href).toBe(
      'ws://127.0.0.1:8081/proxy/stream',
    )
  })

  test.for([
    [['A"B'], /A"B: expected \* or a symbol of 1 to 64/],
    [['--channels', 'trades,x'], /"x" is not one; expected \* or some of trades,quotes/],
    [['--url', 'http://x'], /--url http:\/\/x: expected ws:\/\/ or wss:\/\/; did you mean ws:\/\/x\?/],
    [['--url', 'https://x:8443/y'], /did you mean wss:\/\/x:8443\?/],
    [['--policy', 'all'], /--policy all: expected every or conflate/],
    [['--feed', 'Live'], /--feed Live: expected a name of 1 to 32 of a-z/],
    [['--where', '{s:1}'], /--where {s:1}: not JSON; quote it for your shell/],
    [['--where', '{"trades":{"s":{"gte":"1"}}}'], /--where: where\.trades\.s\.gte="1": expected a finite/],
    [['--where', '5'], /--where: where=5: expected an object/],
    [['--url', 'x'], /expected ws:\/\/HOST/],
    [['--url', 'ws://x/?token=secret'], /a token goes into TICKER_TOKEN/],
    [['--url', 'ws://me:secret@x/'], /a token goes into TICKER_TOKEN/],
    [['--json', '--wire'], /choose one/],
    [['--count', '0'], /--count 0: expected/],
    [['--follow'], /--follow.*--help/],
  ] as const)('%j are a usage error', ([args, message]) => {
    expect(() => parse(...args)).toThrow(UsageError)
    expect(() => parse(...args)).toThrow(message)
  })
})
