import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DevelopmentKeyError } from '../../src/auth/development-file.ts'
import {
  developmentIdentity,
  readDevelopmentKey,
  signDevelopmentToken,
} from '../../src/auth/development-token.ts'
import { createTokenVerifier } from '../../src/auth/token-verifier.ts'
import { refusalOf } from './test-tokens.ts'
import { clockOf } from '../support/test-clock.ts'

let folder = ''
let path = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-key-'))
  path = join(folder, '.ticker', 'development-key.json')
})

afterEach(() => rm(folder, { recursive: true }))

describe('the development key', () => {
  test('is made on first use, for its owner only, and kept', async () => {
    const made = await readDevelopmentKey('development', path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, '.ticker'))).mode & 0o777).toBe(0o700)
    const read = await readDevelopmentKey('development', path)
    expect(read.id).toBe(made.id)
    expect(read.privateKey.equals(made.privateKey)).toBe(true)
  })

  test('is not made or read in production', async () => {
    await expect(readDevelopmentKey('production', path)).rejects.toThrow(
      /^TICKER_MODE=production: .* only in development/,
    )
    expect(await readdir(folder)).toEqual([])
  })

  test('is one, however many ask at once, and leaves no other file', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => readDevelopmentKey('development', path)))
    expect(new Set(keys.map(key => key.id)).size).toBe(1)
    expect(await readdir(join(folder, '.ticker'))).toEqual(['development-key.json'])
  })

  test('is one for processes that start at once', async () => {
    const module = new URL('../../src/auth/development-token.ts', import.meta.url).href
    const script = `const { readDevelopmentKey } = await import(${JSON.stringify(module)})
      console.log((await readDevelopmentKey('development', ${JSON.stringify(path)})).id)`
    const runs = Array.from({ length: 4 }, () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]),
    )
    expect(new Set((await Promise.all(runs)).map(({ stdout }) => stdout)).size).toBe(1)
  })

  test('is refused when others can read it, with the cure', async () => {
    await readDevelopmentKey('development', path)
    for (const mode of [0o644, 0o640, 0o602]) {
      await chmod(path, mode)
      const refused = readDevelopmentKey('development', path)
      await expect(refused).rejects.toThrow(`${path}: mode 0${mode.toString(8)} lets others read the key`)
      await expect(refused).rejects.toThrow(`chmod 600 ${path}`)
    }
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"kty":"EC"}',
    '{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}',
    '{"kty":"oct","k":"AA"}',
  ])('is refused when damaged: %s', async text => {
    await mkdir(join(folder, '.ticker'))
    await writeFile(path, text, { mode: 0o600 })
    await expect(readDevelopmentKey('development', path)).rejects.toThrow(`${path}: damaged; delete it`)
  })

  test('is never shown when damaged', async () => {
    await readDevelopmentKey('development', path)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.slice(0, -4))
    const error = await readDevelopmentKey('development', path).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DevelopmentKeyError)
    expect(error).toMatchObject({ code: 'TICKER_DEVELOPMENT_KEY' })
    expect(inspect(error)).not.toContain(text.slice(20, 40))
  })

  test('is refused when it is a folder, or a link to nowhere', async () => {
    await mkdir(path, { recursive: true })
    await expect(readDevelopmentKey('development', path)).rejects.toBeInstanceOf(DevelopmentKeyError)
    await rm(path, { recursive: true })
    await symlink(join(folder, 'nowhere'), path)
    await expect(readDevelopmentKey('development', path)).rejects.toBeInstanceOf(DevelopmentKeyError)
  })

  test('cannot be made where a file stands in for its folder', async () => {
    await writeFile(join(folder, '.ticker'), '')
    await expect(readDevelopmentKey('development', path)).rejects.toThrow(path)
  })
})

describe('a development token', () => {
  test('gives what it was minted for, until its end', async () => {
    const key = await readDevelopmentKey('development', path)
    let nowMs = 1_800_000_000_000
    const verify = createTokenVerifier({
      ...developmentIdentity,
      clockToleranceS: 0,
      keys: () => key.publicKey,
      clock: clockOf(() => nowMs),
    })
    const request = {
      key,
      subject: 'ann',
      scopes: ['stream'],
      feeds: ['live'],
      channels: '*',
      symbols: ['AAPL'],
      lifetimeS: 60,
    } as const
    const token = await signDevelopmentToken({ ...request, clock: clockOf(() => nowMs) })
    const grant = await verify(token)
    expect(grant).toMatchObject({
      subject: 'ann',
      scopes: new Set(['stream']),
      feeds: new Set(['live']),
      channels: '*',
      symbols: new Set(['AAPL']),
      rooms: new Set(),
      expiresAtMs: nowMs + 60_000,
    })
    expect(
      (await verify(await signDevelopmentToken({ ...request, clock: clockOf(() => nowMs) }))).tokenId,
    ).not.toBe(grant.tokenId)
    nowMs += 60_000
    expect((await refusalOf(verify, token)).reason).toBe('expired')
  })
})
