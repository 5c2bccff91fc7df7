import { describe, expect, test } from 'vitest'
import { parsePublishArguments } from '../../../src/commands/publish/publish-arguments.ts'
import { UsageError } from '../../../src/commands/command-line.ts'

describe('the arguments of publish', () => {
  test('are a file, at full speed, checked, from its first line', () => {
    expect(parsePublishArguments(['tape.jsonl'])).toEqual({
      file: 'tape.jsonl',
      speed: { kind: 'full' },
      isCheckOnly: false,
      skipsBad: false,
      fromLine: 1,
    })
  })

  test('may be standard input, with options before and behind', () => {
    expect(parsePublishArguments(['--rate', '0.5', '-', '--skip-bad', '--from-line', '12'])).toMatchObject({
      file: '-',
      speed: { kind: 'rate', perSecond: 0.5 },
      skipsBad: true,
      fromLine: 12,
    })
    expect(parsePublishArguments(['x', '--realtime'])).toMatchObject({ speed: { kind: 'realtime' } })
    expect(parsePublishArguments(['x', '--check'])).toMatchObject({ isCheckOnly: true })
  })

  test('may ask for help, whatever else they say', () => {
    expect(parsePublishArguments(['--help'])).toBe('help')
    expect(parsePublishArguments(['-h', '--rate', 'x'])).toBe('help')
  })

  test.for([
    [[], /which FILE/],
    [['a', 'b'], /one FILE at a time/],
    [['a', '--rate', '0'], /--rate 0: expected events per second/],
    [['a', '--rate', '1e3'], /--rate 1e3/],
    [['a', '--rate', '1000001'], /--rate 1000001/],
    [['a', '--rate', '5', '--realtime'], /choose one/],
    [['a', '--check', '--rate', '5'], /--check publishes nothing/],
    [['a', '--check', '--skip-bad'], /--check publishes nothing/],
    [['a', '--from-line', '0'], /--from-line 0: expected/],
    [['a', '--from-line', '-1'], /--from-line/],
    [['a', '--fast'], /--fast.*--help/],
  ] as const)('%j are a usage error', ([args, message]) => {
    expect(() => parsePublishArguments(args)).toThrow(UsageError)
    expect(() => parsePublishArguments(args)).toThrow(message)
  })
})
