import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import { generateTape } from '../support/tape.ts'
import { jsonLines } from '../support/json-lines.ts'
import { byTopic, PublishFixture, firstRecords, publish, readAll } from './publish/publish-fixture.ts'

const trade: MarketEvent = { T: 't', S: 'AAPL', p: 1.5, s: 1, t: '2026-01-31T14:30:00Z' }
const badLines = ['{"T":"t","S":"AAPL","p":"x"}', 'no JSON']
const mixed = [JSON.stringify(trade), badLines[0], '', JSON.stringify({ ...trade, s: 2 }), badLines[1]].join(
  '\n',
)

describe('a good file', () => {
  test('lies in the log, each event once and in order, and the report says where', async () => {
    const fixture = await PublishFixture.open()
    const tape = generateTape({ seed: 7, events: 6000 })
    const command = fixture.publish(await fixture.file('tape.jsonl', jsonLines(tape)))
    expect(await command.ended()).toBe(0)
    expect(await fixture.published()).toEqual(byTopic(tape))
    const trades = byTopic(tape).filter(event => 'tcx'.includes(event.T)).length
    expect(command.lines[0]).toMatch(/^published 6,000 events in .* to the embedded log .*log\.sqlite$/)
    expect(command.stdout).toMatch(
      new RegExp(`market\\.trades/0 +${trades.toLocaleString('en')} +0\\.\\.${trades - 1}\\n`),
    )
  })

  test('may be gzipped, whatever its name, in several members', async () => {
    const fixture = await PublishFixture.open()
    const tape = generateTape({ seed: 8, events: 1000 })
    const halves = [tape.slice(0, 500), tape.slice(500)].map(half => gzipSync(jsonLines(half)))
    expect(await fixture.publish(await fixture.file('tape.jsonl', Buffer.concat(halves))).ended()).toBe(0)
    expect(await fixture.published()).toEqual(byTopic(tape))
  })

  test('goes out at the rate that was asked for', async () => {
    const fixture = await PublishFixture.open()
    const tape = generateTape({ seed: 9, events: 30 })
    const command = fixture.publish(await fixture.file('tape.jsonl', jsonLines(tape)), '--rate', '100')
    expect(await command.ended()).toBe(0)
    const [, seconds] = /in ([\d.]+) s/.exec(command.stdout)!
    expect(Number(seconds)).toBeGreaterThanOrEqual(0.2)
    expect(await fixture.published()).toEqual(byTopic(tape))
  })

  test('is only checked with --check, for which no log is needed', async () => {
    const fixture = await PublishFixture.open()
    const file = await fixture.file('tape.jsonl', jsonLines([trade, trade]))
    const command = publish({}, file, '--check')
    expect(await command.ended()).toBe(0)
    expect(command.lines[0]).toBe(`${file}: 2 lines, 2 events, 2026-01-31T14:30:00Z to 2026-01-31T14:30:00Z`)
  })

  test('loses fields that no event has, which a warning names', async () => {
    const fixture = await PublishFixture.open()
    const file = await fixture.file('tape.jsonl', `${JSON.stringify({ ...trade, venue: 'X' })}\n`.repeat(3))
    const command = fixture.publish(file)
    expect(await command.ended()).toBe(0)
    expect(command.stderr).toContain('unknown fields, not published: t.venue (3 ×)')
    expect(await fixture.published()).toEqual([trade, trade, trade])
  })
})

describe('a file with bad lines', () => {
  test('is not published at all, and the bad lines are named', async () => {
    const fixture = await PublishFixture.open()
    const file = await fixture.file('mixed.jsonl', mixed)
    const command = fixture.publish(file)
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toContain(`${file}:2: t.p="x": expected a number`)
    expect(command.stderr).toContain(`${file}:5: not JSON: `)
    expect(command.stderr).toContain('2 bad lines of 5:')
    expect(command.stderr).toContain('nothing was published')
    expect(await fixture.published()).toEqual([])
  })

  test('is published without them where --skip-bad says so', async () => {
    const fixture = await PublishFixture.open()
    const command = fixture.publish(await fixture.file('mixed.jsonl', mixed), '--skip-bad')
    expect(await command.ended()).toBe(0)
    expect(await fixture.published()).toEqual([trade, { ...trade, s: 2 }])
    expect(command.stderr).toContain('2 bad lines of 5:')
    expect(command.stderr).toMatch(/left out 2 bad lines\n$/)
    expect(command.lines[0]).toMatch(/^published 2 events/)
  })

  test('is reported as bad by --check', async () => {
    const fixture = await PublishFixture.open()
    const command = publish({}, await fixture.file('mixed.jsonl', mixed), '--check')
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toContain('2 bad lines of 5:')
  })

  test('that is a damaged archive publishes nothing', async () => {
    const fixture = await PublishFixture.open()
    const archive = gzipSync(jsonLines(generateTape({ seed: 10, events: 2000 })))
    const command = fixture.publish(
      await fixture.file('tape.jsonl.gz', archive.subarray(0, archive.length / 2)),
    )
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toMatch(/tape\.jsonl\.gz: cannot be read \(unexpected end of file\)/)
    expect(await fixture.published()).toEqual([])
  })
})

