import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { development, faultsOf, production } from '../environment.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-contradictions-'))
})
afterAll(() => rm(folder, { recursive: true }))

const dayMs = 86_400_000

/** A certificate that is valid for a day from so many days on, and its key. */
async function pair(name: string, fromDays: number): Promise<{ certificateFile: string; keyFile: string }> {
  const notBeforeDate = new Date(Date.now() + fromDays * dayMs)
  const notAfterDate = new Date(notBeforeDate.getTime() + dayMs)
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate,
    notAfterDate,
  })
  const [certificateFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)]
  await writeFile(certificateFile, made.cert)
  await writeFile(keyFile, made.private)
  return { certificateFile, keyFile }
}

/**
 * Cause: each value was checked by itself, or against the same text of another.
 * Symptom: --check-config called a configuration right with which the gateway did not start, or let nobody
 * in.
 * Seen: by going through all variables for what is accepted and cannot work.
 */
describe('what is accepted by itself and cannot work is refused with both names:', () => {
  test.each([
    [{ TICKER_HOST: '127.0.0.1', TICKER_OPS_HOST: 'localhost' }, 'TICKER_PORT'],
    [{ TICKER_HOST: '127.0.0.1', TICKER_OPS_HOST: '0.0.0.0' }, 'TICKER_PORT'],
    [{ TICKER_HOST: '::1', TICKER_OPS_HOST: '::' }, 'TICKER_PORT'],
    [{ TICKER_HOST: '127.0.0.1', TICKER_OPS_HOST: '::' }, 'TICKER_PORT'],
    [{ TICKER_HOST: '::1', TICKER_OPS_HOST: '0:0:0:0:0:0:0:1' }, 'TICKER_PORT'],
    [{ TICKER_HOST: '127.0.0.1', TICKER_OPS_HOST: '::ffff:127.0.0.1' }, 'TICKER_PORT'],
  ])('one port on addresses that are one, %o', (hosts, other) => {
    expect(faultsOf({ ...production, ...hosts, TICKER_PORT: '9000', TICKER_OPS_PORT: '9000' })).toEqual([
      `TICKER_OPS_PORT=9000: is the same port as ${other}; change one of them`,
    ])
  })

  test.each([
    { TICKER_HOST: '127.0.0.1', TICKER_OPS_HOST: '127.0.0.2' },
    { TICKER_HOST: '::1', TICKER_OPS_HOST: '0.0.0.0' },
  ])('but one port on different addresses is not, %o', hosts => {
    expect(faultsOf({ ...production, ...hosts, TICKER_PORT: '9000', TICKER_OPS_PORT: '9000' })).toEqual([])
  })

  test.each([
    ['224.0.0.1', 'nothing can listen on multicast'],
    ['255.255.255.255', 'nothing can listen on broadcast'],
    ['ff02::1', 'nothing can listen on multicast'],
    ['fe80::1', 'such as fe80::1%eth0'],
  ])('an address that nothing can listen on, %s', (host, why) => {
    expect(faultsOf({ ...production, TICKER_OPS_HOST: host })).toEqual([expect.stringContaining(why)])
  })

  test.each([
    ['TICKER_TOPIC_QUOTES', 'market_trades', 'TICKER_TOPIC_TRADES=market.trades only in "." and "_"'],
    ['TICKER_TOPIC_DEAD_LETTERS', 'market_news', 'TICKER_TOPIC_NEWS=market.news only in "." and "_"'],
  ])('topics that Kafka takes for one, %s=%s', (name, topic, why) => {
    expect(faultsOf({ ...production, [name]: topic })).toEqual([expect.stringContaining(why)])
  })

  test.each([
    [
      { TICKER_MAX_MESSAGE_BYTES: '1048576' },
      /^TICKER_MAX_MESSAGE_BYTES=1048576: .* raise that to 257, or lower/,
    ],
    [
      { TICKER_MESSAGES_PER_SECOND: '16' },
      /^TICKER_MESSAGES_PER_SECOND=16: .* counts as 65, .* 64 at once; raise that to 17/,
    ],
    [{ TICKER_SLOW_TIMEOUT_MS: '4999' }, /^TICKER_SLOW_TIMEOUT_MS=4999: .* TICKER_HEARTBEAT_MS \(5000\)/],
    [
      { TICKER_HEARTBEAT_MS: '60000', TICKER_SLOW_TIMEOUT_MS: '1000' },
      /^TICKER_SLOW_TIMEOUT_MS=1000: .* TICKER_HEARTBEAT_MS/,
    ],
    [
      { TICKER_MEMORY_LIMIT_BYTES: '1073741824', TICKER_TAPE_BYTES: '805306368' },
      /^TICKER_TAPE_BYTES=805306368: .* 75 % of its part of TICKER_MEMORY_LIMIT_BYTES=1073741824/,
    ],
    [
      { TICKER_MEMORY_LIMIT_BYTES: '1073741824', TICKER_TAPE_BYTES: '268435456', TICKER_WORKERS: '4' },
      /^TICKER_TAPE_BYTES=268435456: recent events alone would fill/,
    ],
    [
      { TICKER_MEMORY_LIMIT_BYTES: '1073741824', TICKER_TAPE_BYTES: '268435456', TICKER_FEEDS: 'a,b,c' },
      /^TICKER_TAPE_BYTES=268435456: recent events of 3 feeds \(TICKER_FEEDS\) alone would fill/,
    ],
    [
      { TICKER_MEMORY_REFUSE_PERCENT: '95' },
      /^TICKER_MEMORY_SHED_PERCENT: is lower than TICKER_MEMORY_REFUSE_PERCENT/,
    ],
  ])('limits, %o', (env, fault) => {
    expect(faultsOf({ ...production, ...env })).toEqual([expect.stringMatching(fault)])
  })

  test.each([
    { TICKER_MAX_MESSAGE_BYTES: '1048576', TICKER_MESSAGES_PER_SECOND: '257' },
    { TICKER_MESSAGES_PER_SECOND: '17' },
    { TICKER_HEARTBEAT_MS: '60000' },
    { TICKER_MEMORY_LIMIT_BYTES: '134217728' },
  ])('but not %o', env => expect(faultsOf({ ...production, ...env })).toEqual([]))

  test.each([
    ['expired', -2, /^TICKER_TLS_CERT_FILE=.*: has expired, at 20.*; renew it$/],
    ['future', 2, /^TICKER_TLS_CERT_FILE=.*: is not valid before 20/],
  ])('a certificate out of its time: %s', async (name, fromDays, fault) => {
    const { certificateFile, keyFile } = await pair(name, fromDays)
    expect(
      faultsOf({ ...production, TICKER_TLS_CERT_FILE: certificateFile, TICKER_TLS_KEY_FILE: keyFile }),
    ).toEqual([expect.stringMatching(fault)])
  })

  test('authorities of which none is valid any more; one that is does', async () => {
    const [old, current] = [await pair('old', -3), await pair('current', 0)]
    const both = join(folder, 'both.pem')
    await writeFile(both, [
      await readFile(old.certificateFile),
      '\n',
      await readFile(current.certificateFile),
    ])
    const faults = (path: string): readonly string[] =>
      faultsOf({ ...production, TICKER_KAFKA_TLS_CA_FILE: path })
    expect(faults(old.certificateFile)).toEqual([
      expect.stringContaining('every certificate in it has expired'),
    ])
    expect(faults(both)).toEqual([])
  })

  test('a folder in place of a file, and everybody in place of a proxy', () => {
    expect(faultsOf({ ...development, TICKER_EMBEDDED_PATH: folder })).toEqual([
      expect.stringContaining('this is a folder'),
    ])
    expect(faultsOf({ ...production, TICKER_TRUSTED_PROXIES: '10.0.0.0/8, 0.0.0.0/0' })).toEqual([
      expect.stringContaining('0.0.0.0/0 would trust every client as a proxy'),
    ])
  })
})
