import { describe, expect, test } from 'vitest'
import { parseCommand } from '../../../src/protocol/ticker-v1/parse-command.ts'

describe('a request', () => {
  test.each([-1, 0.5, 120_001, 1e300, '250', null, true])('whose interval is %j is refused', conflateMs => {
    expect(
      parseCommand(JSON.stringify({ action: 'subscribe', quotes: ['A'], conflateMs, id: 1 })),
    ).toMatchObject({
      code: 400,
      detail: expect.stringMatching(/^conflateMs=.*: expected whole milliseconds, 0 to 120000$/),
      id: 1,
    })
  })

  test('that would conflate news is refused', () => {
    expect(parseCommand('{"action":"subscribe","news":["*"],"policy":{"news":"conflate"}}')).toMatchObject({
      code: 400,
      detail: expect.stringMatching(/^policy\.news="conflate": expected "every"; every article is/),
    })
  })
})