describe('standard input', () => {
  test('is published as it comes, before it ends', async () => {
    const fixture = await PublishFixture.open()
    const command = fixture.publish('-')
    command.child.stdin.write(jsonLines([trade]))
    const log = fixture.log()
    onTestFinished(() => log.close())
    expect(await firstRecords(log)).toEqual([trade])
    command.child.stdin.end(jsonLines([{ ...trade, s: 2 }]))
    expect(await command.ended()).toBe(0)
    expect(await fixture.published()).toEqual([trade, { ...trade, s: 2 }])
  })

  test('is published up to its first bad line, from which one can go on', async () => {
    const fixture = await PublishFixture.open()
    const command = fixture.publish('-')
    command.child.stdin.end(gzipSync(mixed))
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toContain('standard input:2: t.p="x": expected a number')
    expect(command.stderr).toContain('every line before 2 is published; continue with --from-line 2')
    expect(await fixture.published()).toEqual([trade])
  })
})

describe('an interruption', () => {
  test('and going on from the line that it names lose nothing and repeat nothing', async () => {
    const fixture = await PublishFixture.open()
    const tape = generateTape({ seed: 11, events: 4000 })
    const file = await fixture.file('tape.jsonl', jsonLines(tape))
    const first = fixture.publish(file, '--rate', '500')
    const log = fixture.log()
    onTestFinished(() => log.close())
    await firstRecords(log)
    first.kill('SIGINT')
    expect(await first.ended()).toBe(130)
    const [, line] = /continue with --from-line (\d+)/.exec(first.stderr)!
    expect(await readAll(log)).toEqual(byTopic(tape.slice(0, Number(line) - 1)))
    const second = fixture.publish(file, '--from-line', line!)
    expect(await second.ended()).toBe(0)
    expect(await readAll(log)).toEqual(byTopic(tape))
  })

  test('ends a long wait for the next event’s time', async () => {
    const fixture = await PublishFixture.open()
    const tape = [trade, { ...trade, t: '2026-01-31T19:30:00Z' }]
    const command = fixture.publish(await fixture.file('tape.jsonl', jsonLines(tape)), '--realtime')
    await command.printed('stderr', /line 2 is due in 5 h 0 min/)
    command.kill('SIGINT')
    expect(await command.ended()).toBe(130)
    expect(await fixture.published()).toEqual([trade])
  })

  test('ends a pipe that has gone quiet', async () => {
    const fixture = await PublishFixture.open()
    const command = fixture.publish('-')
    command.child.stdin.write(jsonLines([trade]))
    const log = fixture.log()
    onTestFinished(() => log.close())
    await firstRecords(log)
    command.kill('SIGTERM')
    expect(await command.ended()).toBe(130)
    expect(command.stderr).toContain('continue with --from-line 2')
  })
})

describe('the exit code', () => {
  test('is 0 for help, which states how times are published', async () => {
    const command = publish({}, '--help')
    expect(await command.ended()).toBe(0)
    expect(command.stdout).toContain('a replay of an old file shows old times')
  })

  test('is 2 for a wrong option and a wrong configuration', async () => {
    const option = publish({}, 'x', '--rate', 'fast')
    const configuration = publish({}, import.meta.filename)
    expect([await option.ended(), await configuration.ended()]).toEqual([2, 2])
    expect(option.stderr).toMatch(/^publish: --rate fast: expected/)
    expect(configuration.stderr).toMatch(/TICKER_KAFKA_BROKERS: required in production/)
  })

  test('is 1 for a file that is not there', async () => {
    const command = publish({ TICKER_MODE: 'development' }, 'no-such-file.jsonl')
    expect(await command.ended()).toBe(1)
    expect(command.stderr).toMatch(/^publish: no-such-file\.jsonl: cannot be read \(ENOENT/)
  })
})
